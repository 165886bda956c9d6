"""h5py where it is installed, and what to do where it is not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An HDF5 file to read from.

    Raises:
        ModuleNotFoundError: h5py is not installed.
        ValueError: a damaged file.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{path} is an HDF5 file, which needs h5py: "
            "pip install 'jiqa[convert]' (or pip install h5py)"
        ) from None
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read as HDF5 ({error})") from error
    with file:
        yield file

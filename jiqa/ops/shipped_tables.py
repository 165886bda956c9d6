"""Tables of numbers that come with jiqa, in ``weights/shipped``."""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np


@functools.cache
def shipped_table(name: str) -> dict[str, np.ndarray]:
    """The arrays of ``weights/shipped/NAME.npz``, float64."""
    file = importlib.resources.files("jiqa").joinpath(
        "weights", "shipped", f"{name}.npz"
    )
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays}

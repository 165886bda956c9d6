"""Rows of features on disk, by image: only appended to, and always whole.

Each array of the features is one file of rows, in the order of the keys in a text
file. A key is written after its rows, so what a broken-off run leaves behind its last
key is cut off by the next one. A row serves every run, split and seed that needs it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class FeatureStore:
    """Arrays of features in a folder, one row per image.

    Attributes:
        folder: where they are.
        rows: where each key's row is.
    """

    def __init__(self, folder: Path, shapes: Sequence[Any]) -> None:
        """Open the store; make it if need be.

        Args:
            folder: the store's alone.
            shapes: shape and dtype of one row of each array.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._rows = [(tuple(s.shape), np.dtype(s.dtype)) for s in shapes]
        self.rows: dict[str, int] = {}
        self._read()

    def _read(self) -> None:
        path = self.folder / "keys.txt"
        lines = path.read_text("ascii").splitlines(True) if path.is_file() else []
        whole = [line[:-1] for line in lines if line.endswith("\n")]
        self.rows = {key: row for row, key in enumerate(whole)}

    @contextlib.contextmanager
    def appending(self) -> Iterator[None]:
        """Keep other processes from adding rows; show those that they have added."""
        with (self.folder / "lock").open("a") as lock:
            _wait_for(lock)
            self._read()
            text = "".join(f"{key}\n" for key in self.rows)
            _cut(self.folder / "keys.txt", len(text))
            for file, (shape, dtype) in zip(self._files(), self._rows, strict=True):
                _cut(file, len(self.rows) * dtype.itemsize * int(np.prod(shape)))
            yield

    def append(self, keys: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
        """Add rows, inside ``appending``."""
        for file, values, (shape, dtype) in zip(
            self._files(), arrays, self._rows, strict=True
        ):
            rows = np.ascontiguousarray(values, dtype).reshape(len(keys), *shape)
            with file.open("ab") as out:
                out.write(rows.tobytes())
        with (self.folder / "keys.txt").open("a", encoding="ascii") as out:
            out.write("".join(f"{key}\n" for key in keys))
        for key in keys:
            self.rows[key] = len(self.rows)

    def arrays(self) -> list[np.ndarray]:
        """Return all rows of each array, read lazily."""
        count = len(self.rows)
        return [
            np.memmap(file, dtype, "r", shape=(count, *shape))
            for file, (shape, dtype) in zip(self._files(), self._rows, strict=True)
        ]

    def _files(self) -> list[Path]:
        return [self.folder / f"{k}.rows" for k in range(len(self._rows))]


def _cut(path: Path, size: int) -> None:
    with path.open("ab") as file:
        file.truncate(size)


def _wait_for(file: Any) -> None:
    """Lock the file; wait while another process holds it. Closing it unlocks it."""
    try:
        import fcntl
    except ImportError:  # a system that has no such locks
        return
    fcntl.flock(file, fcntl.LOCK_EX)

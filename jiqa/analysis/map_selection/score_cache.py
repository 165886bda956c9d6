"""A table of scores that grows on disk, row by row, and survives being cut off.

Three files: ``NAME.json`` says what the scores are, ``NAME.npy`` holds them and
``NAME.done.npy`` which rows are there. Both arrays are mapped into memory, so that a
table larger than memory can be filled and read. A row's mark is set once the row itself
is on disk: whatever ends a run, each row is then whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.io.atomic import replacing, write_text


class ScoreStore:
    """Scores ``[rows, columns]`` under everything that they depend on.

    Attributes:
        path: the file of the scores.
        values: the scores ``[rows, columns]``, float32; NaN where not computed.
    """

    def __init__(
        self, folder: Path, name: str, facts: Mapping[str, Any], shape: tuple[int, int]
    ) -> None:
        """Open the table of ``facts``, or begin it.

        Args:
            folder: where tables are kept.
            name: how the files' names begin; a digest of the facts follows.
            facts: all that the scores depend on, as JSON has it.
            shape: rows and columns.
        """
        self._header = json.dumps({**facts, "shape": list(shape)}, indent=1)
        digest = hashlib.sha256(self._header.encode()).hexdigest()[:20]
        self._text = folder / f"{name}-{digest}.json"
        self.path = self._text.with_suffix(".npy")
        self._marks = self._text.with_suffix(".done.npy")
        folder.mkdir(parents=True, exist_ok=True)
        if not self._is_there(shape):
            self._text.unlink(missing_ok=True)
            _fill(self.path, np.float32, shape, np.nan)
            _fill(self._marks, np.uint8, shape[:1], 0)
            # Comes last: without it, the arrays may have been cut off.
            write_text(self._text, self._header)
        self.values: np.memmap = np.load(self.path, mmap_mode="r+")
        self._done: np.memmap = np.load(self._marks, mmap_mode="r+")

    def _is_there(self, shape: tuple[int, int]) -> bool:
        try:
            if self._text.read_text(encoding="utf-8") != self._header:
                return False
            values = np.load(self.path, mmap_mode="r")
            marks = np.load(self._marks, mmap_mode="r")
        except (OSError, ValueError):  # not there, or cut off
            return False
        return (values.shape, values.dtype) == (shape, np.float32) and (
            marks.shape,
            marks.dtype,
        ) == (shape[:1], np.uint8)

    @property
    def done(self) -> np.ndarray:
        """Return which rows are there ``[rows]``."""
        return np.asarray(self._done) == 1

    def write(self, rows: Any, values: np.ndarray) -> None:
        """Write rows ``[rows, columns]``; they are on disk when this returns."""
        self.values[rows] = values
        self.values.flush()
        self._done[rows] = 1
        self._done.flush()


def _fill(path: Path, dtype: Any, shape: tuple[int, ...], value: float) -> None:
    """Make a new array on disk, all ``value``, with its space taken.

    Space that is only promised ends a process that finds the disk full.
    """
    with replacing(path) as draft:
        array = np.lib.format.open_memmap(draft, mode="w+", dtype=dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with draft.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, draft.stat().st_size)
        array[:] = value
        array.flush()
        del array

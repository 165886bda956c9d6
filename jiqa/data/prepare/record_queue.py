"""TFDS's queue of records on their way to a set, in their order and in a file.

TFDS holds the first gigabyte of a split in memory and then goes over to files, which it
opens through TensorFlow; records that keep their order would all come into one of them,
and be read into memory at once. Records that come in their order need neither.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jiqa.checks import expected


class Ordered:
    """What ``tensorflow_datasets.core.shuffle.Shuffler`` is where nothing is shuffled.

    Attributes:
        size: bytes of all records.
        num_examples: of them.
    """

    def __init__(self, dirpath: Any) -> None:
        """Open a file in the folder of the set that is being written."""
        Path(dirpath).mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=dirpath)
        self._lengths: list[int] = []
        self.size = 0

    @property
    def num_examples(self) -> int:
        """Records so far."""
        return len(self._lengths)

    @property
    def bucket_lengths(self) -> Sequence[int]:
        """Records in each file."""
        return [self.num_examples]

    def add(self, key: int, data: bytes) -> bool:
        """Take the next record.

        Raises:
            ValueError: one out of turn.
        """
        if key != self.num_examples:
            raise ValueError(expected("key", f"record {self.num_examples}", f"{key}"))
        self._file.write(data)
        self._lengths.append(len(data))
        self.size += len(data)
        return True

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """All records with their keys."""
        self._file.seek(0)
        for key, length in enumerate(self._lengths):
            yield key, self._file.read(length)

    def close(self) -> None:
        """The file is gone."""
        self._file.close()


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    """While this holds, TFDS writes through ``Ordered``."""
    from tensorflow_datasets.core import shuffle

    before = shuffle.Shuffler
    with contextlib.ExitStack() as files:

        def ordered(dirpath: Any, *_: Any, **__: Any) -> Ordered:
            return files.enter_context(contextlib.closing(Ordered(dirpath)))

        shuffle.Shuffler = ordered
        try:
            yield
        finally:
            shuffle.Shuffler = before

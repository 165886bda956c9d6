"""Where encoded images come from: files, or records of a data set in memory."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Anything but a file that holds an encoded image; ``str()`` names it."""

    def read_bytes(self) -> bytes:
        """The encoded image, whole."""
        ...


@dataclass(frozen=True)
class Encoded:
    """An encoded image in memory, such as a record of a data set.

    Attributes:
        name: what messages call it.
        data: the file's bytes.
    """

    name: str
    data: bytes

    def __str__(self) -> str:
        """The name."""
        return self.name

    @property
    def suffix(self) -> str:
        """The name's ending."""
        return Path(self.name).suffix

    def read_bytes(self) -> bytes:
        """The bytes."""
        return self.data

    def open(self, mode: str = "rb") -> io.BytesIO:
        """As an open file."""
        del mode
        return io.BytesIO(self.data)


def as_file(source: str | Path | Source) -> Path | Encoded:
    """Turn a path or a source into a path or an encoded image."""
    if isinstance(source, Encoded):
        return source
    if isinstance(source, str | Path):
        return Path(source)
    return Encoded(str(source), source.read_bytes())

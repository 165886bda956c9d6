"""Decoded references, kept while many distorted versions of them are scored."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jiqa.io.decode import Shape, peek, read_image
from jiqa.io.sources import Source


class ReferenceCache:
    """The most recently used references, up to a number of bytes; thread-safe."""

    def __init__(
        self,
        background: float,
        *,
        limit_bytes: int = 2**28,
        read: Callable[..., np.ndarray] = read_image,
        peek: Callable[..., Shape] = peek,
    ) -> None:
        """Composite transparency over ``background``; keep ``limit_bytes`` at most.

        ``read`` and ``peek`` read files, by default images of 8 and 16 bits.
        """
        self._read_file = read
        self._background = background
        self._limit = limit_bytes
        self._kept: OrderedDict[Path | Source, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._peek = functools.lru_cache(maxsize=4096)(peek)

    def peek(self, path: Path | Source) -> Shape:
        """Return the reference's shape, from its header."""
        return self._peek(path)

    def read(self, path: Path | Source) -> np.ndarray:
        """Return the reference's pixels.

        Two threads may decode one file at the same moment; that costs a little time
        and no harm.
        """
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        pixels = self._read_file(path, background=self._background)
        with self._lock:
            self._kept[path] = pixels
            while sum(p.nbytes for p in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)
        return pixels

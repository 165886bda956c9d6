"""Quantiles of many streams at once, in memory that does not grow with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from jiqa.checks import expected


class StreamingQuantiles:
    """A sketch of the distribution of each stream.

    Values fill a buffer; a full one is sorted and every other value passed on, to a
    buffer whose values count twice, and so on. Of n values, it holds capacity times
    log2(n / capacity) at most. Each passing on moves ranks by no more than half of what
    a passed value counts; which half is kept is drawn, so that these errors even out.
    As long as a buffer is not full, quantiles are exact. After K. Lang, Z. Karnin and
    E. Liberty, "Optimal quantile approximation in streams", FOCS 2016, with equal
    buffers.
    """

    def __init__(self, streams: int, capacity: int = 4096, seed: int = 0) -> None:
        """Begin.

        Args:
            streams: how many.
            capacity: values in a buffer, an even number.
            seed: of the draws.
        """
        if streams < 1 or capacity < 2 or capacity % 2:
            raise ValueError(
                expected(
                    "streams, capacity",
                    "1 or more, and an even number",
                    f"{streams} and {capacity}",
                )
            )
        self._streams, self._capacity = streams, capacity
        self._rng = np.random.default_rng(seed)
        self._buffers: list[np.ndarray] = []
        self._filled: list[int] = []
        self.count = 0

    def add(self, values: Any) -> None:
        """Take in values ``[n, streams]``."""
        values = np.asarray(values, np.float32)
        if values.ndim != 2 or values.shape[1] != self._streams:
            wanted = f"shape [n, {self._streams}]"
            raise ValueError(expected("values", wanted, f"{values.shape}"))
        self.count += len(values)
        self._put(0, values)

    def _put(self, level: int, values: np.ndarray) -> None:
        if level == len(self._buffers):
            shape = self._capacity, self._streams
            self._buffers.append(np.empty(shape, np.float32))
            self._filled.append(0)
        start = 0
        while start < len(values):
            at = self._filled[level]
            part = values[start : start + self._capacity - at]
            self._buffers[level][at : at + len(part)] = part
            self._filled[level] += len(part)
            start += len(part)
            if self._filled[level] == self._capacity:
                first = int(self._rng.integers(2))
                passed = np.sort(self._buffers[level], axis=0)[first::2]
                self._filled[level] = 0
                self._put(level + 1, passed)

    def quantile(self, share: float) -> np.ndarray:
        """The least value that ``share`` of the values do not exceed, ``[streams]``.

        Raises:
            ValueError: no values yet, or a share outside 0 to 1.
        """
        if not self.count or not 0 < share <= 1:
            wanted = "above 0, at most 1, of at least one value"
            raise ValueError(
                expected("share", wanted, f"{share} of {self.count} values")
            )
        parts, weights = [], []
        for level, buffer in enumerate(self._buffers):
            parts.append(buffer[: self._filled[level]])
            weights.append(np.full(self._filled[level], 2.0**level))
        values, weight = np.concatenate(parts), np.concatenate(weights)
        order = values.argsort(0)
        reached = np.cumsum(weight[order], axis=0) >= share * weight.sum() - 1e-9
        found = np.take_along_axis(order, reached.argmax(0)[None], 0)[0]
        return values[found, np.arange(self._streams)]

    @property
    def held(self) -> int:
        """How many values are kept of each stream."""
        return sum(self._filled)

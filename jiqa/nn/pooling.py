"""Pooling operations: maximum, mean, root mean square, and means over the whole map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.nn.operations import Operation, Params, wide
from jiqa.ops.extent import Extent, extended, keep


@dataclass(frozen=True)
class Pool(Operation):
    """Windows of a map, the same along both axes.

    Attributes:
        window: side of a window.
        stride: between windows.
        padding: samples added on all four sides.
        ceil: whether a last window that begins inside the map (or the padding before
            it) counts although it ends outside: PyTorch's and Caffe's ceiling mode.
    """

    window: int = 2
    stride: int = 2
    padding: int = 0
    ceil: bool = False

    def size(self, n: Any, axis: int) -> Any:
        """How many windows there are."""
        room = n + 2 * self.padding - self.window
        count = (room + (self.stride - 1 if self.ceil else 0)) // self.stride + 1
        if not self.ceil:
            return count
        begin = (n + self.padding - 1) // self.stride + 1
        return min(count, begin) if isinstance(n, int) else jnp.minimum(count, begin)

    def _reaches_out(self) -> bool:
        """Whether windows may hold samples outside the map."""
        return self.padding > 0 or self.ceil

    def _reduce(
        self,
        x: Array,
        outside: float,
        merge: Callable[[list[Array], int], Array],
    ) -> Array:
        """Rows, then columns: ``merge(k-th sample of every window for all k, axis)``.

        Strided slices compile to plain loops on the CPU; reduce_window does not.
        """
        for axis in (1, 2):
            n = x.shape[axis]
            count = self.size(n, axis - 1)
            end = (count - 1) * self.stride + self.window - n - self.padding
            if self.padding or end > 0:
                around = [(0, 0)] * 4
                around[axis] = (self.padding, max(end, 0))
                x = jnp.pad(x, around, constant_values=outside)
            last = (count - 1) * self.stride + 1
            parts = [
                lax.slice_in_dim(x, k, k + last, self.stride, axis)
                for k in range(self.window)
            ]
            x = merge(parts, axis)
        return x


@dataclass(frozen=True)
class MaxPool(Pool):
    """Largest value of each window; what lies outside never is."""

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows, then columns."""

        def merge(parts: list[Array], axis: int) -> Array:
            x = parts[0]
            for part in parts[1:]:
                x = jnp.maximum(x, part)
            return x

        return self._reduce(inputs[0], -np.inf, merge)

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same of the image's samples."""
        if not self._reaches_out():
            return self(params, *inputs)
        found = self(params, keep(inputs[0], extent, -np.inf, axis=1))
        # Windows wholly outside are left infinite.
        return keep(found, self.extent(extent), axis=1)


@dataclass(frozen=True)
class MeanPool(Pool):
    """Mean of each window.

    Attributes:
        count_padding: whether zeros of the padding count as samples.
    """

    count_padding: bool = True

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows, then columns."""
        return self._means(inputs[0], *inputs[0].shape[1:3])

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same of the image's samples."""
        if not self._reaches_out():
            return self(params, *inputs)
        return self._means(keep(inputs[0], extent, axis=1), extent.rows, extent.cols)

    def _means(self, x: Array, *sides: Any) -> Array:
        """The means of maps that have so many rows and columns, and 0 elsewhere."""

        def merge(parts: list[Array], axis: int) -> Array:
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            samples = self._samples(total.shape[axis], sides[axis - 1])
            shape = [1] * 4
            shape[axis] = -1
            return total / jnp.asarray(samples.reshape(shape), total.dtype)

        return self._reduce(x.astype(wide(x.dtype)), 0.0, merge).astype(x.dtype)

    def _samples(self, count: int, n: Any) -> Any:
        """How many samples each of ``count`` windows along one axis of ``n`` has."""
        start = np.arange(count, dtype=np.int32) * self.stride - self.padding
        extra = self.padding if self.count_padding else 0
        first = np.maximum(start, -extra)
        if isinstance(n, int):
            return np.minimum(start + self.window, n + extra) - first
        # A window behind the image has none.
        return jnp.maximum(jnp.minimum(start + self.window, n + extra) - first, 1)


@dataclass(frozen=True)
class L2Pool(Pool):
    """Root of the squares' mean under a 3x3 Hann window, every second sample.

    Zeros outside the image count; 1e-12 under the root is DISTS's own.
    """

    window: int = 3
    stride: int = 2
    padding: int = 1

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows, then columns of the squares."""
        (x,) = inputs

        def merge(parts: list[Array], axis: int) -> Array:
            a, b, c = parts
            return 0.25 * a + 0.5 * b + 0.25 * c

        return jnp.sqrt(self._reduce(x * x, 0.0, merge) + 1e-12)

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same, with zeros around the image."""
        return self(params, keep(inputs[0], extent, axis=1))


@dataclass(frozen=True)
class BlurPool(Pool):
    """Binomial filter of 3x3, every second sample, as Zhang (2019) puts after a pool.

    The map is mirrored about its outermost samples, and windows begin two samples
    before it: ST-LPIPS' choice.
    """

    window: int = 3
    stride: int = 2
    padding: int = 2

    def size(self, n: Any, axis: int) -> Any:
        """How many windows there are; fewer than three samples cannot be mirrored."""
        if isinstance(n, int) and n <= self.padding:
            return 0
        return super().size(n, axis)

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows, then columns.

        The first window sees the samples of the second in reverse, and the filter is
        symmetric; where the number of samples is odd, so it is at the end. Otherwise
        the last window has both neighbours of its middle from the same side.
        """
        (x,) = inputs
        for axis in (1, 2):
            inner = self._filtered(x, axis)
            if x.shape[axis] % 2:
                last = _ends(inner, -1, axis)
            else:
                last = (_ends(x, -2, axis) + _ends(x, -1, axis)) * 0.5
            x = jnp.concatenate([_ends(inner, 0, axis), inner, last], axis)
        return x

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same, with the image mirrored about its own edges."""
        around = (self.padding, self.padding)
        x = extended(inputs[0], extent, around, around, "reflect", axis=1)
        return self._filtered(self._filtered(x, 1), 2)

    def _filtered(self, x: Array, axis: int) -> Array:
        """Windows inside the map."""
        last = (x.shape[axis] - self.window) // self.stride * self.stride + 1
        a, b, c = (
            lax.slice_in_dim(x, k, k + last, self.stride, axis) for k in range(3)
        )
        return (a + c) * 0.25 + b * 0.5


def _ends(x: Array, place: int, axis: int) -> Array:
    """One sample along an axis."""
    return lax.index_in_dim(x, place, axis)


@dataclass(frozen=True)
class AdaptiveMean(Operation):
    """Means over ``side`` x ``side`` cells that cover a map of any size.

    Cell i of n samples goes from floor(i n / side) to ceil((i + 1) n / side), as in
    PyTorch; cells may share samples.
    """

    side: int

    def size(self, n: int, axis: int) -> int:
        """As many as asked for, of any number."""
        return 0 if isinstance(n, int) and n < 1 else self.side

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows, then columns, each a product with a constant matrix."""
        (x,) = inputs
        if x.shape[1:3] == (self.side, self.side):
            return x
        rows, cols = (self._cells(n) for n in x.shape[1:3])
        return self._means(x, rows, cols)

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same of the image's samples."""
        (x,) = inputs
        sides = zip(x.shape[1:3], (extent.rows, extent.cols), strict=True)
        return self._means(x, *(self._run_time_cells(n, own) for n, own in sides))

    def _means(self, x: Array, rows: Any, cols: Any) -> Array:
        y = x.astype(wide(x.dtype))
        for cells, spec in ((rows, "ih,nhwc->niwc"), (cols, "jw,nhwc->nhjc")):
            cells = jnp.asarray(cells, y.dtype)
            y = jnp.einsum(spec, cells, y, precision=lax.Precision.HIGHEST)
        return y.astype(x.dtype)

    def _cells(self, n: int) -> np.ndarray:
        cells = np.zeros((self.side, n))
        for i in range(self.side):
            start, stop = i * n // self.side, -(-(i + 1) * n // self.side)
            cells[i, start:stop] = 1 / (stop - start)
        return cells

    def _run_time_cells(self, length: int, n: Any) -> Array:
        """The same for the first ``n`` of ``length`` samples."""
        i, k = (np.arange(m, dtype=np.int32) for m in (self.side, length))
        start, stop = i * n // self.side, -(-(i + 1) * n // self.side)
        of_cell = (k >= start[:, None]) & (k < stop[:, None])
        size = (stop - start)[:, None].astype(float)
        return jnp.where(of_cell, 1 / size, 0)


@dataclass(frozen=True)
class GlobalMean(Operation):
    """Mean of each channel: ``[N, H, W, C]`` to ``[N, C]``."""

    def size(self, n: int, axis: int) -> int:
        """One vector of any number of samples."""
        return 0 if isinstance(n, int) and n < 1 else 1

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """Rows first: float32 rounds less than in one long sum."""
        (x,) = inputs
        return x.astype(wide(x.dtype)).mean(1).mean(1).astype(x.dtype)

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same of the image's samples."""
        (x,) = inputs
        y = keep(x.astype(wide(x.dtype)), extent, axis=1)
        return (y.sum(1).sum(1) / extent.count(y.dtype)).astype(x.dtype)

"""The Laplacian pyramid of matlabPyrTools, as ``buildLpyr`` makes it by default.

Taps [1 4 6 4 1] / 16 with gain sqrt(2) along each axis, so a level's values are twice
as large as those of the level below it; borders mirror about the edge pixel, which is
not repeated; sizes are halved rounding up.

Sums are arranged so that equal samples add up by doubling, which is exact: a band of a
constant region is exactly 0 in every float type, whatever the constant.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jiqa.ops.extent import Extent, extended


def reduce_level(x: Array, extent: Extent | None = None) -> Array:
    """Blur and keep every second sample: ``[..., H, W]`` to ``[ceil(H/2), ceil(W/2)]``.

    A constant comes out twice as large. Of the image in ``extent``, where that is not
    all of ``x``, the result's is ``extent.over(2)``.
    """
    for axis in (x.ndim - 2, x.ndim - 1):
        size = x.shape[axis]
        if extent is None:
            edges = [_cut(x, axis, i, 1) for i in (2, 1, size - 2, size - 3)]
            x = jnp.concatenate([*edges[:2], x, *edges[2:]], axis=axis)
        else:
            margin = (2, 0) if axis == x.ndim - 2 else (0, 2)
            x = extended(x, extent, margin, margin, "reflect")
        even, odd = _every_second(x, axis, 0), _every_second(x, axis, 1)
        count = (size + 1) // 2
        first, middle, last = (_cut(even, axis, i, count) for i in range(3))
        between = _cut(odd, axis, 0, count) + _cut(odd, axis, 1, count)
        x = (first + middle) + (middle + last) + 4 * (middle + between)
    return x * (2 / 16**2)


def expand_level(
    x: Array, shape: tuple[int, int], extent: Extent | None = None
) -> Array:
    """Twice the size by zeros between samples, then blur; cut to ``shape``.

    A constant comes out half as large. ``extent`` is the image in the result, where
    that is not all; in ``x`` it is ``extent.over(2)``.
    """
    axes = (x.ndim - 2, x.ndim - 1)
    for axis, size in zip(axes, shape, strict=True):
        if extent is not None:
            x = _mirrored_within(x, axis, extent.along(axis - x.ndim))
            continue
        # The mirror lies on the last pixel of the finer level. Where that is one of
        # the zeros, the sample before it is met again, else the one before that.
        last = x.shape[axis] - 1 - size % 2
        edges = _cut(x, axis, 1, 1), _cut(x, axis, last, 1)
        x = jnp.concatenate([edges[0], x, edges[1]], axis=axis)
    for axis, size in zip(axes, shape, strict=True):
        count = x.shape[axis] - 2
        before, here, after = (_cut(x, axis, i, count) for i in range(3))
        even = (before + here) + (here + after) + 4 * here
        x = interleave(even, 4 * (here + after), axis, size)
    return x * (2 / 16**2)


def _mirrored_within(x: Array, axis: int, size: Array) -> Array:
    """One more sample at either end of an image whose finer level has ``size``."""
    count = (size + 1) // 2
    last = lax.dynamic_slice_in_dim(x, count - 1 - size % 2, 1, axis)
    x = jnp.concatenate([_cut(x, axis, 1, 1), x, last], axis=axis)
    return lax.dynamic_update_slice_in_dim(x, last, 1 + count, axis)


def interleave(even: Array, odd: Array, axis: int, size: int) -> Array:
    """Samples by turns from ``even`` and ``odd`` along ``axis``, the first ``size``."""
    both = jnp.stack([even, odd], axis=axis + 1)
    shape = list(even.shape)
    shape[axis] *= 2
    return _cut(both.reshape(shape), axis, 0, size)


def laplacian_pyramid(
    x: Array, levels: int, extent: Extent | None = None
) -> tuple[list[Array], list[Array]]:
    """Bands of planes ``[..., H, W]``, finest first, the low-pass rest last.

    Args:
        x: planes.
        levels: number of bands, the rest included.
        extent: what of the planes is the image, where that is not all; of every band
            it is ``over(2)`` that of the one before.

    Returns:
        The bands, and the blurred planes that were taken from each but the last.
    """
    bands, blurred = [], []
    for _ in range(levels - 1):
        low = reduce_level(x, extent)
        blurred.append(expand_level(low, (x.shape[-2], x.shape[-1]), extent))
        bands.append(x - blurred[-1])
        x, extent = low, extent and extent.over(2)
    return [*bands, x], blurred


def _cut(x: Array, axis: int, start: int, count: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, start + count),)]


def _every_second(x: Array, axis: int, phase: int) -> Array:
    return x[(slice(None),) * axis + (slice(phase, None, 2),)]

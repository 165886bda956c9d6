"""Images of any size in arrays of one size: what of a padded field is the image.

A program is compiled for the shapes of its arrays. So that images of many sizes share
one, they lie in the first rows and columns of larger arrays, and their size is an
argument of the program. Arithmetic on single samples does not need it. Operations that
look at neighbours or add up do: they take an ``Extent``, and ``None`` where the whole
array is the image; the same definition then gives the program of that size alone.

What lies outside the extent is finite and arbitrary. Whoever reads it replaces it first
(``keep``) or extends the image over it (``extended``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

#: The factor of images that are decimated by several.
MIXED = 0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Extent:
    """How many rows and columns of a field ``[..., H, W]`` belong to the image.

    Attributes:
        rows: their number, an integer array without dimensions, 1 or more.
        cols: the number of columns.
        factor: by how much metrics that decimate by the image's size divide it, known
            when the program is traced: it decides the shapes of all that follows.
    """

    rows: Any
    cols: Any
    factor: int = field(default=1, metadata={"static": True})

    def map(self, change: Callable[[Any], Any]) -> Extent:
        """The extent with both numbers changed."""
        return Extent(change(self.rows), change(self.cols), self.factor)

    def valid(self, size: int, step: int = 1) -> Extent:
        """Of the windows of ``size`` samples that lie inside, every ``step``-th."""
        return self.map(lambda n: (n - size) // step + 1)

    def over(self, factor: int) -> Extent:
        """Every ``factor``-th sample, from the first on."""
        return self.map(lambda n: (n + factor - 1) // factor)

    def whole(self, size: int) -> Extent:
        """The part that consists of whole blocks of ``size`` samples."""
        return self.map(lambda n: n // size * size)

    def blocks(self, size: int) -> Extent:
        """The whole blocks of ``size`` samples."""
        return self.map(lambda n: n // size)

    def count(self, dtype: Any) -> Array:
        """The number of samples; float32 holds it exactly up to 2^24."""
        return jnp.asarray(self.rows).astype(dtype) * jnp.asarray(self.cols).astype(
            dtype
        )

    def along(self, axis: int) -> Any:
        """The number of rows (axis -2) or of columns (axis -1)."""
        return {-2: self.rows, -1: self.cols}[axis]


def inside(extent: Extent, shape: tuple[int, ...]) -> Array:
    """Which samples of a field ``[..., H, W]`` belong to the image, ``[H, W]``."""
    height, width = shape[-2:]
    rows = jnp.arange(height, dtype=jnp.int32)[:, None] < extent.rows
    return rows & (jnp.arange(width, dtype=jnp.int32) < extent.cols)


def keep(x: Array, extent: Extent | None, other: float = 0.0, axis: int = -2) -> Array:
    """``x`` with ``other`` outside the image, whose rows are along ``axis``.

    Its columns are along the axis that follows.
    """
    if extent is None:
        return x
    axis %= x.ndim
    seen = inside(extent, x.shape[axis : axis + 2])
    seen = seen.reshape(*seen.shape, *(1,) * (x.ndim - axis - 2))
    return jnp.where(seen, x, jnp.asarray(other, x.dtype))


def extended(
    x: Array,
    extent: Extent,
    before: tuple[int, int],
    after: tuple[int, int],
    border: str,
    axis: int = -2,
) -> Array:
    """Margins around the image, filled by the rule for borders.

    Args:
        x: field ``[..., H, W]``.
        extent: what of it is the image.
        before: samples that are added before the first row and column.
        after: samples after the image's last ones. The array grows by as many; what
            lies beyond them is arbitrary.
        border: see ``jiqa.ops.filters``.
        axis: that of the rows, where the columns' is not the last.
    """
    axis %= x.ndim
    if border == "zero":
        widths = [(0, 0)] * x.ndim
        widths[axis : axis + 2] = zip(before, after, strict=True)
        return jnp.pad(keep(x, extent, axis=axis), widths)
    x = _extended_axis(x, extent.rows, before[0], after[0], border, axis)
    return _extended_axis(x, extent.cols, before[1], after[1], border, axis + 1)


def _extended_axis(
    x: Array, length: Any, before: int, after: int, border: str, axis: int
) -> Array:
    if not before and not after:
        return x

    def cut(start: Any, count: int) -> Array:
        return lax.dynamic_slice_in_dim(x, start, count, axis)

    if border in ("symmetric", "reflect"):
        edge = int(border == "reflect")
        first = jnp.flip(cut(edge, before), axis)
        last = jnp.flip(cut(length - after - edge, after), axis)
    elif border == "replicate":
        first = jnp.repeat(cut(0, 1), before, axis)
        last = jnp.repeat(cut(length - 1, 1), after, axis)
    else:
        first, last = cut(length - before, before), cut(0, after)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, after)
    x = jnp.pad(x, widths)
    if before:
        x = lax.dynamic_update_slice_in_dim(x, first, 0, axis)
    if after:
        x = lax.dynamic_update_slice_in_dim(x, last, before + length, axis)
    return x


def rolled(x: Array, shift: int, length: Any, axis: int) -> Array:
    """``jnp.roll`` of the first ``length`` samples by -1, 0 or 1 along axis -2 or -1.

    What comes after them is arbitrary.
    """
    if shift == 0:
        return x
    axis = x.ndim + axis
    if shift == 1:
        end = lax.dynamic_slice_in_dim(x, length - 1, 1, axis)
        rest = lax.slice_in_dim(x, 0, x.shape[axis] - 1, axis=axis)
        return jnp.concatenate([end, rest], axis)
    first = lax.slice_in_dim(x, 0, 1, axis=axis)
    rest = lax.slice_in_dim(x, 1, x.shape[axis], axis=axis)
    x = jnp.concatenate([rest, first], axis)
    return lax.dynamic_update_slice_in_dim(x, first, length - 1, axis)

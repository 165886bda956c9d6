"""MATLAB's ``imresize`` of an image of any size in a padded array, and Pillow's."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp
from jax import Array

from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import product
from jiqa.ops.resize import Method

#: What the kernel meets beyond the image, see ``padded_resize_matrix``.
Border = Literal["symmetric", "cut"]


def padded_imresize(
    x: Array,
    shape: tuple[int, int],
    method: Method,
    *,
    source: Extent | None = None,
    target: Extent | None = None,
    border: Border = "symmetric",
    antialias: bool = True,
) -> Array:
    """``imresize`` of the image in ``[..., H, W]`` to that in an array of ``shape``.

    Args:
        x: planes.
        shape: rows and columns of the result.
        method: see ``imresize``.
        source: what of ``x`` is the image, if not all.
        target: what of the result is to be the image, if not all; 0 outside.
        border: see ``padded_resize_matrix``.
        antialias: whether the kernel widens where the image shrinks.
    """
    lengths = x.shape[-2:] if source is None else (source.rows, source.cols)
    outs = shape if target is None else (target.rows, target.cols)
    rows, cols = (
        padded_resize_matrix(
            lengths[k],
            x.shape[k - 2],
            outs[k],
            shape[k],
            x.dtype,
            method=method,
            border=border,
            antialias=antialias,
        )
        for k in (0, 1)
    )
    return product(product(rows, keep(x, source)), cols.T)


def padded_resize_matrix(
    length: Any,
    size: int,
    out: Any,
    out_size: int,
    dtype: Any,
    *,
    method: Method,
    scale: tuple[int, int] | None = None,
    border: Border = "symmetric",
    antialias: bool = True,
) -> Array:
    """The weights of ``imresize`` along one axis, ``[out_size, size]``.

    0 in rows and columns beyond the images. Distances are ratios of integers until the
    last division: in float32 positions would lose digits.

    Args:
        length: samples of the image, an integer that may be known at run time only.
        size: of the padded array.
        out: samples of the result.
        out_size: of the padded result.
        dtype: of the weights.
        method: see ``imresize``.
        scale: numerator and denominator of the scale, if that is not ``out / length``.
        border: the mirrored image, or nothing (``"cut"``): Pillow and ``jax.image``
            leave out what the kernel has beyond the image.
        antialias: whether the kernel widens where the image shrinks.
    """
    over, under = (jnp.asarray(v, jnp.int32) for v in scale or (out, length))
    length = jnp.asarray(length, jnp.int32)
    sample = jnp.arange(1, out_size + 1, dtype=jnp.int32)[:, None]
    source = jnp.arange(1, size + 1, dtype=jnp.int32)
    centre = (2 * sample - 1) * under + over  # times 2 over
    stretch: Any = 1
    if antialias:
        stretch = jnp.minimum(over.astype(dtype) / under.astype(dtype), 1)
    kernel = _KERNELS[method]

    def weight(at: Array) -> Array:
        distance = (centre - 2 * over * at).astype(dtype) / (2 * over).astype(dtype)
        return kernel(jnp.abs(stretch * distance))

    found = weight(source)
    if border == "symmetric":
        # Beyond either end the image is mirrored, the edge pixel repeated.
        found = found + weight(1 - source) + weight(2 * length + 1 - source)
    inside = (source <= length) & (sample <= jnp.asarray(out, jnp.int32))
    found = jnp.where(inside, found, 0)
    total = found.sum(1, keepdims=True)
    return found / jnp.where(total > 0, total, 1)


def _bicubic(t: Array) -> Array:
    near = ((1.5 * t - 2.5) * t) * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return jnp.where(t <= 1, near, jnp.where(t <= 2, far, 0))


def _bilinear(t: Array) -> Array:
    return jnp.maximum(1 - t, 0)


_KERNELS = {"bicubic": _bicubic, "bilinear": _bilinear}

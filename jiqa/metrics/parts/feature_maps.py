"""Comparing feature maps ``[h, w, maps]`` of two images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.extent import Extent, extended, keep
from jiqa.ops.filters import Border, gaussian_taps, shifted_sum
from jiqa.ops.numerics import added, safe_power, safe_sqrt
from jiqa.ops.structural_similarity import fields_of, stabilisers, terms

_TAPS = gaussian_taps(11, 1.5)
#: Samples on each side of the one that a window is centred on.
REACH = len(_TAPS) // 2
#: Memory that it takes, in maps like those compared, as compiled for the CPU.
SIMILARITY_WORK = 16
_PAD_MODE = {"zero": "constant", "replicate": "edge", "symmetric": "symmetric"}


def unit_difference(x: Array, y: Array, axes: tuple[int, ...]) -> Array:
    """``x / |x| - y / |y|`` with norms over ``axes``, exactly 0 where x equals y.

    Subtracting the two quotients leaves a rounding error there, since one of them is
    fused into the subtraction. Here each product has a factor that is exactly 0.
    """
    xx, yy = (jnp.sum(v * v, axis=axes, keepdims=True) for v in (x, y))
    return directions_apart(x, y, xx, yy)


def directions_apart(x: Array, y: Array, xx: Array, yy: Array) -> Array:
    """The same from the squares of the norms."""
    rx, ry = (1 / (safe_sqrt(squares) + 1e-10) for squares in (xx, yy))
    # The smaller of the two: 1e10, where there are no features, would swamp the rest.
    common = jnp.minimum(rx, ry)
    return (x - y) * common + (x * (rx - common) - y * (ry - common))


def peaks(
    x: Array, y: Array, least: float = 0.0, extent: Extent | None = None
) -> Array:
    """Largest magnitude of each map in either image, ``[maps]``, or ``least``."""
    x, y = (keep(v, extent, axis=0) for v in (x, y))
    largest = jnp.maximum(jnp.abs(x).max((0, 1)), jnp.abs(y).max((0, 1)))
    return jax.lax.stop_gradient(jnp.maximum(largest, least))


def largest(a: Any, b: Any) -> Any:
    """Merge the peaks of two tiles."""
    return jax.tree.map(jnp.maximum, a, b)


def structural_similarity(
    x: Array, y: Array, peak: Array, border: Border, extent: Extent | None = None
) -> Array:
    """SSIM of every map at every window: Gaussian of 11, sigma 1.5, K = .01 and .03.

    Args:
        x: maps of the reference ``[h, w, maps]``.
        y: maps of the distorted image.
        peak: dynamic range, of each map or of all.
        border: what lies outside the maps; ``"valid"`` for windows inside only.
        extent: what of the maps belongs to the image, if not all does.

    Returns:
        ``[h', w', maps]``; 1 throughout for identical maps, also where a peak of 0
        leaves SSIM undefined.
    """
    if border == "zero":
        level = jnp.zeros((), x.dtype)
    elif extent is None:  # no map's level then changes its variances
        level = jax.lax.stop_gradient(x.mean((0, 1)))
    else:
        total = keep(x, extent, axis=0).sum((0, 1))
        level = jax.lax.stop_gradient(total / extent.count(x.dtype))
    fields = fields_of(x - level, y - level)
    if border != "valid" and extent is None:
        widths = ((0, 0), (REACH, REACH), (REACH, REACH), (0, 0))
        fields = jnp.pad(fields, widths, mode=_PAD_MODE[border])
    elif border == "symmetric" and extent is not None:
        fields = _mirrored(_mirrored(fields, extent.rows, 1), extent.cols, 2)
    elif border != "valid" and extent is not None:
        around = (REACH, REACH)
        fields = extended(fields, extent, around, around, border, axis=1)
    return _similarity(
        shifted_sum(shifted_sum(fields, _TAPS, 1), _TAPS, 2), peak, level
    )


def _mirrored(fields: Array, length: Any, axis: int) -> Array:
    """The first ``length`` samples and ``REACH`` mirrored ones on both sides.

    There may be fewer samples than the margin has.
    """
    place = np.arange(-REACH, fields.shape[axis] + REACH, dtype=np.int32) % (2 * length)
    return jnp.take(fields, jnp.minimum(place, 2 * length - 1 - place), axis)


def unit_similarity(x: Array, y: Array, peak: Array) -> Array:
    """SSIM of vectors ``[units]``, each unit by itself.

    What is left of the window is the middle of one row of it: the authors of DeepSim
    lay a row across a column.
    """
    means = fields_of(x, y) * _TAPS[REACH]
    return _similarity(means, peak, jnp.zeros((), x.dtype))


def _similarity(means: Array, peak: Array, level: Array) -> Array:
    """SSIM from weighted means of the fields of maps less their level."""
    c1, c2 = stabilisers(peak)
    luminance, contrast = terms(means, c1, c2, centre=level, empty=True)
    return luminance * contrast


def layers_added(params: Any, options: Any, parts: list[Array]) -> Array:
    """The layers' terms of a score, added up or as ``output`` asks for them."""
    if options.output == "maps":
        return jnp.concatenate(parts)
    return jnp.stack(parts) if options.output == "layers" else added(parts)


def pooled_layers(scores: list[Array], pool_layer: str, output: str) -> Array:
    """The layers' scores: ``"mean"`` or ``"geometric"`` mean, or all (``"layers"``)."""
    if output == "layers":
        return jnp.stack(scores)
    if pool_layer == "mean":
        return added(scores) / len(scores)
    return geometric_mean(scores)


def geometric_mean(values: list[Array]) -> Array:
    """Geometric mean of the magnitudes; 0 if one is 0, infinite if one is."""
    out = safe_power(jnp.abs(values[0]), 1 / len(values))
    for value in values[1:]:
        out = out * safe_power(jnp.abs(value), 1 / len(values))
    return out


def each_map(metric: Callable[..., Array], x: Array, y: Array) -> Array:
    """``metric`` of every map as a grey image ``[h, w, 1]``, ``[maps]``."""

    def one(pair: tuple[Array, Array]) -> Array:
        return metric(pair[0][..., None], pair[1][..., None])

    return jax.lax.map(one, (jnp.moveaxis(x, -1, 0), jnp.moveaxis(y, -1, 0)))

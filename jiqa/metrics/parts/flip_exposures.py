"""HDR-FLIP's tone mappers, and the exposures at which it looks at an image.

After Andersson et al. (2021), with the constants of the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.colour_constants import BT709, weighted
from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import most, total
from jiqa.ops.phase_congruency import lower_median

#: The value that the brightest sample takes at the first exposure, and the median at
#: the last one.
_TARGET = 0.85

#: Stops between the two, at most; the authors have no limit.
MOST_EXPOSURES = 32

#: Light that every curve maps to 1, and whose square float32 holds.
_BRIGHTEST = 1e15

#: Numerator and denominator of curves: coefficients of x^2, x and 1.
Curve = tuple[float, float, float, float, float, float]

#: ACES as fitted by Narkowicz, its exposure of 0.6 taken out.
_ACES: Curve = (0.36 * 2.51, 0.6 * 0.03, 0.0, 0.36 * 2.43, 0.6 * 0.59, 0.14)


def _hable(white: float = 11.2, bias: float = 2.0) -> Curve:
    """Hable's filmic curve, scaled so that ``white`` gives 1, at his exposure bias."""
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    over = (a * f - a * e, c * b * f - b * e)
    under = (a * f, b * f, d * f * f)
    scale = (under[0] * white**2 + under[1] * white + under[2]) / (
        over[0] * white**2 + over[1] * white
    )
    return (
        bias**2 * over[0] * scale,
        bias * over[1] * scale,
        0.0,
        bias**2 * under[0],
        bias * under[1],
        under[2],
    )


_CURVES: dict[str, Curve] = {"aces": _ACES, "hable": _hable()}
TONE_MAPPERS = ("aces", "hable", "reinhard")


def tone_mapper_of(name: str) -> Callable[[Array], Array]:
    """A function from linear light ``[3, ...]`` to what is shown of it, in [0, 1]."""
    if name == "reinhard":
        return lambda x: jnp.clip(x / (1 + luminance(x)), 0, 1)
    k0, k1, k2, k3, k4, k5 = _CURVES[name]

    def mapped(x: Array) -> Array:
        return jnp.clip(((k0 * x + k1) * x + k2) / ((k3 * x + k4) * x + k5), 0, 1)

    return mapped


def _target_light(name: str) -> float:
    """The light that a tone mapper shows as ``_TARGET``."""
    if name == "reinhard":
        return _TARGET / (1 - _TARGET)
    k0, k1, k2, k3, k4, k5 = _CURVES[name]
    square, linear, constant = (
        over - _TARGET * under for over, under in ((k0, k3), (k1, k4), (k2, k5))
    )
    half = 0.5 * linear / square
    return -half + math.sqrt(half**2 - constant / square)


def luminance(light: Array) -> Array:
    """Luminance of linear sRGB ``[3, ...]``."""
    return weighted(BT709, tuple(light))


def exposed(light: Array, stops: Array) -> Array:
    """Light, 2^stops times as bright."""
    return jnp.minimum(light * jnp.exp2(stops), _BRIGHTEST)


def automatic_exposures(
    reference: Array, name: str, extent: Extent | None
) -> tuple[Array, Array]:
    """The first and the last exposure in stops.

    The brightest sample of the reference shows as .85 at the first, the median one
    (of an even number the lower of both in the middle) at the last. Where the median
    is 0, that of the samples with any light; without any, both count as 1. The
    last exposure is at most ``MOST_EXPOSURES`` stops above the first.

    Args:
        reference: linear light ``[3, H, W]``.
        name: of the tone mapper.
        extent: what of it is the image.
    """
    bright = luminance(reference)
    peak = most(bright, extent)
    dark = total((bright <= 0).astype(bright.dtype), extent).astype(jnp.int32)
    size = bright.size if extent is None else extent.rows * extent.cols
    size = jnp.asarray(size, jnp.int32)
    mostly_dark = 2 * dark > size
    number = jnp.maximum(jnp.where(mostly_dark, size - dark, size), 1)
    lit = jnp.where(mostly_dark & (bright <= 0), np.inf, keep(bright, extent, np.inf))
    middle = lower_median(lit, number)
    some = peak > 0
    peak = jnp.where(some, peak, 1)
    middle = jnp.where(some, jnp.maximum(middle, peak * 2.0**-MOST_EXPOSURES), 1)
    target = math.log2(_target_light(name))
    return target - jnp.log2(peak), target - jnp.log2(middle)

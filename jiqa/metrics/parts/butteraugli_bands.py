"""What Butteraugli sees of an image: opponent colours in four bands of frequency.

The constants are those of ``lib/jxl/butteraugli/butteraugli.cc`` of libjxl
(BSD-3-Clause). Planes are ``[3, N, H, W]`` or ``[2, N, H, W]``: X (red against green),
Y (luminance) and B (blue) of N images.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.colour_constants import all_weighted
from jiqa.ops.extent import Extent
from jiqa.ops.filters import by_plane, correlate, inner_mean
from jiqa.ops.numerics import safe_sqrt

#: Responses of the three receptors to red, green and blue light, and to none.
_RECEPTORS = np.array(
    [
        (0.29956550340058319, 0.63373087833825936, 0.077705617820981968),
        (0.22158691104574774, 0.69391388044116142, 0.0987313588422),
        (0.02, 0.02, 0.20480129041026129),
    ]
)
_DARK = (1.7557483643287353, 1.7557483643287353, 12.226454707163354)
#: The gamma function is _GAIN log(v + _OFFSET) - _LOSS.
_GAIN, _OFFSET, _LOSS = 19.245013259874995, 9.9710635769299145, 23.16046239805755

#: Widths of the blurs that responses adapt to, that split bands, and of masking.
_ADAPTATION = 1.2
_LOW, _MIDDLE, _HIGH = 7.15593339443, 3.22489901262, 1.56416327805
_MASKING = 2.7

#: The share of red-green detail that stays where luminance has much, and how much.
_KEPT, _SUPPRESSION = 0.653020556257, 46.0
#: Beyond a limit values grow by this slope.
_SLOPE = 0.724216145665
#: Activity v counts as sqrt(_RATE (v + _BIAS)).
_RATE, _BIAS = 6.19424080439, 12.61050594197


class Bands(NamedTuple):
    """The bands of images, from the lowest to the highest.

    Attributes:
        low: X, Y and B.
        middle: X, Y and B.
        high: X and Y.
        highest: X and Y.
    """

    low: Array
    middle: Array
    high: Array
    highest: Array


def opponent(light: Array, intensity: float, extent: Extent | None = None) -> Array:
    """X, Y and B of linear light, red, green and blue; 1 is ``intensity`` nits.

    What a receptor absorbs is multiplied by G(v) / v, where v is what it absorbs of the
    blurred image and G the gamma function: it adapts to the light around.
    """
    taps = _gaussian(_ADAPTATION)
    taps = taps / taps.sum()
    around = by_plane(
        lambda plane: correlate(plane, taps, taps, "symmetric", extent), light
    )
    absorbed, adapted = (_absorbed(v, intensity) for v in (light, around))
    responses = []
    for value, level, dark in zip(absorbed, adapted, _DARK, strict=True):
        level = jnp.maximum(level, dark)
        gamma = _GAIN * jnp.log(level + _OFFSET) - _LOSS
        responses.append(jnp.maximum(value * (gamma / level), dark))
    red, green, blue = responses
    return jnp.stack([red - green, red + green, blue])


def bands(colours: Array, extent: Extent | None = None) -> Bands:
    """The bands of opponent colours.

    Each is the blurred rest of those below, then bent: around 0 differences of X are
    removed and those of Y doubled, and large values of Y grow less.
    """
    low = _blurred(colours, _LOW, extent)
    rest = colours - low
    middle = _blurred(rest, _MIDDLE, extent)
    fine = rest[:2] - middle[:2]
    power = jnp.square(fine[1])
    hidden = (1 - _KEPT) * (power / (power + _SUPPRESSION))
    fine = fine * (1 - _each(fine, 1, 0) * hidden)
    high = _bent(_blurred(fine, _HIGH, extent), 28.4691806922)
    finest = _bent(fine - high, 5.19175294647) * _each(fine, 1, 2.69313763794)
    high = high * _each(fine, 1, 2.155)
    return Bands(
        low=low,
        middle=_pushed(middle, (-1, 1, 0), (0.29, 0.1, 0)),
        high=_pushed(high, (-1, 1), (1.5, 0.132)),
        highest=_pushed(finest, (-1, 0), (0.04, 0)),
    )


def activity(seen: Bands, extent: Extent | None = None) -> Array:
    """How busy the neighbourhood of a sample is, which hides errors: ``[N, H, W]``."""
    fine = seen.highest + seen.high
    rate = _RATE * safe_sqrt(jnp.square(2.5 * fine[0]) + jnp.square(0.4 * fine[1]))
    # sqrt(rate + bias) - sqrt(bias), in a form that keeps the digits of small values.
    bias = _RATE * _BIAS
    return _blurred(rate / (jnp.sqrt(rate + bias) + math.sqrt(bias)), _MASKING, extent)


def _absorbed(light: Array, intensity: float) -> list[Array]:
    planes = all_weighted(_RECEPTORS * intensity, list(light))
    return [plane + dark for plane, dark in zip(planes, _DARK, strict=True)]


def _gaussian(sigma: float) -> np.ndarray:
    """A Gaussian that ends at 2.25 sigma; its sum is not 1."""
    radius = max(1, int(2.25 * sigma))
    return np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))


def _blurred(x: Array, sigma: float, extent: Extent | None) -> Array:
    return inner_mean(x, _gaussian(sigma), extent)


def _each(like: Array, *values: float) -> Array:
    """One number for each of X, Y and B."""
    return jnp.asarray(np.array(values), like.dtype)[:, None, None, None]


def _pushed(
    x: Array, directions: tuple[float, ...], widths: tuple[float, ...]
) -> Array:
    """Moved from 0 (direction 1) or towards it (-1), by as much as the width."""
    width = _each(x, *widths)
    return x + _each(x, *directions) * jnp.clip(x, -width, width)


def _bent(x: Array, limit: float) -> Array:
    """X unchanged; Y within the limit, and beyond it along a flatter line."""
    limits = _each(x, float("inf"), limit)
    within = jnp.clip(x, -limits, limits)
    return within + _SLOPE * (x - within)

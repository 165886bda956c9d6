"""FLIP's error at every pixel of two images that are seen in turn.

After Andersson et al. (2020), section 4, with the constants of the authors' code.
Both images are one field ``[2, H, W]`` a plane, so that each filter is traced once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.ops.colour import Planes, lab_response
from jiqa.ops.colour_constants import (
    FLIP_FROM_XYZ,
    FLIP_OVER_WHITE,
    FLIP_TO_XYZ,
    FLIP_WHITE,
    LAB_KNEE,
    all_weighted,
)
from jiqa.ops.extent import Extent
from jiqa.ops.filters import pad, shifted_sum
from jiqa.ops.numerics import safe_sqrt

#: Linear sRGB to XYZ over the white, and the white's XYZ to linear sRGB.
_TO_RATIOS = FLIP_TO_XYZ * FLIP_OVER_WHITE[:, None]
_FROM_RATIOS = FLIP_FROM_XYZ * FLIP_WHITE

Window = tuple[float, ...]

#: Contrast sensitivity of Y, Cx and Cz as Gaussians exp(-(pi x)^2 / b), x in degrees;
#: that of Cz is the sum of two, each times a sqrt(pi / b).
_ACHROMATIC, _RED_GREEN = 0.0047, 0.0053
_BLUE_YELLOW = ((34.1, 0.04), (13.5, 0.025))
_WIDEST = 0.04
#: Width of the edge detector in degrees.
_EDGE_WIDTH = 0.082

_COLOUR_EXPONENT = 0.7
#: Errors under this share of the largest one are spread over [0, _SPREAD_TO].
_SHARE, _SPREAD_TO = 0.4, 0.95

#: The distance, width and columns of the screen that the authors assume; in metres.
_SCREEN = (0.7, 0.7, 3840)
#: Under this an edge detector has no taps beside its centre.
_FEWEST_PER_DEGREE = 1.0

#: Below any difference of features, as in the authors' code.
_LEAST_FEATURE = 1e-15
#: Below any difference of colours that shows in the score.
_TINY = 1e-30


def per_degree(
    pixels_per_degree: float | None,
    distance: float | None,
    width: float | None,
    resolution: float | None,
) -> float:
    """Pixels in a degree of the visual field, of the options of a metric.

    Raises:
        ValueError: both ways of saying it are used, or a number is too small.
    """
    given = {"distance": distance, "width": width, "resolution": resolution}
    for name, value in given.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(expected(name, "a positive number", repr(value)))
    found = pixels_per_degree
    if found is None:
        metres, wide, columns = (
            usual if value is None else value
            for value, usual in zip(given.values(), _SCREEN, strict=True)
        )
        found = metres * (columns / wide) * math.pi / 180
    elif others := [name for name, value in given.items() if value is not None]:
        wanted = f"either it or {', '.join(given)}"
        raise ValueError(
            expected("pixels_per_degree", wanted, f"it and {', '.join(others)}")
        )
    if not _FEWEST_PER_DEGREE <= found < math.inf:
        wanted = f"at least {_FEWEST_PER_DEGREE:g}"
        raise ValueError(expected("pixels_per_degree", wanted, f"{found:g}"))
    return float(found)


def error_map(
    light: Sequence[Array],
    per_degree: float,
    extent: Extent | None = None,
    least: float = 0.0,
) -> Array:
    """LDR-FLIP of every pixel.

    Args:
        light: linear red, green and blue in [0, 1], each of both images,
            ``[2, H, W]``.
        per_degree: pixels in a degree of the visual field.
        extent: what of the arrays is the image.
        least: the smallest squared difference of lightness: 1e-15 in the authors' code
            for PyTorch, so that equal pixels differ by 3e-7; 0 in their other programs.

    Returns:
        ``[H, W]`` in [0, 1]; exactly 0 where the colours are equal, if ``least`` is 0.
    """
    x, y, z = all_weighted(_TO_RATIOS, light)
    planes = (y, x - y, y - z)
    filtered, edges, points = _filtered(planes, windows_of(per_degree), extent)
    colour = _colour_error(filtered, least)
    feature = _feature_error(edges, points)
    some = colour > 0
    power = jnp.exp((1 - feature) * jnp.log(jnp.where(some, colour, 1)))
    return jnp.where(some, power, 0)


@dataclass(frozen=True)
class Windows:
    """Filters as windows over rows and columns, all of ``2 radius + 1`` taps.

    Attributes:
        radius: their reach in pixels.
        achromatic: contrast sensitivity of Y.
        red_green: of Cx.
        blue_yellow: of Cz, the sum of two filters.
        shares: of its two filters.
        smooth: what the detectors do across their direction.
        edge: the first derivative of a Gaussian.
        point: the second one.
    """

    radius: int
    achromatic: Window
    red_green: Window
    blue_yellow: tuple[Window, Window]
    shares: tuple[float, float]
    smooth: Window
    edge: Window
    point: Window


@functools.cache
def windows_of(per_degree: float) -> Windows:
    """The filters of an eye that sees so many pixels in a degree."""
    deviation = 0.5 * _EDGE_WIDTH * per_degree
    colour_reach = math.ceil(3 * math.sqrt(_WIDEST / (2 * math.pi**2)) * per_degree)
    edge_reach = math.ceil(3 * deviation)
    radius = max(colour_reach, edge_reach)
    offset = np.arange(-radius, radius + 1)

    def sensitivity(b: float) -> np.ndarray:
        taps = np.exp(-((math.pi * offset / per_degree) ** 2) / b)
        return np.where(np.abs(offset) <= colour_reach, taps, 0)

    def unit(taps: np.ndarray) -> Window:
        """Positive taps that add up to 1, negative ones to -1."""
        below, above = -taps[taps < 0].sum(), taps[taps > 0].sum()
        return tuple(np.where(taps < 0, taps / (below or 1), taps / above).tolist())

    gauss = np.exp(-(offset**2) / (2 * deviation**2))
    gauss = np.where(np.abs(offset) <= edge_reach, gauss, 0)
    both = [sensitivity(b) for _, b in _BLUE_YELLOW]
    # The two-dimensional filter adds up to 1, not each of its two parts.
    weights = [
        a * math.sqrt(math.pi / b) * float(taps.sum()) ** 2
        for (a, b), taps in zip(_BLUE_YELLOW, both, strict=True)
    ]
    return Windows(
        radius=radius,
        achromatic=unit(sensitivity(_ACHROMATIC)),
        red_green=unit(sensitivity(_RED_GREEN)),
        blue_yellow=(unit(both[0]), unit(both[1])),
        shares=(weights[0] / sum(weights), weights[1] / sum(weights)),
        smooth=unit(gauss),
        edge=unit(-offset * gauss),
        point=unit((offset**2 / deviation**2 - 1) * gauss),
    )


def _filtered(
    planes: Planes, windows: Windows, extent: Extent | None
) -> tuple[Planes, Array, Array]:
    """Colours as they are seen, and the strength of edges and points.

    The planes are Y, Cx / 500 and Cz / 200: all filters are linear.
    """
    margin = (windows.radius, windows.radius)
    y, red_green, blue_yellow = (
        pad(plane, margin, margin, "replicate", extent) for plane in planes
    )
    down, along = (shifted_sum(y, windows.smooth, axis) for axis in (-2, -1))
    edges, points = (
        safe_sqrt(
            jnp.square(shifted_sum(down, detector, -1))
            + jnp.square(shifted_sum(along, detector, -2))
        )
        for detector in (windows.edge, windows.point)
    )

    def both(plane: Array, window: Window) -> Array:
        return shifted_sum(shifted_sum(plane, window, -2), window, -1)

    wide, narrow = (both(blue_yellow, window) for window in windows.blue_yellow)
    seen = (
        both(y, windows.achromatic),
        both(red_green, windows.red_green),
        windows.shares[0] * wide + windows.shares[1] * narrow,
    )
    return seen, edges, points


def _responses(planes: Planes) -> Planes:
    """CIELAB's f(X), f(Y), f(Z) of filtered Y, Cx / 500, Cz / 200, cut to the gamut."""
    y, red_green, blue_yellow = planes
    light = all_weighted(_FROM_RATIOS, (y + red_green, y, y - blue_yellow))
    inside = [jnp.clip(plane, 0, 1) for plane in light]
    fx, fy, fz = (lab_response(r) for r in all_weighted(_TO_RATIOS, inside))
    return fx, fy, fz


def _colour_error(planes: Planes, least: float) -> Array:
    """HyAB distance to the power of .7, stretched where it is small, in [0, 1]."""
    distance = _distance(_responses(planes), least)
    some = distance > _TINY
    power = jnp.exp(_COLOUR_EXPONENT * jnp.log(jnp.where(some, distance, 1)))
    power = jnp.where(some, power, 0)
    largest = _largest()
    knee = _SHARE * largest
    below, above = jnp.minimum(power, knee), jnp.maximum(power - knee, 0)
    rest = (1 - _SPREAD_TO) / (largest - knee)
    return below * (_SPREAD_TO / knee) + above * rest


def _distance(responses: Planes, least: float) -> Array:
    """|dL*| + sqrt(da^2 + db^2), where a = a* L* / 100 (Hunt's effect), b likewise.

    The difference of two products is that of one factor times the mean of the other,
    twice: so equal colours differ by exactly 0, whatever the compiler fuses.
    """
    fx, fy, fz = responses
    lightness = _step(fy) * 116
    mean = 58 * (fy[0] + fy[1]) - 16

    def vivid(weight: float, one: Array, other: Array) -> Array:
        chroma = 0.5 * ((one[0] - other[0]) + (one[1] - other[1]))
        change = _step(one) - _step(other)
        return weight * (lightness * chroma + mean * change)

    a, b = vivid(5, fx, fy), vivid(2, fy, fz)
    if least:
        lightness = jnp.sqrt(jnp.maximum(jnp.square(lightness), least))
    return jnp.abs(lightness) + safe_sqrt(jnp.square(a) + jnp.square(b))


def _step(pair: Array) -> Array:
    return pair[0] - pair[1]


@functools.cache
def _largest() -> float:
    """The error of pure green against pure blue, the largest there is."""
    found = _TO_RATIOS[:, 1:]
    low = found * (841 / 108) + 4 / 29
    fx, fy, fz = np.where(found > LAB_KNEE**3, np.cbrt(found), low)
    lightness = 116 * fy - 16
    (light,), (a,), (b,) = map(
        np.diff, (lightness, 5 * lightness * (fx - fy), 2 * lightness * (fy - fz))
    )
    return float((abs(light) + math.hypot(a, b)) ** _COLOUR_EXPONENT)


def _feature_error(edges: Array, points: Array) -> Array:
    """The larger difference of edges or of points, in [0, 1]."""
    difference = jnp.maximum(
        jnp.abs(edges[0] - edges[1]), jnp.abs(points[0] - points[1])
    )
    return jnp.sqrt(jnp.maximum(difference, _LEAST_FEATURE) / math.sqrt(2))

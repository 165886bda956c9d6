"""Natural scene statistics: normalised luminance and the laws fitted to it.

BRISQUE and NIQE share them. Planes ``[H, W]`` hold luma on 0..255 less 128: only
differences of pixels matter, and centred they stay exact in float32 (whole grey levels
and, at half size, multiples of 2^-16 below 2^8).
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.lax import stop_gradient
from scipy.special import digamma
from scipy.special import gamma as gamma_function

from jiqa.checks import one_of
from jiqa.ops.extent import Extent, extended, keep
from jiqa.ops.filters import pad, strided_sum
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import safe_divide, safe_sqrt
from jiqa.ops.window_products import Rings, window_differences, window_products

#: How residuals of exactly 0 are treated, see ``normalised``.
Flat = Literal["snap", "authors"]

_CENTRE = 128.0
_SIDE, _SIGMA = 7, 7 / 6

# Below this double precision cannot distinguish a residual from 0; and the value that
# stands for the rounding that it leaves, with the sign that fits two photographs.
_ZERO, _NOISE = 1e-8, -1e-14

# The shape's grid, and MATLAB's imresize(x, 0.5) (bicubic, antialiased): exact taps.
_FIRST, _STEP, _COUNT = 0.2, 0.001, 9801
_HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256


def centred_luma(image: Array, luma: str) -> tuple[Array, float]:
    """Luma less 128 of ``[H, W, C]``, and the size under which a residual is 0.

    Unrounded luma carries the rounding of its type, which passes for structure in a
    flat area; rounded luma does not.
    """
    noise = 0.0 if luma == "matlab" else 1024 * float(jnp.finfo(image.dtype).eps)
    return luma255(image, luma) - _CENTRE, max(_ZERO, noise)


def check_flat(flat: str) -> Flat:
    """Return ``flat``, or raise an error for an unknown rule."""
    one_of("flat", flat, "snap", "authors")
    return cast(Flat, flat)


def half_size(x: Array, extent: Extent | None = None) -> Array:
    """``imresize(x, 0.5)`` of a plane: bicubic, antialiased, ceil(H/2) x ceil(W/2).

    Every tap is a multiple of 1/256, so a centred 8-bit plane is halved without any
    rounding, in float32 too. ``extent`` says what of the plane is the image, where that
    is not all; of the result it is ``extent.over(2)``.
    """
    if extent is not None:
        # The taps of the last sample may reach four beyond the image.
        x = extended(x, extent, (3, 3), (4, 4), "symmetric")
        return strided_sum(strided_sum(x, _HALVING, -2, 2), _HALVING, -1, 2)
    for axis in (-2, -1):
        # An odd last sample has its mirror image as the fourth after it.
        after = 3 + x.shape[axis] % 2
        before, behind = ((3, 0), (after, 0)) if axis == -2 else ((0, 3), (0, after))
        x = strided_sum(pad(x, before, behind, "symmetric"), _HALVING, axis, 2)
    return x


def normalised(
    x: Array,
    border: Literal["zero", "replicate"],
    flat: Flat,
    zero: float,
    extent: Extent | None = None,
) -> Array:
    """(x - m) / (s + 1) with mean m and deviation s in a Gaussian window of 7.

    Args:
        x: centred plane ``[H, W]``.
        border: black, or the edge pixel, outside the plane.
        flat: ``"snap"``: a residual under ``zero`` is 0. ``"authors"``: a residual of
            exactly 0 becomes a vanishing one, which counts as a sample.
        zero: size under which ``"snap"`` takes a residual for 0.
        extent: what of the plane is the image, where that is not all; the field is
            then 0 outside, so that sums over it are those over the image.
    """
    residual, deviation = local_moments(x, border, extent)
    if flat == "snap":
        residual = jnp.where(jnp.abs(residual) < zero, 0, residual)
    else:
        residual = jnp.where(residual == 0, _NOISE, residual)
    return keep(residual / (deviation + 1), extent)


def local_moments(
    x: Array, border: Literal["zero", "replicate"], extent: Extent | None = None
) -> tuple[Array, Array]:
    """Compute x - m and s of ``normalised``.

    Both come from differences to the window's centre, summed first over the pixels
    of equal weight: x - m = -sum_r w_r sum_i (x_i - x), s^2 = sum_r w_r
    sum_i (x_i - x)^2 - (x - m)^2. Nothing large cancels, and on whole grey levels
    x - m is 0 exactly where it is 0 in exact arithmetic.
    """
    height, width = x.shape
    half = _SIDE // 2
    if border == "zero":
        padded = jnp.pad(keep(x, extent, -_CENTRE), half, constant_values=-_CENTRE)
    elif extent is not None:
        padded = extended(x, extent, (half, half), (half, half), border)
    else:
        padded = jnp.pad(x, half, mode="edge")
    # In two bands, by a loop: what a loop computes XLA keeps. Left to itself it would
    # compute the window again in everything that follows, and its derivative too.
    band = -(-height // 2)
    padded = jnp.pad(padded, ((0, 2 * band - height), (0, 0)))
    bands = jnp.stack([padded[: band + 2 * half], padded[band:]])
    residual, power = lax.map(_sums, bands)
    residual = residual.reshape(2 * band, width)[:height]
    power = power.reshape(2 * band, width)[:height]
    return residual, safe_sqrt(power - residual * residual)


def _sums(padded: Array) -> tuple[Array, Array]:
    """Compute x - m and the mean of (x_i - x)^2, of a plane with its border."""
    return -window_differences(padded, _RINGS), window_products(padded, padded, _RINGS)


def _rings() -> Rings:
    """Weight and offsets of the window's pixels, by distance, without the centre."""
    at = np.arange(_SIDE) - _SIDE // 2
    distance = at[:, None] ** 2 + at**2
    window = np.exp(-distance / (2 * _SIGMA**2))
    window /= window.sum()
    return tuple(
        (
            float(window[distance == d][0]),
            tuple((int(i), int(j)) for i, j in np.argwhere(distance == d)),
        )
        for d in np.unique(distance)[1:]
    )


_RINGS = _rings()


class Law(NamedTuple):
    """A fitted generalised Gaussian, symmetric or not; arrays ``[...]``.

    Attributes:
        shape: alpha, on the authors' grid .2:.001:10.
        left: root mean square of the negative samples; 0 if there are none.
        right: the same of the positive samples.
        scale: sqrt(G(1/alpha) / G(3/alpha)), from deviation to scale parameter.
        spread: G(2/alpha) / G(1/alpha), from scale parameter to mean.
        has_left: whether there is a negative sample.
        has_right: whether there is a positive sample.
    """

    shape: Array
    left: Array
    right: Array
    scale: Array
    spread: Array
    has_left: Array
    has_right: Array


def symmetric_shape(x: Array, extent: Extent | None = None) -> tuple[Array, Array]:
    """Shape and mean square of a generalised Gaussian, over the last two axes.

    With an ``extent``, ``x`` is 0 outside.
    """
    count = _samples(x, extent)
    size, square = _total(jnp.abs(x)) / count, _total(x * x) / count
    some = square > 0
    shape, _, _ = _invert(safe_divide(size * size, square), some, "symmetric")
    return shape, square


def asymmetric_law(x: Array, extent: Extent | None = None) -> Law:
    """Fit an asymmetric generalised Gaussian over the last two axes by moments.

    The ratio (mean |x|)^2 / mean x^2, times (g^3 + 1)(g + 1) / (g^2 + 1)^2 with
    g = left / right, is matched with r(alpha) = G(2/a)^2 / (G(1/a) G(3/a)). Where a
    side is empty that ratio is 0/0 and the authors' search ends at the first shape.
    With an ``extent``, ``x`` is 0 outside.
    """
    above, below = jnp.maximum(x, 0), jnp.maximum(-x, 0)
    right_square, left_square = _total(above * above), _total(below * below)
    size = _total(above + below)
    positive, negative = _count(x > 0, x.dtype), _count(x < 0, x.dtype)
    left = safe_sqrt(safe_divide(left_square, negative))
    right = safe_sqrt(safe_divide(right_square, positive))
    has_left, has_right = negative > 0, positive > 0
    square = (left_square + right_square) * _samples(x, extent)
    both = has_left & has_right & (left > 0) & (right > 0)
    # Divided by the larger side: powers of small deviations would underflow.
    top = jnp.where(both, jnp.maximum(left, right), 1)
    a, b = left / top, right / top
    skew = (a**3 + b**3) * (a + b) / jnp.where(both, (a * a + b * b) ** 2, 1)
    ratio = safe_divide(size * size, square) * skew
    shape, scale, spread = _invert(ratio, both, "asymmetric")
    return Law(shape, left, right, scale, spread, has_left, has_right)


def _samples(x: Array, extent: Extent | None) -> Any:
    if extent is None:
        return x.shape[-1] * x.shape[-2]
    return extent.count(x.dtype)


def _total(x: Array) -> Array:
    return x.sum(-2).sum(-1)


def _count(x: Array, dtype: jnp.dtype) -> Array:
    return x.astype(jnp.int32).sum(-2).sum(-1).astype(dtype)


def _invert(
    ratio: Array, usable: Array, law: Literal["symmetric", "asymmetric"]
) -> tuple[Array, Array, Array]:
    """Shape of a moment ratio, with its scale and spread (see ``Law``).

    The nearest point of a monotone grid is found between the midpoints of its
    neighbours. That is a staircase, whose true gradient is 0; instead the gradient is
    the one of the continuous inverse at the point found, 0 at the grid's ends.
    """
    table = _tables()
    dtype = ratio.dtype
    edges = jnp.asarray(table[law], dtype)
    index = jnp.where(usable, jnp.searchsorted(edges, stop_gradient(ratio)), 0)
    inside = usable & (index > 0) & (index < _COUNT - 1)
    change = jnp.where(inside, ratio - stop_gradient(ratio), 0)

    def look_up(values: np.ndarray, slopes: np.ndarray) -> Array:
        value, slope = (jnp.asarray(v, dtype)[index] for v in (values, slopes))
        return value + slope * change

    return (
        look_up(table["shape"], table["shape_slope"]),
        look_up(table["scale"], table["scale_slope"]),
        look_up(table["spread"], table["spread_slope"]),
    )


@functools.cache
def _tables() -> dict[str, np.ndarray]:
    """The grid, r's midpoints for either law, what hangs on alpha, slopes over r."""
    alpha = _FIRST + _STEP * np.arange(_COUNT)
    g1, g2, g3 = (gamma_function(k / alpha) for k in (1, 2, 3))
    p1, p2, p3 = (-k / alpha**2 * digamma(k / alpha) for k in (1, 2, 3))
    r = g2**2 / (g1 * g3)
    # The authors match 1/r for the symmetric law, r for the other one.
    inverse = 1 / r
    d_alpha = 1 / (r * (2 * p2 - p1 - p3))
    scale, spread = np.sqrt(g1 / g3), g2 / g1
    return {
        "shape": alpha,
        "scale": scale,
        "spread": spread,
        "symmetric": 2 / (inverse[1:] + inverse[:-1]),
        "asymmetric": (r[1:] + r[:-1]) / 2,
        "shape_slope": d_alpha,
        "scale_slope": scale * (p1 - p3) / 2 * d_alpha,
        "spread_slope": spread * (p2 - p1) * d_alpha,
    }

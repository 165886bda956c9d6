"""Frequency grids, log-Gabor banks and phase congruency, with the authors' habits."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, inside, keep
from jiqa.ops.numerics import added, safe_divide, safe_sqrt, total, varying_as
from jiqa.ops.padded_transform import PaddedTransform, padded_frequencies

#: Kovesi's constants as FSIM sets them.
_SCALES, _ORIENTATIONS = 4, 4
_SHORTEST_WAVE, _SCALE_STEP = 6.0, 2.0
_RADIAL_SPREAD, _ANGULAR_SPREAD = 0.55, math.pi / _ORIENTATIONS / 1.2
_NOISE_DEVIATIONS, _NOISE_SHRINK = 2.0, 1.7
_EPSILON = 1e-4
#: The mean of the noise's energy and so many deviations over its root mean square.
_DEVIATIONS = (
    math.sqrt(math.pi / 2) + _NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)
) / _NOISE_SHRINK


def frequencies(count: int) -> np.ndarray:
    """Frequencies of one axis in cycles a pixel, origin first, float64.

    Even n: k / n for k = 0 ... n/2 - 1, -n/2 ... -1. Odd n: k / (n - 1), which is
    not what the transform means by it but what the authors divide by.
    """
    return np.fft.ifftshift((np.arange(count) - count // 2) / max(count - count % 2, 1))


def polar_grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Radius and angle ``[H, W]`` of every frequency; y points up, radius 0 at DC."""
    y, x = np.meshgrid(frequencies(height), frequencies(width), indexing="ij")
    return np.hypot(x, y), np.arctan2(-y, x)


def log_gabor(radius: np.ndarray, centre: float, spread: float) -> np.ndarray:
    """exp(-ln(r / centre)^2 / (2 spread^2)), and 0 at the origin."""
    ratio = np.where(radius > 0, radius, 1) / centre
    return np.where(radius > 0, np.exp(-(np.log(ratio) ** 2) / (2 * spread**2)), 0)


@functools.lru_cache(maxsize=4)
def _bank(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radial and angular factors ``[4, H, W]`` and the noise factor of orientations.

    A filter is the product of a radial and an angular factor. The angular ones are
    one-sided, so that the response is even + i odd.
    """
    radius, angle = polar_grid(height, width)
    waves = _SHORTEST_WAVE * _SCALE_STEP ** np.arange(_SCALES)
    spread = abs(math.log(_RADIAL_SPREAD))
    radial = np.stack([log_gabor(radius, 1 / wave, spread) for wave in waves])
    radial = radial / (1 + (radius / 0.45) ** 30)
    turn = angle - np.arange(_ORIENTATIONS)[:, None, None] * (np.pi / _ORIENTATIONS)
    turn = np.arctan2(np.sin(turn), np.cos(turn))
    angular = np.exp(-(turn**2) / (2 * _ANGULAR_SPREAD**2))
    return radial, angular, _noise_factor(radial, angular)


def _noise_factor(radial: np.ndarray, angular: np.ndarray) -> np.ndarray:
    """Threshold over the root of the median energy at scale 1, for each orientation.

    Expected energy of noise that reaches every scale, from its energy at the finest
    one: sums of squares and of products between scales of the filters' real parts
    in space, here by Parseval from their even parts in frequency.
    """
    mirrored = np.roll(angular[:, ::-1, ::-1], 1, (1, 2))
    even = ((angular + mirrored) / 2) ** 2
    together = radial.sum(0) ** 2
    # sum_s R_s^2 + 2 sum_{s<t} R_s R_t is the square of the sum.
    spread = np.sum(even * together, (1, 2))
    finest = np.sum((angular * radial[0]) ** 2, (1, 2))
    return np.sqrt(spread / finest / math.log(2)) * _DEVIATIONS


def _padded_bank(
    extent: Extent, shape: tuple[int, ...], dtype: Any
) -> tuple[Array, Array, Array]:
    """``_bank`` for an image of any size in an array ``[H, W]``; 0 outside."""
    sizes = tuple(zip((extent.rows, extent.cols), shape, strict=True))
    y, x = (padded_frequencies(n, size, dtype) for n, size in sizes)
    y, x = y[:, None], x[None]
    ours = inside(extent, shape)
    square = x * x + y * y
    some = ours & (square > 0)
    square = jnp.where(some, square, 1)
    logarithm = jnp.log(square) / 2
    spread = abs(math.log(_RADIAL_SPREAD))
    waves = _SHORTEST_WAVE * _SCALE_STEP ** np.arange(_SCALES)
    smooth = 1 + (square / 0.45**2) ** 15
    radial = jnp.stack(
        [
            jnp.exp(-jnp.square(logarithm + math.log(wave)) / (2 * spread**2)) / smooth
            for wave in waves
        ]
    )
    radial = jnp.where(some, radial, 0)

    def angular(y: Array, x: Array) -> Array:
        found = []
        for turn in np.arange(_ORIENTATIONS) * (np.pi / _ORIENTATIONS):
            cosine, sine = float(np.cos(turn)), float(np.sin(turn))
            angle = jnp.arctan2(-y * cosine - x * sine, x * cosine - y * sine)
            found.append(jnp.exp(-jnp.square(angle) / (2 * _ANGULAR_SPREAD**2)))
        return jnp.where(ours, jnp.stack(found), 0)

    opposite = (padded_frequencies(n, size, dtype, mirrored=True) for n, size in sizes)
    mirror_y, mirror_x = opposite
    onward = angular(y, x)
    noise = _noise(radial, onward, angular(mirror_y[:, None], mirror_x[None]))
    return radial, onward, noise


def _noise(radial: Array, angular: Array, mirrored: Array) -> Array:
    """``_noise_factor`` of a padded bank."""
    even = jnp.square((angular + mirrored) / 2)
    spread = (even * jnp.square(radial.sum(0))).sum(1).sum(1)
    finest = jnp.square(angular * radial[0]).sum(1).sum(1)
    return jnp.sqrt(spread / finest) * (_DEVIATIONS / math.sqrt(math.log(2)))


def phase_congruency(image: Array, extent: Extent | None = None) -> Array:
    """Phase congruency of one plane ``[H, W]`` on 0..255, as FSIM computes it.

    Sum over orientations of max(energy - noise, 0), over the sum of all amplitudes;
    four scales, four orientations, median noise estimate. 0 where nothing responds,
    that is on a flat image (0/0 in the authors' code). ``extent`` says what of the
    plane is the image, where that is not all.
    """
    dtype = image.dtype
    if extent is None:
        radial, angular, noise = _bank(*image.shape)
        forward, inverse = jnp.fft.fft2, jnp.fft.ifft2
    else:
        radial, angular, noise = _padded_bank(extent, image.shape, dtype)
        transform = PaddedTransform(extent, image.shape, dtype)
        forward, inverse = transform.forward, transform.inverse
    # The filters are blind to a constant; without it a flat image is exactly 0.
    spectrum = forward(image - lax.stop_gradient(image[0, 0]))
    real, imaginary = spectrum.real, spectrum.imag
    bank = jnp.asarray(radial, dtype)

    def orientation(
        sums: tuple[Array, Array], part: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        spread, factor = part
        a, b = real * spread, imaginary * spread
        response = inverse(lax.complex(a * bank, b * bank))
        even = [response[s].real for s in range(_SCALES)]
        odd = [response[s].imag for s in range(_SCALES)]
        along, across = added(even), added(odd)
        size = along * along + across * across
        skew = added(
            jnp.abs(e * across - o * along) for e, o in zip(even, odd, strict=True)
        )
        energy = (size - skew) / (safe_sqrt(size) + _EPSILON)
        squares = [e * e + o * o for e, o in zip(even, odd, strict=True)]
        amplitude = added(safe_sqrt(s) for s in squares)
        threshold = factor * safe_sqrt(median(squares[0], extent))
        return (
            sums[0] + jnp.maximum(energy - threshold, 0),
            sums[1] + amplitude,
        ), None

    start = varying_as(image, jnp.zeros_like(image))
    parts = (jnp.asarray(angular, dtype), jnp.asarray(noise, dtype))
    (energy, amplitude), _ = lax.scan(orientation, (start, start), parts)
    return safe_divide(energy, amplitude)


def median(x: Array, extent: Extent | None = None) -> Array:
    """Median of a field >= 0, exactly; of an even number the middle two's mean.

    A sort is a hundred times slower on the CPU. The bits of floats >= 0 are ordered
    as integers, so a threshold between the halves is searched among those: a secant
    on the log-odds of the count below it (about ten counts), a bisection now and
    then so that ties cannot stall it. The gradient goes to the selected samples.
    """
    if extent is None:
        return _median(x, jnp.asarray(x.size, jnp.int32), 0.5)
    count = jnp.asarray(extent.rows * extent.cols, jnp.int32)
    return _median(keep(x, extent, np.inf), count, 0.5)


def lower_median(x: Array, number: Any) -> Array:
    """The median of ``number`` samples >= 0, of an even number the lower middle one.

    All others are infinite.
    """
    return _median(x, number, 1.0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _median(x: Array, number: Any, lower: float) -> Array:
    """The middle of the ``number`` finite samples, of two as much of the lower one."""
    below, above = _middle(x, number)
    return lower * below + (1 - lower) * above if lower < 1 else below


@_median.defjvp
def _median_jvp(
    lower: float, primals: tuple[Array, Any], tangents: tuple[Array, Any]
) -> tuple[Array, Array]:
    (x, number), (slope, _) = primals, tangents
    out = jnp.zeros((), x.dtype)
    for value, share in zip(_middle(x, number), (lower, 1 - lower), strict=True):
        if share:
            chosen = (x == value).astype(x.dtype)
            out = out + share * total(slope * chosen) / total(chosen)
    return _median(x, number, lower), out


class _Search(NamedTuple):
    """Where the threshold is sought, in the bits of floats."""

    at: Array
    found: Array
    low: Array
    high: Array
    low_odds: Array
    high_odds: Array
    rose: Array
    turn: Array


def _middle(x: Array, number: Array) -> tuple[Array, Array]:
    """The two middle values of a field >= 0; the middle one twice if odd.

    ``number`` samples count; what else the field has is infinite.
    """
    x = lax.stop_gradient(x)
    integer = jnp.int32 if x.dtype == jnp.float32 else jnp.int64
    samples, half = number.astype(x.dtype), (number // 2).astype(x.dtype)
    octave = 2.0 ** jnp.finfo(x.dtype).nmant
    aim = jnp.log((half + 0.5) / (samples - half + 0.5))

    def value(bits: Array) -> Array:
        return lax.bitcast_convert_type(bits, x.dtype)

    def bits(value: Array) -> Array:
        return lax.bitcast_convert_type(value, integer)

    def count(at: Array) -> Array:
        # Counted in floats, which vectorises four times better than in integers.
        return total((x < value(at)).astype(x.dtype))

    def unsettled(s: _Search) -> Array:
        return (s.found != half) & (s.high - s.low > 1)

    def narrow(s: _Search) -> _Search:
        odds = jnp.log((s.found + 0.5) / (samples - s.found + 0.5)) - aim
        rise = s.found < half
        low, high = jnp.where(rise, s.at, s.low), jnp.where(rise, s.high, s.at)
        # An end that stays a second time counts half (the Illinois rule).
        again = jnp.where((rise == s.rose) & (s.turn > 0), 0.5, 1.0).astype(x.dtype)
        low_odds = jnp.where(rise, odds, s.low_odds * again)
        high_odds = jnp.where(rise, s.high_odds * again, odds)
        width = (high - low).astype(x.dtype)
        bounded = jnp.isfinite(low_odds) & jnp.isfinite(high_odds)
        part = jnp.where(bounded, low_odds, 0) / jnp.where(
            bounded, low_odds - high_odds, 1
        )
        part = jnp.where((s.turn > 8) & (s.turn % 3 == 0), 0.5, part)
        # With one end open, step well past the guess and farther every time.
        reach = jnp.maximum(jnp.abs(odds) * 1.4, 1 / 64) * octave
        reach = reach * jnp.exp2(s.turn.astype(x.dtype))
        reach = jnp.minimum(reach / width, 1)
        open_part = jnp.where(rise, reach, 1 - reach)
        gap = width * jnp.where(bounded, part, open_part)
        at = jnp.clip(low + gap.astype(integer), low + 1, high - 1)
        return _Search(at, count(at), low, high, low_odds, high_odds, rise, s.turn + 1)

    guess = bits(total(jnp.where(x < jnp.inf, x, 0)) * (0.3 / samples))
    none, infinite = jnp.zeros((), integer), bits(jnp.asarray(jnp.inf, x.dtype))
    start = _Search(
        at=guess,
        found=count(guess),
        low=none,
        high=infinite,
        low_odds=jnp.asarray(-jnp.inf, x.dtype),
        high_odds=jnp.asarray(jnp.inf, x.dtype),
        rose=jnp.asarray(False),
        turn=jnp.zeros((), integer),
    )
    end = lax.while_loop(unsettled, narrow, varying_as(x, start))
    # Settled between two values, or (ties) on one that fills the middle.
    between = end.found == half
    low, high = (
        jnp.where(between, end.at, end.low),
        jnp.where(between, end.at, end.high),
    )
    above = jnp.min(jnp.where(x >= value(low), x, jnp.inf).min(0))
    below = jnp.max(jnp.where(x < value(high), x, 0).max(0))
    return jnp.where(number % 2 == 0, below, above), above

"""Visual signal-to-noise ratio (VSNR)."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.luma import luma255
from jiqa.ops.metrix_mux import pad_metrix_mux
from jiqa.ops.numerics import (
    product,
    quotient,
    safe_divide,
    safe_power,
    safe_sqrt,
    straight_through,
)
from jiqa.ops.wavelets import dwt

_LEVELS = 5
#: Contrast signal-to-noise ratio over frequency: at v = 0 (threshold) and v = 1.
_CURVE = ((59.8, 0.0), (-0.1258, 1.0), (-0.1087, -1.0))
#: The bisection for v stops within this share of the error's contrast, or after as
#: many steps; only a reference without contrast needs more.
_TOLERANCE, _STEPS = 0.01, 64
#: Errors below threshold count by the change of mean luminance, from this share on.
_BRIGHTNESS, _BRIGHTNESS_DISTANCE = 0.01, 1.5


def _side(pad: str = "metrix-mux", **_: object) -> int:
    return 2**_LEVELS if pad == "none" else 1


@full_reference(
    title="Visual signal-to-noise ratio",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    min_side=1,
    min_side_for=_side,
    colour="luma",
    citation=(
        "Chandler, Hemami: VSNR: a wavelet-based visual signal-to-noise ratio for "
        "natural images. IEEE TIP 16(9), 2007. doi:10.1109/TIP.2007.901820"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of vsnr.m as in MeTriX MuX 1.1 on 43 pairs",
)
def vsnr(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    pad: str = "metrix-mux",
    quantise: bool = True,
    black_offset: float = 0.0,
    voltage_scale: float = 0.02874,
    gamma: float = 2.2,
    resolution: float = 96.0,
    distance: float = 19.1,
    alpha: float = 0.04,
) -> Array:
    """Contrast of the image over the visible contrast of its error, in decibels.

    Grey values become luminance L = (b + k p)^gamma, contrast is std(L) / mean(L).
    If the error's contrast Ce lies above the threshold that the image masks, the
    error's contrasts C_m in five octaves of a CDF 9/7 wavelet are compared with the
    ones B_m that an error of that contrast ought to have to preserve the image's
    structure (global precedence), and
    VSNR = 20 log10(Ci / (alpha Ce + (1 - alpha) |B - C| / sqrt(2))). B comes of a
    bisection that stops at 1 %, which the value shows; it is repeated step by step.

    An error below threshold counts only by what it does to the mean luminance m: less
    than 1 % is infinity, else 20 (m / |change| - log10 1.5). Identical images
    are judged so too and often have a finite value, of 20 to 250, because the authors
    take the luminance of the mean grey for the mean luminance.

    The gradient passes through rounding, and it takes the visibility v that the
    bisection finds as a constant, which it is but for jumps.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        pad: ``"metrix-mux"``: mirror to multiples of 32, at least 128, first.
            ``"none"``: sides must be multiples of 32.
        quantise: round grey values to whole levels where the authors do. ``False``
            makes the score smooth in the images, for optimisation; not theirs.
        black_offset: b of the display.
        voltage_scale: k of the display.
        gamma: of the display.
        resolution: of the display in pixels an inch.
        distance: from the eye to the display in inches.
        alpha: weight of the error's contrast against that of its structure.

    Returns:
        ``[...]`` in dB, higher is better. A reference without contrast, for which the
        authors' loop never ends, gives minus infinity once an error is visible, and
        infinity if it is identical. Against a black reference, where the authors have
        0 / 0, errors count as one of brightness: -3.5, or infinity for black.

    Raises:
        ValueError: unknown luma or padding, a display or distance that is not
            positive, or without padding a side that is no multiple of 32.
    """
    for name, number in (
        ("voltage_scale", voltage_scale),
        ("gamma", gamma),
        ("resolution", resolution),
        ("distance", distance),
    ):
        if not number > 0:
            raise ValueError(expected(name, "a positive number", repr(number)))
    one_of("pad", pad, "metrix-mux", "none")
    x, y = luma255(reference, luma), luma255(distorted, luma)
    if pad == "metrix-mux":
        x, y = pad_metrix_mux(x), pad_metrix_mux(y)
    elif any(side % 2**_LEVELS for side in x.shape):
        wanted = f"sides that are multiples of {2**_LEVELS} with pad='none'"
        got = f"{x.shape[1]}x{x.shape[0]} (width x height)"
        raise ValueError(expected("vsnr", wanted, got))

    def luminance(grey: Array) -> tuple[Array, Array]:
        voltage = black_offset + voltage_scale * _levels(grey, quantise)
        return _moments(safe_power(voltage, gamma))

    mean_grey, _ = _moments(x)
    mean_x, deviation_x = luminance(x)
    error = _levels(y - x + mean_grey, quantise)
    mean_e, deviation_e = luminance(error)
    contrast_x = safe_divide(deviation_x, mean_x)
    contrast_e = safe_divide(deviation_e, mean_x)

    # Grey levels to contrast: one over the relative slope of luminance at the mean.
    slope = gamma * voltage_scale
    slope = slope * safe_power(black_offset + voltage_scale * mean_grey, gamma - 1)
    per_level = safe_divide(slope, mean_x)
    contrasts_x, contrasts_e = (
        lax.map(_band_deviations, jnp.stack([x, error])) * per_level
    )

    frequencies = resolution * distance * math.tan(math.radians(1))
    octaves = np.log(frequencies / 2.0 ** np.arange(1, _LEVELS + 1))
    threshold = _norm(contrasts_x / _visible_ratio(jnp.ones_like(mean_x), octaves))
    visible = (contrast_e > threshold) & (mean_x > 0)
    share = _bisect(
        lax.stop_gradient(contrasts_x), lax.stop_gradient(contrast_e), octaves
    )
    best = contrasts_x / _visible_ratio(share, octaves)
    structure = _norm(best - contrasts_e) / math.sqrt(2)
    visual = alpha * contrast_e + (1 - alpha) * structure
    both = visible & (contrast_x > 0) & (visual > 0)
    ratio = quotient(jnp.where(both, contrast_x, 1), jnp.where(both, visual, 1))
    above = jnp.where(both, 20 * jnp.log10(ratio), -jnp.inf)

    change = jnp.abs(mean_e - mean_x)
    darker = (change >= _BRIGHTNESS * mean_x) & (change > 0)
    # In decibels at once: 10^(m / |change|) overflows.
    below = 20 * (mean_x / jnp.where(darker, change, 1))
    below = jnp.where(darker, below - 20 * math.log10(_BRIGHTNESS_DISTANCE), jnp.inf)
    return jnp.where(visible, above, below)


def _levels(grey: Array, quantise: bool) -> Array:
    """MATLAB's ``uint8``: clipped, and rounded half up."""
    grey = jnp.clip(grey, 0, 255)
    return straight_through(jnp.floor(grey + 0.5), grey) if quantise else grey


def _moments(x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (N), exact where x is constant."""
    # From the first sample: the mean of equal numbers may round.
    mean = _mean(x - x[0, 0])
    variance = _mean(jnp.square(x - x[0, 0] - mean))
    return x[0, 0] + mean, safe_sqrt(variance)


def _mean(x: Array) -> Array:
    # As a product with ones: a reduction kept XLA from fusing what it sums.
    ones = jnp.full(x.shape[0], 1 / x.size, x.dtype)
    return product(ones, x).sum()


def _band_deviations(x: Array) -> Array:
    """Standard deviation of each wavelet level, its three bands taken together.

    ``[levels]``, in grey levels: the transform's gain of 2 a level is taken out.
    """
    _, details = dwt(x - x[0, 0], _LEVELS)
    power = [
        sum(_mean(jnp.square(band - _mean(band))) for band in bands) / 4**m
        for m, bands in enumerate(details, 1)
    ]
    return safe_sqrt(jnp.stack(power))


def _norm(x: Array) -> Array:
    return safe_sqrt(jnp.square(x).sum())


def _visible_ratio(share: Array, octaves: np.ndarray) -> Array:
    """Contrast signal-to-noise ratio of each level at v = 1 - ``share``.

    b0 f^(b2 ln f + b1), all b linear in v. The share is used instead of v because
    it keeps its digits where v comes near 1.
    """
    b0, b1, b2 = (end + (start - end) * share for start, end in _CURVE)
    octave = jnp.asarray(octaves, share.dtype)
    return b0 * jnp.exp(octave * (b2 * octave + b1))


def _bisect(contrasts: Array, target: Array, octaves: np.ndarray) -> Array:
    """1 - v at which ``contrasts`` over the ratio have the norm ``target``, to 1 %."""

    def norm(share: Array) -> Array:
        return _norm(contrasts / _visible_ratio(share, octaves))

    def unfinished(state: tuple[Array, ...]) -> Array:
        step, _, _, share = state
        off = jnp.abs(norm(share) - target) >= _TOLERANCE * target
        return off & (step < _STEPS)

    def halve(state: tuple[Array, ...]) -> tuple[Array, ...]:
        step, low, high, share = state
        weak = norm(share) < target
        low, high = jnp.where(weak, low, share), jnp.where(weak, share, high)
        return step + 1, low, high, (low + high) / 2

    zero = jnp.zeros_like(target)
    start = (jnp.zeros((), jnp.int32), zero, zero + 1, zero + 0.5)
    return lax.while_loop(unfinished, halve, start)[-1]

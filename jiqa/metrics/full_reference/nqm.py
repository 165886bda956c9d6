"""Noise quality measure (NQM)."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected
from jiqa.core.metric import full_reference
from jiqa.ops.contrast_sensitivity import noise_quality_threshold, viewing_angle
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import decibels, product, safe_divide

#: Band k of the five lies around 2^k cycles an image; above 2^(k+1) it is empty.
_BANDS = 5
#: Masking: a contrast c hides differences below slope * c + offset * threshold.
_MASK_SLOPE, _MASK_OFFSET = 0.86, 0.3 - 0.86
#: Rows of the bands that are worked on at once; they should stay in the cache.
_ROWS = 64


@full_reference(
    title="Noise quality measure",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=float("inf"),
    symmetric=False,
    min_side=1,
    colour="luma",
    citation=(
        "Damera-Venkata, Kite, Geisler, Evans, Bovik: Image quality assessment based "
        "on a degradation model. IEEE TIP 9(4), 2000. doi:10.1109/83.841940"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of nqm.m as in MeTriX MuX 1.1 on 43 pairs",
)
def nqm(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    heights: float = 3.5,
) -> Array:
    """Signal-to-noise ratio of the visible contrast of two images.

    Each image becomes a sum of five cosine-log bands, an octave each, up to 64 cycles
    an image. A band sample's contrast is its ratio to all lower bands. Samples below
    the threshold of contrast for their frequency are dropped, and distorted samples
    that the reference masks are replaced by the reference's. NQM is
    10 log10(sum r^2 / sum (r - d)^2) over the two sums of bands r and d.

    The bands hold no frequency above 64 cycles an image, so products with two short
    cosine bases replace the Fourier transforms. The gradient is that of the samples
    that are kept; the steps at which one is dropped or replaced have none.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        heights: viewing distance in picture heights.

    Returns:
        ``[...]`` in dB, higher is better. Identical images give infinity (flat ones
        too, where the authors divide 0 by 0), with gradient 0. A reference in which
        nothing can be seen gives minus infinity unless the distorted image shows
        nothing either; that pair gives infinity.

    Raises:
        ValueError: unknown luma or a distance that is not positive.
    """
    if not heights > 0:
        raise ValueError(expected("heights", "a positive number", repr(heights)))
    x, y = luma255(reference, luma), luma255(distorted, luma)
    height, width = x.shape
    dtype = x.dtype
    rows, cols = _basis(height), _basis(width)
    spectra = [product(rows.T, product(p, cols)) for p in (x, y)]
    filtered = [_filter(s, height, width) for s in spectra]
    # Strips of rows: every band stays in the cache, and only two sums leave a strip.
    strips = -(-height // _ROWS)
    padding = ((0, strips * min(_ROWS, height) - height), (0, 0))
    size = min(_ROWS, height)
    tall = [np.pad(b, padding).reshape(strips, size, -1) for b in _synthesis(height)]
    wide = _synthesis(width)

    def strip(bases: list[Array]) -> tuple[Array, Array]:
        bands = [
            [
                product(product(b, f), w.T)
                for b, f, w in zip(bases, image, wide, strict=True)
            ]
            for image in filtered
        ]
        return _visible_power(*bands, heights=heights)

    signal, noise = lax.map(strip, [jnp.asarray(b, dtype) for b in tall])
    signal, noise = signal.sum(), noise.sum()
    identical = jnp.all(x == y) | jnp.all(reference == distorted)
    seen = (noise > 0) & (signal > 0) & ~identical
    value = jnp.where(seen, decibels(signal, noise, seen), -jnp.inf)
    return jnp.where(identical | (noise == 0), jnp.inf, value)


def _visible_power(
    reference: list[Array], distorted: list[Array], *, heights: float
) -> tuple[Array, Array]:
    """Power of the visible reference and of the visible difference, over one strip.

    Each list holds the low-pass residual and the five bands, coarse to fine.
    """
    (low_r, *bands_r), (low_d, *bands_d) = reference, distorted
    sum_r = sum_d = jnp.zeros_like(low_r)
    for k, (r, d) in enumerate(zip(bands_r, bands_d, strict=True), 1):
        # As the authors have it, masking takes the index of the band for a frequency.
        masking = noise_quality_threshold(k)
        visible = noise_quality_threshold(2**k / viewing_angle(heights))
        contrast_r = lax.stop_gradient(safe_divide(r, low_r))
        contrast_d = lax.stop_gradient(safe_divide(d, low_d))
        low_r, low_d = low_r + r, low_d + d
        clipped = jnp.where(jnp.abs(contrast_d) > 1, 1, contrast_d)
        limit = _MASK_SLOPE * contrast_r + _MASK_OFFSET * masking
        masked = jnp.where(jnp.abs(clipped - contrast_r) < limit, r, d)
        sum_r = sum_r + jnp.where(jnp.abs(contrast_r) < visible, 0, r)
        sum_d = sum_d + jnp.where(jnp.abs(contrast_d) < visible, 0, masked)
    ones = jnp.ones(sum_r.shape[0], sum_r.dtype)
    return (
        product(ones, jnp.square(sum_r)).sum(),
        product(ones, jnp.square(sum_r - sum_d)).sum(),
    )


def _highest(length: int, band: int) -> int:
    return min(2 ** (max(band, 0) + 1), length // 2)


@functools.lru_cache(maxsize=16)
def _basis(length: int) -> np.ndarray:
    """Cosines and sines of 0 ... K cycles, ``[length, 2 (K + 1)]``."""
    highest = _highest(length, _BANDS)
    # Whole turns are removed in integers: large angles would lose digits.
    turn = np.outer(np.arange(length), np.arange(highest + 1)) % length
    angle = 2 * np.pi * turn / length
    return np.concatenate([np.cos(angle), np.sin(angle)], 1)


@functools.lru_cache(maxsize=16)
def _synthesis(length: int) -> list[np.ndarray]:
    """The basis that turns each band's coefficients into samples, low-pass first."""
    basis = _basis(length)
    highest = basis.shape[1] // 2 - 1
    k = np.arange(highest + 1)
    weight = np.where((k == 0) | (2 * k == length), 1, 2) / length
    basis = (basis.reshape(length, 2, -1) * weight)[..., :]
    return [
        basis[..., : _highest(length, band) + 1].reshape(length, -1)
        for band in range(_BANDS + 1)
    ]


def _filter(spectrum: Array, height: int, width: int) -> list[Array]:
    """Coefficients of the low-pass residual and of the bands."""
    whole = spectrum.reshape(2, spectrum.shape[0] // 2, 2, spectrum.shape[1] // 2)
    out = []
    for even, odd in _gains(height, width):
        rows, cols = even.shape
        part = whole[:, :rows, :, :cols]
        filtered = part * jnp.asarray(even[:, None, :], spectrum.dtype)
        if odd.any():
            # A gain that is odd in both frequencies turns cos cos into sin sin.
            sign = np.array([[-1, 1], [1, -1]])[:, None, :, None]
            gain = jnp.asarray(odd[:, None, :] * sign, spectrum.dtype)
            filtered = filtered + part[::-1, :, ::-1, :] * gain
        out.append(filtered.reshape(2 * rows, 2 * cols))
    return out


@functools.lru_cache(maxsize=16)
def _gains(height: int, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gain of each band at (ky, kx) >= 0: the even and the odd-odd part.

    Even sides have the gain of the true frequency. For odd sides the authors' grid
    lies half a bin beside it, which makes the filters complex; of their output the
    real part counts, that is the mean of the gains at k and at -k.
    """

    def axis(length: int, band: int) -> tuple[np.ndarray, np.ndarray]:
        k = np.arange(_highest(length, band) + 1.0)
        return (k, k) if length % 2 == 0 else (k + 0.5, np.abs(k - 0.5))

    out = []
    for band in range(_BANDS + 1):
        y, x = axis(height, band), axis(width, band)
        gain = [[_gain(np.hypot(v[:, None], h), band) for h in x] for v in y]
        same, opposite = gain[0][0] + gain[1][1], gain[0][1] + gain[1][0]
        out.append(((same + opposite) / 4, (same - opposite) / 4))
    return out


def _gain(radius: np.ndarray, band: int) -> np.ndarray:
    """The cosine-log filter, an octave to either side of its centre."""
    if band == 0:
        radius, band = radius + 2, 1
    octave = np.log2(np.where(radius > 0, radius, 2.0**-9)) - band
    return np.where(np.abs(octave) <= 1, (1 + np.cos(np.pi * octave)) / 2, 0)

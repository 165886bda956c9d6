"""Complex wavelet structural similarity (CW-SSIM)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected
from jiqa.core.metric import full_reference
from jiqa.ops.filters import box_sum
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import mean, safe_divide, safe_hypot
from jiqa.ops.steerable_pyramid import band_size, oriented_bands

_WINDOW = 7

#: Coefficients up to so many roundings of a plane's RMS are nothing but rounding: in
#: float32 and in float64 those of periodic images reach 5, those of signal begin at
#: some thousands.
_ROUNDING = 64


def _side(level: int = 4, **_: object) -> int:
    # The pyramid's own limit, and one whole window in the band.
    return max(4 * 2**level, (_WINDOW - 1) * 2 ** (level - 1) + 1)


@full_reference(
    title="Complex wavelet structural similarity",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=64,
    colour="luma",
    min_side_for=_side,
    citation=(
        "Sampat, Wang, Gupta, Bovik, Markey: Complex wavelet structural similarity: a "
        "new image similarity index. IEEE TIP 18(11), 2009. "
        "doi:10.1109/TIP.2009.2025923"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of cwssim_index.m 1.0 on 39 natural pairs",
)
def cw_ssim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    level: int = 4,
    orientations: int = 8,
    k: float = 0.0,
) -> Array:
    """Complex wavelet structural similarity (Sampat et al. 2009).

    (2 |sum c conj(d)| + K) / (sum |c|^2 + |d|^2 + K) over 7 x 7 windows of the complex
    steerable pyramid's coefficients c and d, averaged over orientations and, with a
    Gaussian weight about the centre, over positions. Small shifts, rotations and
    scalings turn the phases of a window alike and cost little.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        level: level of the pyramid, 1 the finest; its bands have 1 / 2^(level - 1)
            of the sides. Images need a shorter side of 4 x 2^level.
        orientations: number of bands.
        k: K, in squared coefficients per sample; the authors take 0. A small positive
            one tames windows that hold almost nothing.

    Returns:
        ``[...]`` in [0, 1], higher is better; 1 for images whose coefficients differ by
        one phase in each window. A window that is empty in both images, where the
        authors' code divides 0 by 0 or one rounding error by another, counts as 1: a
        checkerboard, say, has no coefficients at some levels.

    Raises:
        ValueError: an option out of range, or an image that is too small.
    """
    if not 1 <= level <= 8 or not 2 <= orientations <= 16:
        got = f"{level!r} and {orientations!r}"
        raise ValueError(expected("level, orientations", "1 to 8 and 2 to 16", got))
    if k < 0:
        raise ValueError(expected("k", "0 or more", repr(k)))
    planes = jnp.stack([_centred(luma255(x, luma)) for x in (reference, distorted)])
    (a, c), (b, d) = (tuple(p) for p in oriented_bands(planes, level, orientations))
    size = _WINDOW**2
    # c conj(d) of (a + ib) and (c + id); each field is summed over its windows.
    fields = jnp.stack([a * c + b * d, b * c - a * d, a * a + b * b + c * c + d * d])
    real, imaginary, power = box_sum(fields, _WINDOW) / size
    # Of a window that holds rounding and nothing else, phases mean nothing.
    rounding = (_ROUNDING * float(jnp.finfo(power.dtype).eps)) ** 2
    empty = power <= rounding * lax.stop_gradient(mean(jnp.square(planes)))
    power = jnp.where(empty, 0, power)
    cross = jnp.where(empty, 0, safe_hypot(real, imaginary))
    quality = safe_divide(2 * cross + k, power + k, 1.0).mean(0)
    weight = _weight(quality.shape, band_size(reference.shape[0], level) / 4)
    return mean(quality * jnp.asarray(weight, quality.dtype)) * quality.size


def _centred(plane: Array) -> Array:
    """Remove a constant, which no band contains: a flat image is then exactly 0."""
    plane = plane - plane[0, 0]
    return plane - mean(plane)


def _weight(shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """A Gaussian of the map's size that sums to 1."""
    y, x = (
        np.exp(-((np.arange(n) - (n - 1) / 2) ** 2) / (2 * sigma**2)) for n in shape
    )
    return np.outer(y / y.sum(), x / x.sum())

"""Multi-scale structural similarity (MS-SSIM), two authors' versions."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate, gaussian_taps
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import mean, real_power
from jiqa.ops.resize import average_decimate
from jiqa.ops.structural_similarity import similarity_maps, stabilisers, three_terms
from jiqa.ops.wavelets import CDF97_LOW

#: Sensitivity of observers to each scale, finest first, as the authors print it.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

_WINDOW = 11

_TAPS = gaussian_taps(_WINDOW, 1.5)

#: The low-pass of the CDF 9/7 wavelet, for unit gain.
_LOW_PASS = CDF97_LOW / CDF97_LOW.sum()


def _side(weights: tuple[float, ...] = WEIGHTS, **_: object) -> int:
    return _WINDOW * 2 ** (len(weights) - 1)


def _halved(
    x: Array, y: Array, preset: str, extent: Extent | None
) -> tuple[Array, Array]:
    """The next coarser scale of both images, ``[ceil(H / 2), ceil(W / 2)]``."""
    if preset == "wang2003":
        halves = [average_decimate(v, 2, "symmetric", extent) for v in (x, y)]
        return halves[0], halves[1]

    def low_pass(v: Array) -> Array:
        return correlate(v, _LOW_PASS, _LOW_PASS, "symmetric", extent)[::2, ::2]

    # A loop: what it writes is not computed anew in all that reads it, which would
    # compile for a quarter of a minute.
    found = lax.map(low_pass, jnp.stack([x, y]))
    return found[0], found[1]


@full_reference(
    title="Multi-scale structural similarity",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=_WINDOW * 16,
    colour="luma",
    min_side_for=_side,
    citation=(
        "Wang, Simoncelli, Bovik: Multi-scale structural similarity for image quality "
        "assessment. Asilomar Conference on Signals, Systems and Computers, 2003. "
        "doi:10.1109/ACSSC.2003.1292216"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of msssim.m and of MeTriX MuX's mssim",
)
def ms_ssim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    pooling: str = "product",
    preset: str = "wang2003",
    weights: tuple[float, ...] = WEIGHTS,
    k1: float = 0.01,
    k2: float = 0.03,
    extent: Extent | None = None,
) -> Array:
    """Multi-scale structural similarity (Wang et al. 2003, eq. 7).

    prod_k mean(cs_k)^w_k over the finer scales, times mean(l cs)^w of the coarsest,
    with the contrast-structure map cs and the luminance map l of ``ssim`` (Gaussian
    window 11, sigma 1.5, wholly inside). A scale is half the one before.

    A mean contrast-structure below 0, on strongly anti-correlated images, raised to a
    fractional power is complex in the authors' code; this is the real part of each
    power, |m|^w cos(pi w), which keeps the score real and its gradient finite (0
    where a mean is exactly 0). ``pooling="weighted-sum"`` needs no power.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        pooling: ``"product"`` (published), or ``"weighted-sum"``: sum of w_k m_k with
            the weights divided by their sum.
        preset: whose MS-SSIM. ``"wang2003"``: 2x2 means make the scales.
            ``"metrix-mux"`` (M. Gaubatz, 2007): the 9/7 wavelet's low-pass makes
            them, and luminance (coarsest scale), contrast and structure are averaged
            each by itself before the powers.
        weights: one exponent a scale, finest first; their number sets how many scales
            there are, so a shorter tuple admits smaller images.
        k1: constant of the luminance term.
        k2: constant of the contrast and structure terms.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 only for identical images.

    Raises:
        ValueError: unknown option value, no weights, weighted-sum together with
            metrix-mux, or a shorter side under 11 * 2^(scales - 1) (176).
    """
    one_of("pooling", pooling, "product", "weighted-sum")
    one_of("preset", preset, "wang2003", "metrix-mux")
    if preset == "metrix-mux" and pooling != "product":
        raise ValueError("preset='metrix-mux' allows pooling='product' only")
    if not weights or sum(weights) <= 0:
        raise ValueError(
            expected("weights", "one positive weight per scale", repr(weights))
        )
    x, y = luma255(reference, luma), luma255(distorted, luma)
    c1, c2 = stabilisers(255, k1, k2)
    terms: list[tuple[Array, float]] = []
    for scale, weight in enumerate(weights, start=1):
        coarsest = scale == len(weights)
        inner = extent and extent.valid(_WINDOW)
        if preset == "metrix-mux":
            maps = three_terms(x, y, _TAPS, c1, c2)
            luminance, contrast, structure = (mean(m, inner) for m in maps)
            terms += [(contrast, weight), (structure, weight)]
            terms += [(luminance, weight)] * coarsest
        else:
            light, quality = similarity_maps(x, y, _TAPS, c1, c2)
            quality = light * quality if coarsest else quality
            terms.append((mean(quality, inner), weight))
        if not coarsest:
            x, y = _halved(x, y, preset, extent)
            extent = extent and extent.over(2)
    if pooling == "weighted-sum":
        return sum(
            (m * (w / sum(weights)) for m, w in terms),
            start=jnp.zeros_like(terms[0][0]),
        )
    score = jnp.ones_like(terms[0][0])
    for value, weight in terms:
        score = score * real_power(value, weight)
    return score

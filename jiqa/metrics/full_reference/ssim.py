"""Structural similarity (SSIM), with presets of three libraries."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent
from jiqa.ops.filters import box_taps, gaussian_taps
from jiqa.ops.luma import channels, luma255
from jiqa.ops.numerics import mean, total
from jiqa.ops.resize import average_decimate, factor_of
from jiqa.ops.structural_similarity import similarity_maps, stabilisers

#: preset: (window, size, sigma, sample covariance, on luma)
_PRESETS = {
    "wang2004": ("gaussian", 11, 1.5, False, True),
    "scikit-image": ("uniform", 7, None, True, False),
    "tensorflow": ("gaussian", 11, 1.5, False, False),
}


def _side(preset: str = "wang2004", window_size: int | None = None, **_: object) -> int:
    return window_size or _PRESETS.get(preset, _PRESETS["wang2004"])[1]


@full_reference(
    title="Structural similarity",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=11,
    colour="luma",
    maps="similarity",
    arrays=("mask",),
    min_side_for=_side,
    decimates=lambda downsample="none", **_: downsample == "auto",
    citation=(
        "Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error "
        "visibility to structural similarity. IEEE TIP 13(4), 2004. "
        "doi:10.1109/TIP.2003.819861"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of ssim_index.m (2003) and ssim.m (2009)",
)
def ssim(
    reference: Array,
    distorted: Array,
    *,
    preset: str = "wang2004",
    luma: str = "bt601",
    downsample: str = "none",
    window_size: int | None = None,
    sigma: float | None = None,
    k1: float = 0.01,
    k2: float = 0.03,
    mask: Array | None = None,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Structural similarity (Wang et al. 2004, eq. 13), mean over all windows.

    (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sxx + syy + C2)), with
    C = (k 255)^2 on 0..255, over windows that lie wholly inside the image. Nothing is
    clamped, so strongly anti-correlated images come out negative.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        preset: whose SSIM. ``"wang2004"``: luma, Gaussian window 11, sigma 1.5.
            ``"tensorflow"``: the same window on each channel, averaged
            (``tf.image.ssim``). ``"scikit-image"``: uniform window 7, sample
            covariance, each channel (``structural_similarity`` with its defaults).
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded); only for a
            preset on luma.
        downsample: ``"none"``, or ``"auto"``: box average and decimation by
            round(min(H, W) / 256) first, the authors' 2009 release.
        window_size: odd size in pixels instead of the preset's; smaller windows
            admit smaller images.
        sigma: of the Gaussian window, instead of the preset's.
        k1: constant of the luminance term.
        k2: constant of the contrast-structure term.
        mask: ``[..., H, W]`` in [0, 1]: only these pixels count, by normalised
            convolution; what lies outside changes nothing. The map is averaged with
            the mask's weight at the window centres; one that is empty there gives NaN.
        output: ``"score"``, or ``"map"`` for the map ``[..., H - k + 1, W - k + 1]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 only for identical images.

    Raises:
        ValueError: unknown preset or option value, or an image under the window size.

    Example:
        >>> import jax.numpy as jnp
        >>> from jiqa.metrics import ssim
        >>> float(ssim(jnp.zeros((2, 32, 32, 3)), jnp.ones((2, 32, 32, 3)))[0]) < 1e-3
        True
    """
    one_of("preset", preset, *_PRESETS)
    one_of("downsample", downsample, "none", "auto")
    one_of("output", output, "score", "map")
    window, size, spread, sample, on_luma = _PRESETS[preset]
    size = window_size or size
    if size % 2 == 0 or size < 1:
        raise ValueError(expected("window_size", "an odd number of pixels", repr(size)))
    uniform = window == "uniform" and sigma is None
    taps = box_taps(size) if uniform else gaussian_taps(size, sigma or spread or 1.5)
    unbiased = size**2 / (size**2 - 1) if sample else 1.0
    if on_luma:
        pairs = [(luma255(reference, luma), luma255(distorted, luma))]
    else:
        planes = zip(channels(reference), channels(distorted), strict=True)
        pairs = [(x * 255, y * 255) for x, y in planes]
    factor = factor_of(reference.shape, extent) if downsample == "auto" else 1
    if factor > 1:
        if mask is not None:
            mask = average_decimate(mask, factor, "symmetric", extent)
        pairs = [
            (
                average_decimate(x, factor, "symmetric", extent),
                average_decimate(y, factor, "symmetric", extent),
            )
            for x, y in pairs
        ]
        extent = extent and extent.over(factor)
    inner = extent and extent.valid(size)
    c1, c2 = stabilisers(255, k1, k2)
    quality = jnp.zeros((), reference.dtype)
    for x, y in pairs:
        luminance, contrast = similarity_maps(
            x, y, taps, c1, c2, mask=mask, unbiased=unbiased
        )
        quality = quality + luminance * contrast
    quality = quality / len(pairs)
    if output == "map":
        return quality
    if mask is None:
        return mean(quality, inner)
    half = size // 2
    centres = mask[half : half + quality.shape[0], half : half + quality.shape[1]]
    return total(quality * centres, inner) / total(centres, inner)

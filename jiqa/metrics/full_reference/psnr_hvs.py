"""PSNR with the eye's sensitivity (PSNR-HVS) and masking (PSNR-HVS-M)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.psnr_hvs_blocks import (
    SIDE,
    blocks,
    masked_by,
    samples,
    strips,
    transformed,
    visible_error,
)
from jiqa.metrics.parts.xiph_psnr_hvs import PLANES, smallest_side, xiph_psnr_hvs
from jiqa.ops.extent import Extent, keep
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import decibels
from jiqa.ops.video_planes import plane_extents, video_planes

#: The authors' value for images without a visible difference.
_IDENTICAL = 100000.0

_INFO: Any = {
    "direction": "higher",
    "range": (float("-inf"), _IDENTICAL),
    "identity": _IDENTICAL,
    "symmetric": True,
    "min_side": SIDE,
    "colour": "luma",
    "fidelity": "authors-code",
}
_NOTE = "1e-6 relative (x64) of psnrhvsm.m (2006) on 42 pairs"


def _side(
    preset: str = "egiazarian2006",
    plane: str = "all",
    yuv: str = "bt709-limited-420",
    **_: object,
) -> int:
    return smallest_side(plane, yuv) if preset == "xiph" else SIDE


@full_reference(
    title="PSNR with the eye's contrast sensitivity",
    citation=(
        "Egiazarian, Astola, Ponomarenko, Lukin, Battisti, Carli: New full-reference "
        "quality metrics based on HVS. VPQM 2006"
    ),
    fidelity_note=(
        f"{_NOTE}; preset xiph: 5e-4 dB of libvmaf's program (August 2026), on planes "
        "of 8 and 10 bits"
    ),
    min_side_for=_side,
    **_INFO,
)
def psnr_hvs(
    reference: Array,
    distorted: Array,
    *,
    preset: str = "egiazarian2006",
    luma: str = "bt601",
    plane: str = "all",
    yuv: str = "bt709-limited-420",
    bits: int = 8,
    extent: Extent | None = None,
) -> Array:
    """PSNR over 8x8 DCT coefficients weighted by the eye's sensitivity.

    10 log10(255^2 / mean (S D)^2), with D the orthonormal DCT of the difference in
    blocks from the top left and S a table that follows JPEG's. Rows and columns left
    over at the bottom and on the right are not used.

    ``preset="xiph"`` is what codec developers call PSNR-HVS, of Xiph's tools and of
    libvmaf. It has masking (compare ``psnr_hvs_m``), blocks that begin at every seventh
    sample, the integer transform of the Daala codec, tables of its own for luma and
    chroma, and works on whole codes of Y', Cb and Cr.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        preset: whose metric. ``"egiazarian2006"``: the authors', on luma. ``"xiph"``:
            libvmaf's ``psnr_hvs``; the options after ``luma`` are for it alone.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded), of the
            authors' preset.
        plane: ``"all"``, libvmaf's score: the mean squared errors of Y', Cb and Cr
            times .8, .1 and .1; or one of ``"y"``, ``"cb"`` and ``"cr"``.
        yuv: how codes are made of sRGB: ``"bt709-limited-420"``, ITU-R BT.709 with
            head-room and chroma of half the size, as most video has it and as the
            tables of chroma expect. Also ``"bt601-..."``, ``"...-full-..."`` and
            ``"...-444"``.
        bits: of a code: 8, as in most video, 10 or 12.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better. Identical images give 100000, as in the
        authors' code, with gradient 0; with ``"xiph"`` images without a visible
        difference give infinity, as in libvmaf. Roundings to codes and inside its
        transform have no derivative: the gradient is that of the orthonormal DCT of
        what was not rounded.

    Raises:
        ValueError: unknown option value, an image under 8x8, or one under 15x15 whose
            chroma of half the size counts.
    """
    one_of("preset", preset, "egiazarian2006", "xiph")
    one_of("plane", plane, *PLANES)
    if preset == "xiph":
        x, y = (
            video_planes(image, yuv, bits, extent=extent)
            for image in (reference, distorted)
        )
        return xiph_psnr_hvs(x, y, plane, bits, plane_extents(extent, yuv))
    return _score(reference, distorted, luma, extent, masked=False)


@full_reference(
    title="PSNR with the eye's contrast sensitivity and masking",
    citation=(
        "Ponomarenko, Silvestri, Egiazarian, Carli, Astola, Lukin: On between-"
        "coefficient contrast masking of DCT basis functions. VPQM 2007"
    ),
    fidelity_note=_NOTE,
    **_INFO,
)
def psnr_hvs_m(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    extent: Extent | None = None,
) -> Array:
    """PSNR-HVS after subtracting what the block's texture masks.

    A block's masking is sqrt(E p) / 32: E is the energy of its DCT coefficients
    (but the first) weighted by a table M, and p how evenly its variance is spread,
    the four quadrants' variances (N - 1 each) times 16 over the block's times 64. The
    larger masking of both images counts. Differences of all coefficients but the
    first shrink by masking / M, down to 0.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better. Images whose every difference is masked,
        identical ones among them, give 100000, as in the authors' code, with
        gradient 0.

    Raises:
        ValueError: unknown luma, or an image under 8x8.
    """
    return _score(reference, distorted, luma, extent, masked=True)


def _score(
    reference: Array,
    distorted: Array,
    luma: str,
    extent: Extent | None,
    *,
    masked: bool,
) -> Array:
    x, y = luma255(reference, luma), luma255(distorted, luma)
    # Luma of the difference is exactly 0 for identical images, and linear.
    exact = luma == "bt601"
    difference = luma255(reference - distorted, luma) if exact else x - y
    whole = extent and extent.whole(SIDE)
    difference = keep(difference, whole)
    planes = [difference, x, y] if masked else [difference]
    error = lax.map(lambda parts: _error(*parts), strips(planes)).sum()
    error = error / samples(x, extent)
    seen = error > 0
    return jnp.where(seen, decibels(255**2, error, seen), _IDENTICAL)


def _error(difference: Array, *images: Array) -> Array:
    """Sum of squared visible differences over ``[rows, 8, columns, 8]``.

    Without images nothing is masked.
    """
    masking = [masked_by(blocks(image)) for image in images]
    return visible_error(transformed(blocks(difference)), *masking)

"""PSNR with the eye's sensitivity (PSNR-HVS) and masking (PSNR-HVS-M)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.xiph_psnr_hvs import PLANES, smallest_side, xiph_psnr_hvs
from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.extent import Extent, keep
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import decibels, product, safe_divide, safe_sqrt
from jiqa.ops.video_planes import plane_extents, video_planes

_SIDE = 8
#: Rows of blocks that are worked on at once.
_STRIP = 4

# Luminance quantisation table of JPEG (ITU-T T.81, Annex K.1): how coarse each DCT
# coefficient may be before it is seen. The tables that the authors publish are these
# two functions of it, digit for digit.
_JPEG = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).reshape(-1)
_SENSITIVITY = np.round(25.73509 / _JPEG, 6)
_MASKING = np.round((10 / _JPEG) ** 2, 6)

#: The authors' value for images without a visible difference.
_IDENTICAL = 100000.0

_INFO: Any = {
    "direction": "higher",
    "range": (float("-inf"), _IDENTICAL),
    "identity": _IDENTICAL,
    "symmetric": True,
    "min_side": _SIDE,
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
    return smallest_side(plane, yuv) if preset == "xiph" else _SIDE


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
    whole = extent and extent.whole(_SIDE)
    difference = keep(difference, whole)
    # A few rows of blocks at a time stay in the cache; blocks of zeros add nothing.
    rows, cols = x.shape[0] // _SIDE, x.shape[1] // _SIDE
    strip = min(_STRIP, rows)
    strips = -(-rows // strip)
    below = (strips * strip - rows) * _SIDE
    planes = [difference, x, y] if masked else [difference]
    planes = [
        jnp.pad(p[: rows * _SIDE, : cols * _SIDE], ((0, below), (0, 0))).reshape(
            strips, strip, _SIDE, cols, _SIDE
        )
        for p in planes
    ]
    error = lax.map(lambda parts: _error(*parts), planes).sum()
    count = rows * cols * _SIDE**2 if whole is None else whole.count(error.dtype)
    error = error / count
    seen = error > 0
    return jnp.where(seen, decibels(255**2, error, seen), _IDENTICAL)


def _error(difference: Array, *images: Array) -> Array:
    """Sum of squared visible differences over blocks ``[rows, 8, columns, 8]``.

    Without images nothing is masked.
    """
    seen = jnp.abs(product(_DCT, _blocks(difference)))
    if images:
        x, y = (_masking(_blocks(p)) for p in images)
        # The first coefficient, the mean, is never masked.
        share = np.append(0, 1 / _MASKING[1:])
        hidden = jnp.asarray(share, seen.dtype)[:, None] * jnp.maximum(x, y)
        seen = jnp.maximum(seen - hidden, 0)
    return product(_SENSITIVITY**2, jnp.square(seen)).sum()


def _blocks(x: Array) -> Array:
    """``[64, blocks]``: row by row, the pixels of each block are one column."""
    return x.transpose(1, 3, 0, 2).reshape(_SIDE**2, -1)


def _masking(blocks: Array) -> Array:
    """How much each block hides, ``[blocks]``."""
    # From a pixel of the block, so that a constant block is 0 to the last digit.
    blocks = blocks - blocks[:1]
    power = jnp.square(product(_DCT, blocks))
    energy = product(np.append(0, _MASKING[1:]), power)
    whole = product(np.append(0, np.ones(_SIDE**2 - 1)), power) * (64 / 63)
    quadrants = jnp.square(product(_DEVIATION, blocks))
    spread = product(np.ones(_SIDE**2), quadrants) * (16 / 15)
    return safe_sqrt(energy * safe_divide(spread, whole)) / 32


def _deviation_matrix() -> np.ndarray:
    """Takes the mean of its quadrant from each of 64 pixels."""
    half = np.kron(np.eye(2), np.full((_SIDE // 2, _SIDE // 2), 2 / _SIDE))
    return np.eye(_SIDE**2) - np.kron(half, half)


#: The DCT of a block of 64 pixels, and what takes the means of the quadrants away.
_DCT = np.kron(dct_matrix(_SIDE), dct_matrix(_SIDE))
_DEVIATION = _deviation_matrix()

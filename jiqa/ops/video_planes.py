"""Y'CbCr planes of an image as a video codec is given them: whole codes of some bits.

Metrics that come from video coding are defined on such planes. The way from sRGB to
them is part of their score, so it has a name that says all of it:
``"bt709-limited-420"`` are the matrix of ITU-R BT.709, head-room for codes (16 to 235
of 8 bits) and chroma of half the size.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.ops.colour_constants import (
    BT601,
    BT709,
    TO_YCBCR,
    YCBCR_OFFSET,
    Row,
    weighted,
)
from jiqa.ops.extent import Extent, extended
from jiqa.ops.luma import on_level, rgb
from jiqa.ops.numerics import added, straight_through
from jiqa.ops.once import once

_LUMA: dict[str, Row] = {"bt601": BT601, "bt709": BT709}
_RANGES, _SAMPLINGS = ("limited", "full"), ("420", "444")

#: Every way, by name.
FORMATS = tuple(
    f"{matrix}-{codes}-{sampling}"
    for matrix in _LUMA
    for codes in _RANGES
    for sampling in _SAMPLINGS
)

#: What is added to a half, so that exact halves are rounded up in every program: more
#: than the rounding of the sums, less than what separates other values from a half.
_TIE = {"float32": 2.0**-24, "float64": 1e-10}


class Planes(NamedTuple):
    """Luma and chroma of one image."""

    y: Array
    cb: Array
    cr: Array


def check_format(yuv: str, bits: int) -> None:
    """Raise ``ValueError`` for an unknown way, or codes of no usual length."""
    one_of("yuv", yuv, *FORMATS)
    one_of("bits", bits, 8, 10, 12)


def is_halved(yuv: str) -> bool:
    """Whether chroma has half the rows and columns, rounded up."""
    return yuv.endswith("-420")


def plane_extents(extent: Extent | None, yuv: str) -> list[Extent | None]:
    """What of each plane is the image."""
    chroma = extent and extent.over(2) if is_halved(yuv) else extent
    return [extent, chroma, chroma]


def video_planes(
    image: Array,
    yuv: str = "bt709-limited-420",
    bits: int = 8,
    *,
    quantise: bool = True,
    extent: Extent | None = None,
) -> Planes:
    """Y', Cb and Cr of an sRGB image ``[H, W, C]`` in [0, 1], as planes of codes.

    Chroma of half the size is the mean of 2x2 samples, before anything is rounded; an
    odd last row or column counts twice. Halves are rounded up. The gradient passes
    through the rounding as if it were not there.

    Args:
        image: a grey one counts as R = G = B.
        yuv: one of ``FORMATS``.
        bits: of a code: 8, 10 or 12.
        quantise: whether codes are rounded to whole numbers and clipped.
        extent: what of the image's array is the image.
    """
    check_format(yuv, bits)
    matrix, offsets = _to_codes(yuv, bits)
    halved = (False, is_halved(yuv), is_halved(yuv))
    return _codes(image, matrix, offsets, halved, bits, quantise, extent)


def matlab_planes(image: Array, *, quantise: bool = True) -> Planes:
    """What MATLAB's ``rgb2ycbcr`` makes of an image of 8 bits, as planes of codes.

    ITU-R BT.601 with head-room and coefficients of three decimals. The sum of a colour
    in some 80,000 is an exact half, which programs round one way or the other, as the
    order of their additions has it; here it is rounded down.

    Args:
        image: sRGB ``[H, W, C]`` in [0, 1]; a grey one counts as R = G = B.
        quantise: whether codes are rounded to whole numbers.
    """
    whole_size = (False, False, False)
    return _codes(
        image, TO_YCBCR / 255, YCBCR_OFFSET, whole_size, 8, quantise, half_up=False
    )


def _codes(
    image: Array,
    matrix: np.ndarray,
    offsets: np.ndarray,
    halved: tuple[bool, ...],
    bits: int,
    quantise: bool,
    extent: Extent | None = None,
    half_up: bool = True,
) -> Planes:
    """Levels 0..255 times a matrix, plus offsets: of half the size where ``halved``."""
    planes = [255 * c for c in rgb(image)]
    levels = [on_level(lax.stop_gradient(p)) for p in planes]

    def of(row: np.ndarray, from_planes: list[Array], half: bool) -> Array:
        plane = weighted(row, from_planes)
        return _half(plane, extent) if half else plane

    # The rows in two parts: sums of the first are exact for whole levels, in float32
    # too, and those of the second small. One sum would be rounded, and with it now and
    # then a code.
    step = 2.0 ** (bits - 8 - 14)
    coarse = np.round(matrix / step) * step
    found = []
    for row, first, offset, half in zip(matrix, coarse, offsets, halved, strict=True):
        smooth = of(row, planes, half) + float(offset)
        if quantise:
            exact, rest = of(first, levels, half), of(row - first, levels, half)
            whole = jnp.floor(exact + 0.5)
            tie = _TIE[exact.dtype.name] * (1 if half_up else -1)
            code = whole + jnp.floor((exact - whole) + rest + (0.5 + tie))
            code = code + float(offset)
            smooth = straight_through(jnp.clip(code, 0, 2**bits - 1), smooth)
        found.append(smooth)
    return Planes(*found)


def enlarged_chroma(planes: Planes) -> Planes:
    """Planes of one size: samples of smaller chroma are repeated."""
    height, width = planes.y.shape

    def enlarged(x: Array) -> Array:
        if x.shape == planes.y.shape:
            return x
        # Repeated samples are not next to each other in memory; a loop that fetches
        # them takes ten times as long, so one does and not all that follow.
        return once(jnp.repeat(jnp.repeat(x, 2, 0), 2, 1)[:height, :width])

    return Planes(planes.y, enlarged(planes.cb), enlarged(planes.cr))


def _to_codes(yuv: str, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """What takes levels 0..255 of R, G, B to codes: a matrix, and what is added."""
    name, codes, _ = yuv.split("-")
    luma = np.array(_LUMA[name])
    blue, red = ((np.eye(3)[c] - luma) / (2 * (1 - luma[c])) for c in (2, 0))
    rows = np.stack([luma, blue, red]) / 255
    if codes == "full":
        return rows * (2**bits - 1), np.array([0, 1, 1]) * 2 ** (bits - 1)
    scale = 2 ** (bits - 8)
    spans, offsets = np.array([219, 224, 224]), np.array([16, 128, 128])
    return rows * spans[:, None] * scale, offsets * scale


def _half(x: Array, extent: Extent | None) -> Array:
    """Means of 2x2 samples; the last of an odd number is repeated."""
    if extent is not None:
        x = extended(x, extent, (0, 0), (1, 1), "replicate")
    height, width = (-(-n // 2) * 2 for n in x.shape)
    x = jnp.pad(x, ((0, height - x.shape[0]), (0, width - x.shape[1])), mode="edge")
    return added(x[r::2, c::2] for r in (0, 1) for c in (0, 1)) / 4

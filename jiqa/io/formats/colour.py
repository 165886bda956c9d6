"""From stored samples to upright grey or RGB of 8 or 16 bits, without alpha.

Functions of colour take and give floating-point samples in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jiqa.io.formats.header import Header
from jiqa.ops.colour_constants import (
    D50_FIVE_DIGITS,
    D50_TO_D65,
    FROM_XYZ,
    LAB_KNEE,
)

#: Pixels that are converted at a time: what they take as float64 stays small.
_STRIP = 2**20


def finish(pixels: np.ndarray, header: Header, background: float) -> np.ndarray:
    """The image of decoded samples.

    Args:
        pixels: ``[H, W, C]`` unsigned, as ``header`` says; the alpha, if any, is last.
        header: their layout.
        background: grey level in [0, 1] behind transparent pixels.

    Returns:
        ``[H, W, 1 or 3]``, uint8 or uint16, upright.
    """
    dtype = sample_type(header)
    full = np.iinfo(dtype).max
    if header.alpha == "none" and header.to_colour is None and header.peak == full:
        return _upright(pixels.astype(dtype, copy=False), header.orientation)
    shown = np.empty((*pixels.shape[:2], header.channels), dtype)
    rows = max(1, _STRIP // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        strip = slice(top, top + rows)
        colour = _composited(pixels[strip], header, background)
        if header.peak != full:
            colour = colour * full / header.peak
        shown[strip] = np.floor(colour + 0.5).clip(0, full)
    return _upright(shown, header.orientation)


def sample_type(header: Header) -> type[np.uint8] | type[np.uint16]:
    """The type that holds an image's samples: uint8 up to 8 bits."""
    return np.uint8 if header.peak <= 255 else np.uint16


def _composited(pixels: np.ndarray, header: Header, background: float) -> np.ndarray:
    """Colour over the background, up to ``header.peak``."""
    peak, convert = header.peak, header.to_colour
    if header.alpha == "none":
        colour = pixels.astype(np.float64)
        return colour if convert is None else convert(colour / peak) * peak
    colour = pixels[..., :-1].astype(np.float64)
    alpha = pixels[..., -1:] / peak
    premultiplied = header.alpha == "premultiplied"
    if convert is not None:
        if premultiplied:
            colour = colour / np.where(alpha > 0, alpha, 1)
            premultiplied = False
        colour = convert((colour / peak).clip(0, 1)) * peak
    behind = background * peak * (1 - alpha)
    return (colour if premultiplied else colour * alpha) + behind


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def inverted(samples: np.ndarray) -> np.ndarray:
    """Grey from samples whose 0 is white."""
    return 1 - samples


def cmyk_to_rgb(samples: np.ndarray) -> np.ndarray:
    """RGB from amounts of ink without a profile: ``(1 - ink) * (1 - black)``."""
    return (1 - samples[..., :3]) * (1 - samples[..., 3:])


def ycbcr_to_rgb(
    samples: np.ndarray,
    *,
    peak: int,
    levels: Sequence[float],
    coefficients: Sequence[float],
) -> np.ndarray:
    """RGB from luma and chroma, as TIFF defines it.

    Args:
        samples: Y, Cb, Cr in [0, 1].
        peak: the largest stored value, 255 or 65535.
        levels: stored values of black and white in Y, of no and full chroma in Cb, and
            in Cr.
        coefficients: of red, green and blue in luma.
    """
    spans = (1, (peak // 2) / peak, (peak // 2) / peak)
    y, cb, cr = (
        (samples[..., i] * peak - levels[2 * i])
        * (spans[i] / (levels[2 * i + 1] - levels[2 * i]))
        for i in range(3)
    )
    red, green, blue = coefficients
    r = y + cr * (2 - 2 * red)
    b = y + cb * (2 - 2 * blue)
    g = (y - red * r - blue * b) / green
    return np.stack([r, g, b], -1).clip(0, 1)


def lab_to_rgb(samples: np.ndarray, *, peak: int) -> np.ndarray:
    """SRGB from CIE L*a*b* (D50); colours outside sRGB are cut to it.

    Args:
        samples: in [0, 1]: L* from 0 to 100; a* and b* with an offset of half the range
            of ``peak + 1`` values, which are 256 units.
        peak: the largest stored value, 255 or 65535.
    """
    light = samples[..., 0] * 100
    a, b = np.moveaxis(samples[..., 1:3] * (256 * peak / (peak + 1)) - 128, -1, 0)
    y = (light + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    cubed = np.where(f > LAB_KNEE, f**3, 3 * LAB_KNEE**2 * (f - 4 / 29))
    linear = (cubed * D50_FIVE_DIGITS @ D50_TO_D65.T @ FROM_XYZ.T).clip(0, 1)
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)

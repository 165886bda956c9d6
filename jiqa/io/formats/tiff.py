"""TIFF: tifffile decodes the first page; what its samples mean is read here."""

from __future__ import annotations

from functools import partial
from typing import Any, BinaryIO

import numpy as np

from jiqa.io.formats import colour
from jiqa.io.formats.header import (
    ORIENTATION_TAG,
    Header,
    Unsupported,
    valid_orientation,
)

#: The first four bytes: little and big endian, classic and BigTIFF.
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_WANTED = "integer samples of 1 to 16 bits"
#: Samples of a colour, without extra ones.
_COLOURS = {
    "MINISWHITE": 1,
    "MINISBLACK": 1,
    "PALETTE": 1,
    "RGB": 3,
    "SEPARATED": 4,
    "YCBCR": 3,
    "CIELAB": 3,
    "ICCLAB": 3,
}
_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2
_UNCOMPRESSED, _LZW = 1, 5
_CONTIGUOUS = 1
#: Compressions whose decoders turn YCbCr into RGB: JPEG old and new, lossy, WebP.
_TO_RGB = {6, 7, 34892, 50001}
_INK_SET, _INKS = 332, 334
_COEFFICIENTS, _SUBSAMPLING, _BLACK_WHITE = 529, 530, 532


def read_header(file: BinaryIO) -> Header:
    """The tags of the first page; ``layout`` is its palette, or None."""
    page = _first_page(file)
    kind = getattr(page.photometric, "name", str(page.photometric))
    if kind not in _COLOURS:
        wanted = "grey, palette, RGB, CMYK, YCbCr or Lab"
        raise Unsupported(wanted, f"photometric interpretation {kind}")
    peak = 2 ** _bits(page) - 1
    colours = _COLOURS[kind]
    alpha = _alpha(page, kind, colours)
    palette, to_colour = None, None
    if kind == "MINISWHITE":
        to_colour = colour.inverted
    elif kind == "PALETTE":
        palette = _palette(page)
        peak = 255 if palette.dtype == np.uint8 else 65535
    elif kind == "SEPARATED":
        if _tag(page, _INK_SET, 1) != 1 or _tag(page, _INKS, 4) != 4:
            raise Unsupported("CMYK", "other inks")
        to_colour = colour.cmyk_to_rgb
    elif kind == "YCBCR":
        to_colour = _ycbcr(page, peak)
    elif kind.endswith("LAB"):
        if peak not in (255, 65535):
            raise Unsupported("Lab of 8 or 16 bits", f"{page.bitspersample} bits")
        to_colour = partial(colour.lab_to_rgb, peak=peak)
    return Header(
        page.imagelength,
        page.imagewidth,
        channels=1 if kind.startswith("MINIS") else 3,
        peak=peak,
        alpha=alpha,
        orientation=valid_orientation(_tag(page, ORIENTATION_TAG, 1)),
        to_colour=to_colour,
        layout=palette,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, C]`` with at most one extra sample, which is alpha."""
    page = _first_page(file)
    _complete(file, page)
    kind = page.photometric.name
    pixels = _plain_lzw(file, page) if _is_plain_lzw(page, kind) else _pixels(page)
    colours, extra = pixels[..., : _COLOURS[kind]], pixels[..., _COLOURS[kind] :]
    if kind.endswith("LAB"):
        colours = _lab(colours, kind)
    if kind == "PALETTE":
        colours = header.layout[colours[..., 0]]
    if header.alpha == "none":
        return colours
    place = 0 if page.extrasamples == () else _alpha_index(page)
    alpha = extra[..., place : place + 1]
    if kind == "PALETTE":
        scaled = alpha * (header.peak / (2**page.bitspersample - 1))
        alpha = np.floor(scaled + 0.5).astype(colours.dtype)
    return np.concatenate([colours, alpha], -1)


def _pixels(page: Any) -> np.ndarray:
    """Samples ``[H, W, C]`` as tifffile decodes them."""
    pixels = page.asarray(squeeze=False)
    if pixels.ndim != 5 or pixels.shape[1] != 1:
        raise Unsupported("a flat image", f"samples of shape {pixels.shape}")
    # Either the first axis or the last one has the samples.
    pixels = pixels[:, 0]
    pixels = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels[..., 0], 0, -1)
    return pixels.astype(np.uint8) if pixels.dtype == bool else pixels


def _is_plain_lzw(page: Any, kind: str) -> bool:
    """Whether LZW's samples are of whole bytes, a pixel beside the other."""
    whole = page.bitspersample in (8, 16) and page.planarconfig == _CONTIGUOUS
    return page.compression == _LZW and kind in ("MINISBLACK", "RGB") and whole


def _plain_lzw(file: BinaryIO, page: Any) -> np.ndarray:
    """Samples ``[H, W, C]`` by libtiff, in half the time of tifffile or less."""
    import imagecodecs

    file.seek(0)
    pixels = np.asarray(imagecodecs.tiff_decode(file.read(), index=0))
    return pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)


def _first_page(file: BinaryIO) -> Any:
    import tifffile

    file.seek(0)
    try:
        return tifffile.TiffFile(file).pages[0]
    except IndexError:
        raise ValueError("the file has no image, or is truncated") from None


def _tag(page: Any, number: int, default: Any) -> Any:
    tag = page.tags.get(number)
    return default if tag is None else tag.value


def _bits(page: Any) -> int:
    """Bits of every sample, of which the peak follows."""
    bits, form = page.bitspersample, page.sampleformat
    if not isinstance(bits, int):
        raise Unsupported("samples of one depth", f"depths of {bits} bits")
    if form in (3, 6):
        hint = "the range of a floating-point file is unknown"
        raise Unsupported(_WANTED, "floating-point samples", hint)
    if form in (2, 5):
        raise Unsupported(_WANTED, "signed samples")
    if bits > 16:
        raise Unsupported(_WANTED, f"{bits}-bit samples")
    return bits


def _alpha(page: Any, kind: str, colours: int) -> Any:
    """What the extra samples say."""
    extra = page.samplesperpixel - colours
    if extra < 0:
        raise Unsupported(f"{colours} samples a pixel", str(page.samplesperpixel))
    if not extra:
        return "none"
    if not page.extrasamples:  # older programs write RGBA without saying so
        types = [_UNASSOCIATED] if extra == 1 else [_UNSPECIFIED] * extra
    else:
        types = [int(t) for t in page.extrasamples]
    if _ASSOCIATED in types and _UNASSOCIATED not in types[: types.index(_ASSOCIATED)]:
        return "premultiplied"
    if _UNASSOCIATED in types:
        return "straight"
    if colours == 1 and extra > 1:
        got = f"{page.samplesperpixel} samples a pixel"
        raise Unsupported("grey, RGB, CMYK, YCbCr or Lab", got)
    return "none"


def _alpha_index(page: Any) -> int:
    types = [int(t) for t in page.extrasamples]
    return next(i for i, t in enumerate(types) if t in (_ASSOCIATED, _UNASSOCIATED))


def _palette(page: Any) -> np.ndarray:
    """Colours ``[N, 3]``, uint8 where the 16 bits of the tag hold 8."""
    if page.colormap is None:
        raise ValueError("the palette is missing")
    entries = np.asarray(page.colormap, np.uint16).T
    if entries.max() < 256:  # some programs write 8 bits
        return entries.astype(np.uint8)
    low, high = entries & 255, entries >> 8
    if (low == 0).all() or (low == high).all():
        return high.astype(np.uint8)
    return np.ascontiguousarray(entries)


def _ycbcr(page: Any, peak: int) -> Any:
    """The conversion to RGB; None where the decoder has done it."""
    if page.compression in _TO_RGB:
        return None
    if tuple(_tag(page, _SUBSAMPLING, (2, 2))) != (1, 1):
        raise Unsupported("YCbCr without subsampling, or JPEG", "subsampled YCbCr")
    half = (peak + 1) // 2
    return partial(
        colour.ycbcr_to_rgb,
        peak=peak,
        levels=_fractions(page, _BLACK_WHITE, [0, peak, half, peak, half, peak]),
        coefficients=_fractions(page, _COEFFICIENTS, [0.299, 0.587, 0.114]),
    )


def _fractions(page: Any, number: int, default: list[float]) -> list[float]:
    """The numbers of a tag; fractions come as numerators and denominators in turn."""
    values = _tag(page, number, default)
    if len(values) == 2 * len(default):
        values = [a / b for a, b in zip(values[::2], values[1::2], strict=True)]
    return [float(v) for v in values]


def _lab(samples: np.ndarray, kind: str) -> np.ndarray:
    """L* over the whole range, and a* and b* with an offset of half of it."""
    samples = samples.copy()
    half = (np.iinfo(samples.dtype).max + 1) // 2
    if kind == "CIELAB":
        samples[..., 1:] ^= half  # they are signed
    elif samples.dtype == np.uint16:
        light = samples[..., 0] * (65535 / 65280)
        samples[..., 0] = np.floor(light + 0.5).clip(0, 65535)
    return samples


def _complete(file: BinaryIO, page: Any) -> None:
    """Check that the file has the strips or tiles: decoders may not notice."""
    size = file.seek(0, 2)
    if page.compression == _UNCOMPRESSED:
        return  # byte counts are often wrong, and a lack of bytes is noticed
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if not offset or not count or offset + count > size:
            raise ValueError("the file is truncated: strips or tiles are missing")

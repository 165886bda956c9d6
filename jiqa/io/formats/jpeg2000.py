"""JPEG 2000, in its file format (JP2) and as a bare codestream: OpenJPEG decodes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from jiqa.io.formats.colour import cmyk_to_rgb
from jiqa.io.formats.header import Header, Unsupported, exif_orientation

SIGNATURE_BOX = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"

#: Enumerated colour spaces, and the signatures of ICC profiles.
_SPACES = {16: "RGB", 17: "grey", 18: "sYCC", 12: "CMYK"}
_PROFILES = {b"RGB ": "RGB", b"GRAY": "grey", b"CMYK": "CMYK"}
_OTHER_SPACES = {14: "Lab", 20: "e-sRGB", 24: "e-sYCC"}
_COLOURS = {"grey": 1, "RGB": 3, "sYCC": 3, "CMYK": 4}

_COLOUR, _STRAIGHT, _PREMULTIPLIED = 0, 1, 2
_ALPHA: dict[int, Any] = {_STRAIGHT: "straight", _PREMULTIPLIED: "premultiplied"}
_EXIF_UUID = b"JpgTiffExif->JP2"


@dataclass
class _Boxes:
    """What the boxes before the codestream say.

    Attributes:
        space: of colours; None if nothing says it.
        palette: bits of each column of the palette.
        alpha: the kind of the channel beside the colours; None if nothing says it.
        exif: an EXIF block.
    """

    space: str | None = None
    palette: list[int] = field(default_factory=list)
    alpha: int | None = None
    exif: bytes = b""


def read_header(file: BinaryIO) -> Header:
    """The boxes, and the codestream's size marker; ``layout`` counts the colours."""
    boxes, start = _Boxes(), 0
    file.seek(0)
    if file.read(4) != CODESTREAM:
        start = _read_boxes(file, boxes)
    height, width, bits, subsampled = _size_marker(file, start)
    if subsampled and (boxes.space not in (None, "sYCC") or len(bits) != 3):
        raise Unsupported("components of one size, or sYCC", "subsampled components")
    bits = boxes.palette or bits
    space = boxes.space or ("grey" if len(bits) < 3 else "RGB")
    colours = _COLOURS[space]
    if len(bits) not in (colours, colours + 1):
        wanted = f"{colours} components of {space}, or one more of alpha"
        raise Unsupported(wanted, f"{len(bits)} components")
    if len(set(bits)) > 1:
        raise Unsupported("samples of one depth", f"depths of {bits} bits")
    # Where nothing says what it is, the channel beside the colours is alpha.
    kind = _STRAIGHT if boxes.alpha is None else boxes.alpha
    return Header(
        height,
        width,
        channels=1 if colours == 1 else 3,
        peak=2 ** bits[0] - 1,
        alpha=_ALPHA.get(kind, "none") if len(bits) > colours else "none",
        orientation=exif_orientation(boxes.exif),
        to_colour=cmyk_to_rgb if space == "CMYK" else None,
        layout=colours,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, C]``; OpenJPEG resolves palettes and sYCC."""
    import imagecodecs

    file.seek(0)
    pixels = np.asarray(imagecodecs.jpeg2k_decode(file.read()))
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return pixels[..., : header.layout] if header.alpha == "none" else pixels


def _size_marker(file: BinaryIO, start: int) -> tuple[int, int, list[int], bool]:
    """Height, width, bits of each component, and whether some are subsampled."""
    file.seek(start)
    data = file.read(42)
    if not data.startswith(CODESTREAM) or len(data) < 42:
        raise ValueError("the file ends within its header, or that is broken")
    right, bottom, left, top = struct.unpack(">4I", data[8:24])
    (count,) = struct.unpack(">H", data[40:42])
    parts = file.read(3 * count)
    if not count or len(parts) < 3 * count:
        raise ValueError("the file ends within its header, or that is broken")
    depths, steps = parts[::3], set(zip(parts[1::3], parts[2::3], strict=True))
    bits = [(depth & 0x7F) + 1 for depth in depths]
    if any(depth & 0x80 for depth in depths):
        raise Unsupported("unsigned samples", "signed samples")
    if max(bits) > 16:
        raise Unsupported("1 to 16 bits per sample", f"{max(bits)} bits")
    across, down = parts[1], parts[2]
    height = -(-bottom // down) - -(-top // down)
    width = -(-right // across) - -(-left // across)
    return height, width, bits, len(steps) > 1


def _read_boxes(file: BinaryIO, boxes: _Boxes) -> int:
    """Read what matters; give where the codestream begins."""
    codestream = None
    size = file.seek(0, 2)
    for name, begin, end in _boxes(file, 0, size):
        if name == b"jp2c":
            codestream = begin if codestream is None else codestream
        elif name == b"jp2h":
            for inner, inner_begin, inner_end in _boxes(file, begin, end):
                file.seek(inner_begin)
                _header_box(inner, file.read(inner_end - inner_begin), boxes)
        elif name == b"uuid":
            file.seek(begin)
            if file.read(16) == _EXIF_UUID:
                boxes.exif = file.read(end - begin - 16)
    if codestream is None:
        raise ValueError("the file ends before its codestream")
    return codestream


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Names of boxes, and where their contents begin and end."""
    while begin + 8 <= end:
        file.seek(begin)
        length, name = struct.unpack(">I4s", file.read(8))
        content = begin + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            content += 8
        stop = end if length == 0 else min(end, begin + length)
        if stop < content:
            raise ValueError(f"the box {name!r} is broken")
        yield name, content, stop
        begin = stop


def _header_box(name: bytes, data: bytes, boxes: _Boxes) -> None:
    if name == b"colr" and boxes.space is None:
        if data[0] == 1:
            (number,) = struct.unpack(">I", data[3:7])
            if number not in _SPACES:
                got = _OTHER_SPACES.get(number, f"colour space {number}")
                raise Unsupported("grey, sRGB, sYCC or CMYK", got)
            boxes.space = _SPACES[number]
        elif data[0] == 2:
            signature = data[3 + 16 : 3 + 20]
            if signature not in _PROFILES:
                got = f"a profile of {signature.decode('latin-1').strip()!r}"
                raise Unsupported("a profile of grey, RGB or CMYK", got)
            boxes.space = _PROFILES[signature]
    elif name == b"pclr":
        boxes.palette = [(depth & 0x7F) + 1 for depth in data[3 : 3 + data[2]]]
    elif name == b"cdef":
        kinds = [kind for _, kind, _ in struct.iter_unpack(">HHH", data[2:])]
        boxes.alpha = next((kind for kind in kinds if kind != _COLOUR), None)

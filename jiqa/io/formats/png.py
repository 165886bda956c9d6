"""PNG, every layout of it: libpng decodes, through imagecodecs."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from jiqa.io.formats.header import Header, exif_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY_TYPES, _ALPHA_TYPES = (0, 4), (4, 6)


def read_header(file: BinaryIO) -> Header:
    """The header chunk, and those that tell transparency and orientation."""
    file.seek(len(SIGNATURE))
    found = _chunks(file)
    width, height, bits, kind = struct.unpack(">IIBB", found[b"IHDR"][:10])
    return Header(
        height,
        width,
        channels=1 if kind in _GREY_TYPES else 3,
        peak=65535 if bits == 16 else 255,
        alpha="straight" if kind in _ALPHA_TYPES or b"tRNS" in found else "none",
        orientation=exif_orientation(found.get(b"eXIf", b""), found.get(b"xmp", b"")),
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, 1 to 4]``; palettes and key colours are resolved."""
    import imagecodecs

    del header
    file.seek(0)
    pixels = np.asarray(imagecodecs.png_decode(file.read()))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The chunks that matter by their name; others are passed over."""
    found: dict[bytes, bytes] = {}
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name in (b"IHDR", b"tRNS", b"eXIf"):
            found.setdefault(name, file.read(length))
            file.seek(4, 1)
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            _text(name, file.read(length), found)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
        if name == b"IEND":
            break
    if file.tell() > file.seek(0, 2):
        raise ValueError("the file is truncated")
    if len(found.get(b"IHDR", b"")) < 10:
        raise ValueError("the file ends within its header")
    return found


def _text(name: bytes, data: bytes, found: dict[bytes, bytes]) -> None:
    """EXIF and XMP that programs keep in chunks of text."""
    keyword, _, rest = data.partition(b"\0")
    if keyword not in (b"Raw profile type exif", b"XML:com.adobe.xmp"):
        return
    if name == b"zTXt":
        text = zlib.decompress(rest[1:])
    elif name == b"iTXt":
        text = rest[2:].split(b"\0", 2)[-1]
        text = zlib.decompress(text) if rest[:1] == b"\1" else text
    else:
        text = rest
    if keyword == b"XML:com.adobe.xmp":
        found.setdefault(b"xmp", text)
    else:  # "exif", a length, then digits in base 16
        digits = b"".join(text.split()[2:]).decode("ascii")
        found.setdefault(b"eXIf", bytes.fromhex(digits))

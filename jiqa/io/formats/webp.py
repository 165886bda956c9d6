"""WebP, lossy and lossless: libwebp decodes, through imagecodecs."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from jiqa.io.formats import pillow
from jiqa.io.formats.header import Header, exif_orientation

_ALPHA, _ANIMATED = 0x10, 0x02


def read_header(file: BinaryIO) -> Header:
    """The first chunk, and metadata; ``layout`` says whether it is an animation."""
    found = _chunks(file)
    start = next(iter(found), b"")
    data = found.get(start, b"")
    animated = False
    if start == b"VP8X" and len(data) == 10:
        alpha, animated = bool(data[0] & _ALPHA), bool(data[0] & _ANIMATED)
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (4, 7))
    elif start == b"VP8L" and data[:1] == b"\x2f" and len(data) == 10:
        bits = int.from_bytes(data[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        alpha = bool(bits >> 28 & 1)
    elif start == b"VP8 " and data[3:6] == b"\x9d\x01\x2a" and len(data) == 10:
        width, height = (size & 0x3FFF for size in struct.unpack("<HH", data[6:]))
        alpha = False
    else:
        raise ValueError("the file ends within its header, or that is broken")
    return Header(
        height,
        width,
        channels=3,
        peak=255,
        alpha="straight" if alpha else "none",
        orientation=exif_orientation(found.get(b"EXIF", b""), found.get(b"XMP ", b"")),
        layout=animated,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, 3 or 4]``, of an animation those of the first frame."""
    alpha = header.alpha != "none"
    if header.layout:  # Pillow lays the frame on its canvas
        return pillow.pixels(file, "RGBA" if alpha else "RGB")
    import imagecodecs

    file.seek(0)
    return np.asarray(imagecodecs.webp_decode(file.read(), hasalpha=alpha))


def _chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The first ten bytes of the first chunk, and metadata, by their names."""
    found: dict[bytes, bytes] = {}
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        end = file.tell() + length + length % 2
        if not found:
            found[name] = file.read(min(length, 10))
        elif name in (b"EXIF", b"XMP "):
            found[name] = file.read(length)
        file.seek(end)
    return found

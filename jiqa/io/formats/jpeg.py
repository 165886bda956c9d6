"""JPEG: libjpeg decodes, 8 bits through Pillow and other depths through imagecodecs."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from jiqa.io.formats.colour import cmyk_to_rgb
from jiqa.io.formats.header import Header, Unsupported, exif_orientation

SIGNATURE = b"\xff\xd8\xff"

_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
#: Markers without a length: restarts, the beginning, TEM.
_BARE = {0x01, *range(0xD0, 0xD9)}
#: Markers of a frame: Huffman and arithmetic coding, lossless; not DHT, JPG, DAC.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HIERARCHICAL = {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF}
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


def read_header(file: BinaryIO) -> Header:
    """The frame's header, and EXIF before it."""
    frame, marker = b"", 0
    exif = xmp = b""
    for kind, data in _segments(file):
        if kind in _FRAMES:
            frame, marker = data, kind
        elif kind == _APP1 and data.startswith(_EXIF):
            exif = exif or data
        elif kind == _APP1 and data.startswith(_XMP):
            xmp = xmp or data
    if len(frame) < 6:
        raise ValueError("the file ends within its header, or is truncated")
    if marker in _HIERARCHICAL:
        wanted = "a sequential, progressive or lossless JPEG"
        raise Unsupported(wanted, "a hierarchical one")
    bits, height, width, components = struct.unpack(">BHHB", frame[:6])
    if components not in (1, 3, 4):
        raise Unsupported("1, 3 or 4 components", str(components))
    return Header(
        height,
        width,
        channels=1 if components == 1 else 3,
        peak=2**bits - 1,
        orientation=exif_orientation(exif, xmp),
        to_colour=cmyk_to_rgb if components == 4 else None,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, C]``: grey, RGB or CMYK."""
    file.seek(0)
    if header.peak == 255:
        from PIL.JpegImagePlugin import JpegImageFile

        with JpegImageFile(file) as image:
            pixels = np.array(image)
    else:
        import imagecodecs

        data = file.read()
        if b"\xff\xd9" not in data[-1024:]:
            raise ValueError("the file is truncated")
        pixels = np.asarray(imagecodecs.jpeg8_decode(data))
        if header.to_colour is not None:
            pixels = header.peak - pixels  # Adobe's convention, as Pillow takes it
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _segments(file: BinaryIO):
    """The markers and their data, up to the first scan."""
    file.seek(2)
    while byte := file.read(1):
        if byte != b"\xff":
            continue
        while (byte := file.read(1)) == b"\xff":
            pass
        marker = byte[0] if byte else _END
        if marker in (_END, _SCAN):
            return
        if marker == 0 or marker in _BARE:
            continue
        length = file.read(2)
        if len(length) < 2:
            return
        yield marker, file.read(struct.unpack(">H", length)[0] - 2)

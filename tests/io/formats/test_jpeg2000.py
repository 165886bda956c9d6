"""Every layout of JPEG 2000 shows what its plain 8-bit twin shows."""

from __future__ import annotations

import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from jiqa.io.decode import DecodeError
from tests.helpers.image_files import (
    alpha_ramp,
    as_bits,
    assert_shows,
    box,
    exif,
    jp2,
    over,
    picture,
    read,
    turned,
)

SRGB, GREY, SYCC, CMYK, LAB = 16, 17, 18, 12, 14


def _codestream(samples: np.ndarray, bits: int = 8, **options: Any) -> bytes:
    stored = np.ascontiguousarray(samples.squeeze())
    options = {"level": 0, "reversible": True, "codecformat": "j2k", **options}
    return bytes(imagecodecs.jpeg2k_encode(stored, bitspersample=bits, **options))


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour(channels, bits):
    twin = picture(channels)
    data = _codestream(as_bits(twin, bits), bits)
    assert_shows(data, twin, bits)
    assert_shows(jp2(data, GREY if channels == 1 else SRGB), twin, bits)


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", ["unnamed", "straight", "premultiplied", "other"])
def test_alpha(channels, bits, alpha):
    colour, opacity = as_bits(picture(channels), bits), as_bits(alpha_ramp(), bits)
    peak = 2**bits - 1
    share = opacity / peak
    if alpha == "premultiplied":
        colour = np.floor(colour * share + 0.5).astype(colour.dtype)
        shown = colour + peak * (1 - share)
    elif alpha == "other":
        shown = colour.astype(float)
    else:
        shown = colour * share + peak * (1 - share)
    data = _codestream(np.concatenate([colour, opacity], -1), bits)
    kind = {"straight": 1, "premultiplied": 2, "other": 65535}.get(alpha)
    kinds = [(i, 0, i + 1) for i in range(channels)] + [(channels, kind, 0)]
    boxes = b""
    if kind is not None:
        meanings = b"".join(struct.pack(">HHH", *k) for k in kinds)
        boxes = box(b"cdef", struct.pack(">H", len(kinds)) + meanings)
    image = read(jp2(data, GREY if channels == 1 else SRGB, boxes))
    full = np.iinfo(image.dtype).max
    expected = np.floor((shown * full / peak).clip(0, full) + 0.5)
    np.testing.assert_array_equal(image, expected)
    if alpha == "unnamed":
        np.testing.assert_array_equal(read(data), expected)


def test_alpha_in_front_of_the_colours():
    twin, alpha = picture(), alpha_ramp()
    kinds = [(0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)]
    boxes = b"\0\4" + b"".join(struct.pack(">HHH", *k) for k in kinds)
    data = _codestream(np.concatenate([alpha, twin], -1), mct=False)
    assert_shows(jp2(data, SRGB, box(b"cdef", boxes)), over(twin, alpha))


def test_sycc_whole_and_subsampled():
    twin = picture()
    parts = np.asarray(Image.fromarray(twin).convert("YCbCr"))
    assert_shows(jp2(_codestream(parts, mct=False), SYCC), twin, more=2)
    chroma = parts[::2, ::2, 1:].repeat(2, 0).repeat(2, 1)[:24, :35]
    merged = np.concatenate([parts[..., :1], chroma], -1)
    shown = np.asarray(Image.fromarray(merged, mode="YCbCr").convert("RGB"))
    assert_shows(_subsampled(parts), shown, more=2)
    assert_shows(jp2(_subsampled(parts), SYCC), shown, more=2)
    with pytest.raises(DecodeError, match="got subsampled components"):
        read(jp2(_subsampled(parts), SRGB))


def _subsampled(parts: np.ndarray) -> bytes:
    """A codestream whose second and third component are half as high and wide.

    With one resolution and one layer the data of each are one packet, which is that of
    a codestream of it alone.
    """
    planes = [parts[..., 0], parts[::2, ::2, 1], parts[::2, ::2, 2]]
    alone = [_codestream(plane, mct=False, resolutions=1) for plane in planes]
    packets = b"".join(a[a.index(b"\xff\x93") + 2 : -2] for a in alone)
    head = alone[0][: alone[0].index(b"\xff\x90")]
    sizes = head[6:40] + struct.pack(">H9B", 3, 7, 1, 1, 7, 2, 2, 7, 2, 2)
    marker = b"\xff\x4f\xff\x51" + struct.pack(">H", 2 + len(sizes)) + sizes
    tile = b"\xff\x90\0\x0a\0\0" + struct.pack(">IBB", 14 + len(packets), 0, 1)
    return marker + head[45:] + tile + b"\xff\x93" + packets + b"\xff\xd9"


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("profile", [False, True])
def test_cmyk(bits, profile):
    inks = picture(4)
    twin = np.asarray(Image.fromarray(inks, mode="CMYK").convert("RGB"))
    space = bytes(16) + b"CMYK" + bytes(108) if profile else CMYK
    data = _codestream(as_bits(inks, bits), bits, mct=False)
    assert_shows(jp2(data, space), twin, bits, more=0.5)


@pytest.mark.parametrize("bits", [8, 12])
def test_palette(bits):
    colours = as_bits(picture().reshape(-1, 3)[:200], bits)
    indices = (np.arange(24 * 35).reshape(24, 35) % 200).astype(np.uint8)
    table = struct.pack(">HB", 200, 3) + bytes([bits - 1] * 3)
    table += colours.astype(">u2" if bits > 8 else "u1").tobytes()
    columns = b"".join(struct.pack(">HBB", 0, 1, i) for i in range(3))
    boxes = box(b"pclr", table) + box(b"cmap", columns)
    twin = picture().reshape(-1, 3)[indices]
    assert_shows(jp2(_codestream(indices), SRGB, boxes), twin, bits)


def test_tiles():
    twin, file = np.tile(picture(), (4, 4, 1)), io.BytesIO()
    Image.fromarray(twin).save(file, "JPEG2000", tile_size=(64, 32))
    assert_shows(file.getvalue(), twin)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    twin = picture()
    block = box(b"uuid", b"JpgTiffExif->JP2" + exif(orientation)[6:])
    assert_shows(jp2(_codestream(turned(twin, orientation)), SRGB, after=block), twin)


def test_refusals():
    grey, colour = _codestream(picture(1)), _codestream(picture(), mct=False)
    signed, unequal, deep = (bytearray(colour) for _ in range(3))
    for at in (42, 45, 48):
        signed[at] |= 0x80
        deep[at] = 19
    unequal[42] = 9
    cases = {
        "got Lab": jp2(colour, LAB),
        "got colour space 99": jp2(grey, 99),
        "expected a profile .*, got a profile of 'Lab'": jp2(
            colour, bytes(16) + b"Lab " + bytes(108)
        ),
        "expected unsigned samples, got signed": bytes(signed),
        r"expected samples of one depth, got depths of \[10, 8, 8\]": bytes(unequal),
        "expected 1 to 16 bits per sample, got 20 bits": bytes(deep),
        "got 4 components": jp2(_codestream(picture(4), mct=False), GREY),
        "ends before its codestream": jp2(colour, SRGB)[:60],
        "ends within its header": colour[:30],
        "cannot be decoded": colour[: len(colour) // 2],
    }
    for why, data in cases.items():
        with pytest.raises(DecodeError, match=f"picture: .*{why}"):
            read(data)

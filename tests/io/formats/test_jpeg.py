"""Every kind of JPEG shows what its plain 8-bit twin shows."""

from __future__ import annotations

import io
import re
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from jiqa.io.decode import DecodeError
from tests.helpers.image_files import as_bits, assert_shows, exif, picture, read, turned

#: Steps of 8 bits that the best quality differs by, and chroma's conversion.
LOSS = 4


def _saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=100, subsampling=0, **options)
    return file.getvalue()


def _encoded(samples: np.ndarray, bits: int, **options: Any) -> bytes:
    stored = np.ascontiguousarray(as_bits(samples, bits).squeeze())
    return bytes(imagecodecs.jpeg8_encode(stored, bitspersample=bits, **options))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_eight_bits(mode, progressive):
    twin = picture(1 if mode == "L" else 3)
    inks = np.concatenate([255 - twin, np.zeros_like(twin[..., :1])], -1)
    stored = Image.fromarray((inks if mode == "CMYK" else twin).squeeze(), mode=mode)
    assert_shows(_saved(stored, progressive=progressive), twin, more=LOSS)


def test_black_ink_of_cmyk_and_what_adobe_inverts():
    inks = picture(4)
    twin = np.asarray(Image.fromarray(inks, mode="CMYK").convert("RGB"))
    data = _saved(Image.fromarray(inks, mode="CMYK"))
    assert b"Adobe" in data
    assert_shows(data, twin, more=LOSS)


def test_rgb_without_conversion():
    twin = picture()
    data = _encoded(twin, 8, level=100, colorspace="RGB", outcolorspace="RGB")
    assert_shows(data, twin, more=LOSS)


@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits(channels):
    twin = picture(channels)
    data = _encoded(twin, 12, level=100, subsampling="444")
    assert_shows(data, twin, 12, more=LOSS)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [2, 4, 8, 10, 12, 14, 16])
def test_lossless(channels, bits):
    twin = picture(channels)
    assert_shows(_encoded(twin, bits, lossless=True), twin, bits)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, bits):
    twin = picture(1)
    data = _encoded(turned(twin, orientation), bits, level=100)
    for block in (
        exif(orientation),
        b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>%d<" % orientation,
    ):
        segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
        assert_shows(data[:2] + segment + data[2:], twin, bits, more=LOSS)


def test_exif_counts_before_xmp():
    twin = picture()
    xmp = b'<x tiff:Orientation="3"/>'
    data = _saved(Image.fromarray(turned(twin, 6)), exif=exif(6), xmp=xmp)
    assert_shows(data, twin, more=LOSS)


def test_first_picture_of_several():
    file = io.BytesIO()
    first, other = (Image.fromarray(p) for p in (picture(), 255 - picture()))
    first.save(file, "MPO", save_all=True, append_images=[other], quality=100)
    assert_shows(file.getvalue(), picture(), more=3 * LOSS)


@pytest.mark.parametrize("bits", [8, 12])
def test_refusals(bits):
    data = _encoded(picture(), bits, level=100)
    for cut in (20, len(data) // 2, len(data) - 20):
        with pytest.raises(DecodeError, match=r"(?i)truncated|header"):
            read(data[:cut])
    # The frame's marker made one of the hierarchical kinds.
    frame = re.search(rb"\xff[\xc0\xc1]\0\x11", data)
    assert frame
    changed = data[: frame.start() + 1] + b"\xc5" + data[frame.start() + 2 :]
    with pytest.raises(DecodeError, match=r"picture: expected .*, got a hierarchical"):
        read(changed)

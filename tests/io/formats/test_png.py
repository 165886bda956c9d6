"""Every layout of PNG shows what its plain 8-bit twin shows."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.helpers.image_files import (
    alpha_ramp,
    as_bits,
    assert_shows,
    exif,
    over,
    picture,
    png,
    read,
    turned,
)

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("kind", "bits"),
    [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16)],
)
def test_grey_and_colour(kind, bits, interlaced):
    twin = picture(3 if kind == RGB else 1)
    data = png(as_bits(twin, bits), bits, kind, interlaced=interlaced)
    assert_shows(data, twin, bits)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [GREY_ALPHA, RGBA])
def test_alpha(kind, bits):
    colour, alpha = picture(3 if kind == RGBA else 1), alpha_ramp()
    data = png(as_bits(np.concatenate([colour, alpha], -1), bits), bits, kind)
    assert_shows(data, over(colour, alpha), bits)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16)],
)
def test_a_transparent_colour(kind, bits):
    twin = picture(3 if kind == RGB else 1)
    stored = as_bits(twin, bits)
    key = stored[5, 7]
    data = png(
        stored, bits, kind, [(b"tRNS", struct.pack(f">{len(key)}H", *map(int, key)))]
    )
    shown = np.where((stored == key).all(-1, keepdims=True), 255, twin)
    assert (shown != twin).any()
    assert_shows(data, shown, bits)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
def test_palette(bits, transparent):
    colours = picture().reshape(-1, 3)[: 2**bits]
    indices = (np.arange(24 * 35).reshape(24, 35, 1) % len(colours)).astype(np.uint8)
    alpha = np.full(len(colours), 255, np.uint8)
    chunks = [(b"PLTE", colours.tobytes())]
    if transparent:
        alpha[:2] = 0, 100
        chunks.append((b"tRNS", alpha[:2].tobytes()))
    shown = over(colours, alpha[:, None])[indices[..., 0]]
    assert_shows(png(indices, bits, PALETTE, chunks), shown)


@pytest.mark.parametrize("where", ["before", "after", "raw", "xmp", "zip"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, where):
    twin = picture()
    block = exif(orientation)[6:]
    chunk = (b"eXIf", block)
    if where == "raw":
        text = f"\nexif\n{len(block)}\n{block.hex()}\n".encode()
        chunk = (b"tEXt", b"Raw profile type exif\0" + text)
    if where == "zip":
        text = zlib.compress(f"\nexif\n{len(block)}\n{block.hex()}\n".encode())
        chunk = (b"zTXt", b"Raw profile type exif\0\0" + text)
    if where == "xmp":
        text = f'<x tiff:Orientation="{orientation}"/>'.encode()
        chunk = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    early, late = ([], [chunk]) if where == "after" else ([chunk], [])
    data = png(turned(twin, orientation), 8, RGB, early, late=late)
    assert_shows(data, twin)


def test_damaged_metadata_does_not_matter():
    twin = picture()
    assert_shows(png(twin, 8, RGB, [(b"eXIf", b"not EXIF")]), twin)


def test_first_frame_of_an_animation(tmp_path):
    twin = picture()
    other = Image.fromarray(255 - twin)
    path = tmp_path / "a.png"
    Image.fromarray(twin).save(path, save_all=True, append_images=[other])
    np.testing.assert_array_equal(read(path.read_bytes()), twin)

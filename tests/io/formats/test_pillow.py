"""BMP and GIF show what their plain 8-bit twin shows."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.image_files import (
    alpha_ramp,
    assert_shows,
    over,
    pack,
    picture,
    read,
)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _bmp(rows: np.ndarray, width: int, bits: int, **more: Any) -> bytes:
    """A BMP file of rows of bytes, the last row first."""
    palette, masks = more.get("palette", b""), more.get("masks", b"")
    compression = 3 if masks else 0
    pad = -rows.shape[1] % 4
    body = np.pad(rows[::-1], ((0, 0), (0, pad))).tobytes()
    size = 108 if masks else 40
    colours = len(palette) // 4
    head = struct.pack(
        "<IiiHHIIiiII",
        *(size, width, len(rows), 1, bits, compression),
        *(len(body), 0, 0, colours, 0),
    )
    head = (head + masks).ljust(size, b"\0") + palette
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + body


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bmp_palette(bits):
    colours = picture().reshape(-1, 3)[: 2**bits]
    indices = np.arange(24 * 35).reshape(24, 35) % len(colours)
    rows = np.frombuffer(pack(indices, bits), np.uint8).reshape(24, -1)
    table = np.pad(colours[:, ::-1], ((0, 0), (0, 1))).tobytes()
    assert_shows(_bmp(rows, 35, bits, palette=table), colours[indices])


def test_bmp_colour():
    twin, alpha = picture(), alpha_ramp()
    bgra = np.concatenate([twin[..., ::-1], alpha], -1)
    rows = np.ascontiguousarray(bgra[..., :3]).reshape(24, -1)
    assert_shows(_bmp(rows, 35, 24), twin)
    # Without masks the fourth byte means nothing; with one it is alpha.
    assert_shows(_bmp(bgra.reshape(24, -1), 35, 32), twin)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = _bmp(bgra.reshape(24, -1), 35, 32, masks=masks)
    assert_shows(data, over(twin, alpha))


def test_bmp_of_five_bits():
    five = (picture() >> 3).astype(np.uint16)
    words = (five[..., 0] << 10) | (five[..., 1] << 5) | five[..., 2]
    rows = words.astype("<u2").view(np.uint8).reshape(24, -1)
    assert_shows(_bmp(rows, 35, 16), five * (255 / 31))


def test_gif_palette_key_colour_and_interlacing():
    image = Image.fromarray(picture()).quantize(32)
    shown = np.asarray(image.convert("RGB"))
    for interlace in (0, 1):
        assert_shows(_saved(image, "GIF", interlace=interlace), shown)
    key = int(np.asarray(image)[5, 7])
    clear = np.where((np.asarray(image) == key)[..., None], 255, shown)
    assert (clear != shown).any()
    assert_shows(_saved(image, "GIF", transparency=key), clear)


def test_grey_gif_and_its_key_colour():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert_shows(_saved(Image.fromarray(grey[..., 0]), "GIF"), grey)
    key = int(grey[5, 7, 0])
    data = _saved(Image.fromarray(grey[..., 0]), "GIF", transparency=key)
    assert_shows(data, np.where(grey == key, 255, grey))


def test_first_frame_of_an_animation():
    first, other = (
        Image.fromarray(p).quantize(32) for p in (picture(), 255 - picture())
    )
    data = _saved(first, "GIF", save_all=True, append_images=[other], disposal=2)
    np.testing.assert_array_equal(read(data), np.asarray(first.convert("RGB")))


def test_a_bmp_without_its_file_header():
    twin = picture()
    assert_shows(_saved(Image.fromarray(twin), "DIB"), twin)

"""WebP shows what its plain 8-bit twin shows."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jiqa.io.decode import DecodeError
from tests.helpers.image_files import (
    alpha_ramp,
    assert_shows,
    exif,
    over,
    picture,
    read,
    turned,
)


def _saved(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    options = {"lossless": True, "exact": True, **options}
    Image.fromarray(pixels).save(file, "WEBP", **options)
    return file.getvalue()


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("extended", [False, True])
def test_lossless(alpha, extended):
    twin = picture()
    stored = np.concatenate([twin, alpha_ramp()], -1) if alpha else twin
    data = _saved(stored, **({"exif": exif(1)} if extended else {}))
    assert data[12:16] == (b"VP8X" if extended else b"VP8L")
    assert_shows(data, over(twin, alpha_ramp()) if alpha else twin)


@pytest.mark.parametrize("alpha", [False, True])
def test_lossy_is_what_pillow_decodes(alpha):
    stored = picture()
    if alpha:
        stored = np.concatenate([stored, alpha_ramp()], -1)
    data = _saved(stored, lossless=False, quality=60)
    assert data[12:16] == (b"VP8X" if alpha else b"VP8 ")
    shown = np.asarray(Image.open(io.BytesIO(data)))
    assert_shows(data, over(shown[..., :3], shown[..., 3:]) if alpha else shown)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    twin = picture()
    stored = turned(twin, orientation)
    assert_shows(_saved(stored, exif=exif(orientation)), twin)
    text = f'<x tiff:Orientation="{orientation}"/>'
    assert_shows(_saved(stored, xmp=text.encode()), twin)


def test_first_frame_of_an_animation():
    other = Image.fromarray(255 - picture())
    data = _saved(picture(), save_all=True, append_images=[other])
    assert_shows(data, picture())
    # A frame that is smaller than the canvas lies in its corner.
    corner, other = picture()[:12, :18].copy(), Image.fromarray(picture()[12:, 17:])
    small = bytearray(_saved(corner, save_all=True, append_images=[other]))
    small[24:30] = struct.pack("<I", 34)[:3] + struct.pack("<I", 23)[:3]
    image = read(bytes(small))
    assert image.shape == (24, 35, 3)
    np.testing.assert_array_equal(image[:12, :18], corner)


def test_a_broken_header():
    data = _saved(picture())
    for broken in (data[:14], data[:12] + b"VP8Z" + data[16:], data[:24]):
        with pytest.raises(DecodeError, match="header"):
            read(broken)

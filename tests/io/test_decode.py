"""Every kind of file that a user may bring, written by the test and read back."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from jiqa.io.decode import DecodeError, peek, read_image


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)


def _agrees(path, expected):
    decoded = read_image(path)
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.dtype == expected.dtype
    assert tuple(peek(path)) == (*decoded.shape, str(decoded.dtype))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_eight_bits_lossless(tmp_path, pixels, suffix, channels):
    if (suffix, channels) == ("webp", 1):
        channels = 3  # the format has no grey
    path = tmp_path / f"a.{suffix}"
    wanted = pixels[..., :channels]
    Image.fromarray(wanted.squeeze()).save(path, lossless=True)
    _agrees(path, wanted)


def test_jpeg_is_what_pillow_decodes(tmp_path, pixels):
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(path, quality=70)
    _agrees(path, np.asarray(Image.open(path)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_every_bit(tmp_path, rng, suffix, channels):
    deep = rng.integers(0, 65536, (20, 31, channels), dtype=np.uint16)
    if channels in (2, 4):
        deep[..., -1] = 65535  # opaque
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        path.write_bytes(imagecodecs.png_encode(deep))
    else:
        kind = "minisblack" if channels < 3 else "rgb"
        extra: dict[str, Any] = (
            {"extrasamples": ["unassalpha"]} if channels in (2, 4) else {}
        )
        tifffile.imwrite(
            path, deep.squeeze(), photometric=kind, planarconfig="contig", **extra
        )
    _agrees(path, deep[..., : channels - 1] if channels in (2, 4) else deep)


def test_planar_and_compressed_tiff(tmp_path, rng):
    deep = rng.integers(0, 65536, (3, 20, 31), dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, deep, photometric="rgb", planarconfig="separate", compression="lzw"
    )
    _agrees(path, np.moveaxis(deep, 0, -1))


def test_palette_bilevel_and_first_frame(tmp_path, pixels):
    image = Image.fromarray(pixels)
    palette = image.quantize(32)
    palette.save(tmp_path / "p.png")
    _agrees(tmp_path / "p.png", np.asarray(palette.convert("RGB")))
    bilevel = image.convert("1")
    bilevel.save(tmp_path / "b.png")
    _agrees(tmp_path / "b.png", np.asarray(bilevel.convert("L"))[..., None])
    other = Image.fromarray(255 - pixels).quantize(32)
    palette.save(tmp_path / "g.gif", save_all=True, append_images=[other])
    _agrees(tmp_path / "g.gif", np.asarray(palette.convert("RGB")))


def test_alpha_is_composited_over_white(tmp_path):
    rgba = np.zeros((4, 5, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, 51  # a fifth of red 200
    Image.fromarray(rgba).save(tmp_path / "a.png")
    _agrees(
        tmp_path / "a.png",
        np.broadcast_to(np.array([244, 204, 204], np.uint8), (4, 5, 3)),
    )
    black = read_image(tmp_path / "a.png", background=0)
    assert black[0, 0].tolist() == [40, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, pixels, orientation):
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    _agrees(path, upright)


def test_broken_files_say_why(tmp_path, pixels):
    Image.fromarray(np.repeat(np.repeat(pixels, 9, 0), 9, 1)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    for name, why in {
        "cut.jpg": "truncated",
        "text.png": "not an image",
        "empty.png": "empty",
        "missing.png": "no such file",
        "float.tif": "floating-point",
    }.items():
        with pytest.raises(DecodeError, match=rf"{name}: .*{why}"):
            read_image(tmp_path / name)
    with pytest.raises(DecodeError, match="folder"):
        read_image(tmp_path)

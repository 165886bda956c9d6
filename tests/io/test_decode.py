"""What holds for files of every format; ``tests/io/formats`` has each one's table."""

from __future__ import annotations

import io
import re

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from jiqa.errors import UsageError
from jiqa.io.decode import MAX_PIXELS, SUFFIXES, DecodeError, peek, read_image
from jiqa.io.sources import Encoded
from tests.helpers.image_files import assert_shows, picture, png, read

#: Writers of a picture without loss, by the ending of the file's name.
_LOSSLESS = {
    **{".png": "PNG", ".bmp": "BMP", ".dib": "DIB", ".webp": "WEBP", ".gif": "GIF"},
    **dict.fromkeys([".tif", ".tiff"], "TIFF"),
    **dict.fromkeys([".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"], "JPEG2000"),
    **dict.fromkeys([".ppm", ".pgm", ".pbm", ".pnm"], "PPM"),
}
_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}


def _saved(suffix: str, shown: np.ndarray | None = None) -> tuple[bytes, np.ndarray]:
    """A file of a picture, and what it shows."""
    modes = {".pgm": "L", ".pbm": "1", ".gif": "P"}
    pixels = picture() if shown is None else shown
    image = Image.fromarray(pixels).convert(modes.get(suffix, "RGB"))
    file = io.BytesIO()
    if suffix in _JPEG:
        image.save(file, "JPEG", quality=100, subsampling=0)
        return file.getvalue(), np.asarray(Image.open(file))
    # Codestreams are bare, but for those in a file of the format.
    bare = suffix in (".j2k", ".j2c", ".jpc")
    options = {"lossless": True} if suffix == ".webp" else {"no_jp2": bare}
    image.save(file, _LOSSLESS[suffix], **options)
    decoded = image.convert("L" if suffix in (".pgm", ".pbm") else "RGB")
    return file.getvalue(), np.asarray(decoded).reshape(*pixels.shape[:2], -1)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_ending(tmp_path, suffix):
    data, shown = _saved(suffix)
    assert_shows(data, shown)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    np.testing.assert_array_equal(read_image(path), shown)
    assert tuple(peek(path)) == (*shown.shape, "uint8")
    # The contents count, not the name.
    path.rename(tmp_path / "a.dat")
    np.testing.assert_array_equal(read_image(tmp_path / "a.dat"), shown)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_truncated_files_are_not_read(suffix, rng):
    data, _ = _saved(suffix, rng.integers(0, 256, (24, 35, 3), dtype=np.uint8))
    for share in (0.2, 0.5, 0.9):
        with pytest.raises(DecodeError, match=r"^picture: "):
            read(data[: int(share * len(data))])


@pytest.mark.parametrize("format", ["png", "tif", "ppm", "jp2"])
def test_sixteen_bits_keep_every_bit(rng, format):
    deep = rng.integers(0, 65536, (20, 31, 3), dtype=np.uint16)
    file = io.BytesIO()
    if format == "png":
        file.write(imagecodecs.png_encode(deep))
    elif format == "tif":
        tifffile.imwrite(file, deep, photometric="rgb")
    elif format == "jp2":
        file.write(imagecodecs.jpeg2k_encode(deep, level=0, reversible=True))
    else:
        file.write(b"P6 31 20 65535\n" + deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(read(file.getvalue()), deep)


def test_alpha_is_composited_over_the_background():
    rgba = np.zeros((4, 5, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, 51  # a fifth of red 200
    data = png(rgba, 8, 6)
    assert read(data)[0, 0].tolist() == [244, 204, 204]
    assert read(data, background=0)[0, 0].tolist() == [40, 0, 0]


def test_broken_files_say_why(tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.jpg").write_bytes(_saved(".jpg")[0][:-50])
    (tmp_path / "none.ppm").write_bytes(b"P6 0 4 255\n")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    for name, why in {
        "cut.jpg": "truncated",
        "text.png": "not an image",
        "empty.png": "the file is empty",
        "missing.png": "no such file",
        "float.tif": "floating-point",
        "none.ppm": "its header says 0 x 4 pixels",
        "": "is a folder",
    }.items():
        path = tmp_path / name
        with pytest.raises(DecodeError, match=f"(?i)^{re.escape(str(path))}: .*{why}"):
            read_image(path)


def test_more_pixels_than_the_limit(monkeypatch):
    data = png(picture(1), 8, 0)
    message = (
        r"^picture: expected at most 839 pixels, got 35 x 24 = 840 "
        r"\(set the environment variable JIQA_MAX_PIXELS to read it\)$"
    )
    assert read(data, max_pixels=840).shape == (24, 35, 1)
    for function in (read_image, peek):
        with pytest.raises(DecodeError, match=message):
            function(Encoded("picture", data), max_pixels=839)
    monkeypatch.setenv("JIQA_MAX_PIXELS", "839")
    for function in (read_image, peek):
        with pytest.raises(DecodeError, match=message):
            function(Encoded("picture", data))
    assert read_image(Encoded("picture", data), max_pixels=840).shape == (24, 35, 1)
    monkeypatch.setenv("JIQA_MAX_PIXELS", "many")
    with pytest.raises(UsageError, match="JIQA_MAX_PIXELS: expected a number of pix"):
        read(data)


def test_the_default_limit(monkeypatch):
    """A header is enough: no file of this size is decoded."""
    monkeypatch.delenv("JIQA_MAX_PIXELS", raising=False)
    height = MAX_PIXELS // 20_000
    for high in (height, height + 1):
        data = b"P5 20000 %d 255\n" % high
        if high == height:
            assert peek(Encoded("picture", data)) == (height, 20_000, 1, "uint8")
            # Pillow would refuse it for its size; this is refused for want of bytes.
            with pytest.raises(DecodeError, match="truncated"):
                read_image(Encoded("picture", data))
        else:
            with pytest.raises(DecodeError, match="at most 500,000,000 pixels"):
                peek(Encoded("picture", data))


@pytest.mark.parametrize("suffix", [".png", ".gif", ".bmp", ".jpg", ".webp"])
def test_pillows_own_limit_does_not_count(suffix, monkeypatch):
    data, shown = _saved(suffix)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(read(data), shown)

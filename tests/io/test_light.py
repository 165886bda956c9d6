"""Files of linear light, written and read back, and what is wrong with others."""

from __future__ import annotations

import sys
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest

from jiqa.io.decode import DecodeError, read_image
from jiqa.io.light import peek_light, read_light


def _scene(channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.exp2(rng.uniform(-6, 9, (5, 9, channels))).astype(np.float32)


def _pfm(light: np.ndarray, order: str = "<") -> bytes:
    height, width, channels = light.shape
    kind, scale = ("PF" if channels == 3 else "Pf"), (-1.0 if order == "<" else 1.0)
    head = f"{kind}\n{width} {height}\n{scale}\n".encode()
    return head + light[::-1].astype(f"{order}f4").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pfm(tmp_path: Path, channels: int, order: str) -> None:
    path, light = tmp_path / "a.pfm", _scene(channels)
    path.write_bytes(_pfm(light, order))
    np.testing.assert_array_equal(read_light(path), light)
    assert tuple(peek_light(path)) == (5, 9, channels, "float32")


def test_radiance(tmp_path: Path) -> None:
    """To the 8 bits of the largest channel, in which the format holds all three."""
    path, light = tmp_path / "a.dat", _scene()
    path.write_bytes(imagecodecs.rgbe_encode(light))
    found = read_light(path)
    assert found.dtype == np.float32
    assert np.all(np.abs(found - light) <= light.max(-1, keepdims=True) / 128)
    assert tuple(peek_light(path)) == (5, 9, 3, "float32")


def test_openexr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, light = tmp_path / "a.exr", _scene()
    path.write_bytes(b"\x76\x2f\x31\x01")
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(DecodeError, match=r"pip install 'jiqa\[hdr\]'"):
        read_light(path)
    monkeypatch.undo()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for stored, channels in (({"RGB": light}, 3), ({"Y": light[..., 0].copy()}, 1)):
        OpenEXR.File(dict(header), stored).write(str(path))
        np.testing.assert_array_equal(read_light(path), light[..., :channels])
        assert tuple(peek_light(path)) == (5, 9, channels, "float32")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DecodeError, match="cannot be decoded"):
        read_light(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_pfm(_scene())[:-3], "truncated: 537 of 540 bytes"),
        (b"PF\n9 x", "header"),
        (_pfm(-_scene()), "finite light of 0 or more, got values from -"),
        (_pfm(_scene() * np.float32(np.nan)), "finite light of 0 or more, got NaN"),
        (imagecodecs.rgbe_encode(_scene())[:-4], "cannot be decoded"),
        (b"#?RADIANCE\n\n+Y 5 +X 9\n", r"top to bottom \(-Y \+X\), got \+Y \+X"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 5 +X 9\n", "got CIE XYZ"),
        (
            b"\x89PNG\r\n\x1a\n",
            "expected linear light in .*got another file",
        ),
        (b"", "got an empty file"),
    ],
)
def test_what_is_not_read(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.hdr"
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=message):
        read_light(path)


def test_sRGB_images_they_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.hdr"
    path.write_bytes(imagecodecs.rgbe_encode(_scene()))
    with pytest.raises(DecodeError, match="expected an sRGB image, got linear light"):
        read_image(path)
    with pytest.raises(DecodeError, match="no such file"):
        peek_light(tmp_path / "none.hdr")

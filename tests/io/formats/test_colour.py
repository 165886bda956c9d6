"""Conversions of colour against other programs', and the last steps of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jiqa.io.formats import colour
from jiqa.io.formats.header import Header
from tests.helpers.image_files import little_cms, over


def test_lab_agrees_with_little_cms_inside_and_outside_srgb():
    steps = np.arange(0, 256, 5), np.arange(0, 256, 15), np.arange(0, 256, 15)
    lab = np.stack(np.meshgrid(*steps), -1).reshape(-1, 52, 3).astype(np.uint8)
    rgb = colour.lab_to_rgb(lab / 255, peak=255) * 255
    assert np.abs(np.floor(rgb + 0.5) - little_cms(lab)).max() <= 1


def test_cmyk_is_pillows():
    inks = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 4), -1).reshape(256, 256, 4)
    image = Image.fromarray(inks.astype(np.uint8), mode="CMYK").convert("RGB")
    rgb = np.floor(colour.cmyk_to_rgb(inks / 255) * 255 + 0.5)
    np.testing.assert_array_equal(rgb, np.asarray(image))


def test_strips_of_a_large_picture_are_one_picture(rng, monkeypatch):
    pixels = rng.integers(0, 256, (40, 30, 4), dtype=np.uint8)
    header = Header(40, 30, channels=3, peak=255, alpha="straight")
    whole = colour.finish(pixels, header, 0.5)
    monkeypatch.setattr(colour, "_STRIP", 100)
    np.testing.assert_array_equal(colour.finish(pixels, header, 0.5), whole)
    shown = over(pixels[..., :3], pixels[..., 3:], 127.5)
    np.testing.assert_array_equal(whole, np.floor(shown + 0.5))


@pytest.mark.parametrize("peak", [1, 3, 15, 255, 1000, 4095, 65535])
def test_every_value_is_scaled_with_one_rounding(peak):
    values = np.arange(peak + 1, dtype=np.uint16).reshape(1, -1, 1)
    image = colour.finish(values, Header(1, peak + 1, 1, peak), 1.0)
    full = 255 if peak <= 255 else 65535
    assert image.dtype == (np.uint8 if peak <= 255 else np.uint16)
    exact = (2 * full * np.arange(peak + 1) + peak) // (2 * peak)
    np.testing.assert_array_equal(image[0, :, 0], exact)

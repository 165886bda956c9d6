"""Displays: what they emit and how large their pixels are seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jiqa.ops.display import Display


def test_light() -> None:
    display = Display(peak=200, contrast=1000, ambient=250, reflectivity=0.005)
    reflected = 250 * 0.005 / math.pi
    light = np.asarray(display.light(np.array([0.0, 0.5, 1.0])))  # pyright: ignore
    middle = 199.8 * ((0.5 + 0.055) / 1.055) ** 2.4 + 0.2 + reflected
    np.testing.assert_allclose(light, [0.2 + reflected, middle, 200 + reflected], 1e-6)


def test_density() -> None:
    """ColorVideoVDP's package prints 75.4 and 37.8 for these two."""
    assert Display().density == pytest.approx(75.4, abs=0.05)
    full_hd = Display(resolution=(1920, 1080), diagonal=24, distance=0.6)
    assert full_hd.density == pytest.approx(37.84, abs=0.05)
    assert Display(pixels_per_degree=60).density == 60
    # Turned by 90 degrees the pixels are as large.
    turned = Display(resolution=(1080, 1920), diagonal=24, distance=0.6)
    assert turned.density == pytest.approx(full_hd.density)


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="peak: expected a number above 0, got 0"):
        Display(peak=0)
    with pytest.raises(ValueError, match="ambient: expected 0 or more, got -1"):
        Display(ambient=-1)
    with pytest.raises(ValueError, match=r"resolution: expected .*, got \(0, 9\)"):
        Display(resolution=(0, 9))
    assert hash(Display(resolution=[3840, 2160])) == hash(Display())  # pyright: ignore

"""Pixel errors beside their definitions, for every way that rows are folded."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa import metrics

_MIX = np.array([0.299, 0.587, 0.114])

#: Sides that four, three, two or nothing divides, of rows or within a row.
_SIZES = [(8, 5), (5, 8), (9, 5), (5, 9), (6, 5), (5, 6), (7, 5), (1, 1), (4, 1)]


def _pair(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(sum(shape))
    return draw.uniform(size=shape), draw.uniform(size=shape)


@pytest.mark.parametrize("size", _SIZES)
def test_luma_is_that_of_every_pixel_once(size):
    x, y = _pair(2, *size, 3)
    errors = (x - y) @ _MIX
    squares, signal = (np.square(v).mean((1, 2)) for v in (errors, x @ _MIX))
    found = {
        name: np.asarray(getattr(metrics, name)(x, y, colour="luma"))
        for name in ("mse", "mae", "psnr", "snr")
    }
    np.testing.assert_allclose(found["mse"], squares, rtol=1e-5)
    np.testing.assert_allclose(found["mae"], np.abs(errors).mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found["psnr"], -10 * np.log10(squares), rtol=1e-5)
    wanted = 10 * np.log10(signal / squares)
    np.testing.assert_allclose(found["snr"], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", _SIZES)
def test_every_pixel_has_its_slope(size):
    x, y = _pair(*size, 3)
    slope = jax.grad(lambda v: metrics.mse(x, v, colour="luma"))(jnp.asarray(y))
    wanted = 2 * ((y - x) @ _MIX)[..., None] * _MIX / (size[0] * size[1])
    np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-7)

"""A-DISTS: the authors' values, and its borderline cases."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from tests.helpers.deep_cases import metric_of, noise, random_params
from tests.helpers.golden_modern import ModernRow, modern_image, modern_rows


@functools.cache
def _loaded() -> Any:
    return jiqa.load("adists")


def _check(row: ModernRow, relative: float) -> None:
    pair = (modern_image(name) for name in (row.reference, row.distorted))
    assert float(_loaded()(*pair)) == pytest.approx(row.value, rel=relative), row


_rows = pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=[] if k == 0 else [pytest.mark.slow], id=row.distorted)
        for k, row in enumerate(modern_rows("adists"))
    ],
)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 5])
def test_golden_float32(place):
    _check(modern_rows("adists")[place], 1e-4)


@_rows
def test_golden_float64(row):
    with jax.enable_x64(True):
        _check(row, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(21, 21), (41, 42)])
def test_maps_of_one_window_and_less_are_finite(size, rng):
    """In the first case the authors' deviation over the windows is not a number."""
    params, metric = random_params("adists"), metric_of("adists")

    @jax.jit
    def slopes(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.value_and_grad(lambda y: metric(params, x, y))(y)

    x, y = (jnp.asarray(noise(rng, *size, 3)) for _ in range(2))
    for other in (x, y):
        value, gradient = slopes(x, other)
        assert np.isfinite(value) and np.isfinite(gradient).all()
    assert float(slopes(x, x)[0]) == 0


@pytest.mark.slow
def test_layers_add_up(rng):
    params, metric = random_params("adists"), metric_of("adists")
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    layers = np.asarray(metric(params, x, y, output="layers"))
    assert layers.shape == (6,) and (layers > 0).all()
    assert float(metric(params, x, y)) == pytest.approx(layers.sum(), rel=1e-5)

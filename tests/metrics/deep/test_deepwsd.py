"""DeepWSD: the authors' values, and distances that follow the definition."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.metrics.deep import deepwsd as projected
from tests.helpers.deep_cases import metric_of, noise, random_params
from tests.helpers.golden_modern import modern_image, modern_rows

_slow = pytest.mark.slow


@functools.cache
def _loaded() -> Any:
    return jiqa.load("deepwsd")


def _check(group: str, relative: float, some: int) -> None:
    rows = [row for row in modern_rows("deepwsd") if row.group == group][:some]
    assert rows
    for row in rows:
        pair = (modern_image(name) for name in (row.reference, row.distorted))
        found = float(_loaded()(*pair))
        assert found == pytest.approx(row.value, rel=relative, abs=0), row


@pytest.mark.parametrize("group", ["china", pytest.param("edge", marks=_slow)])
def test_golden_float32(group):
    _check(group, 1e-4, some=2 if group == "china" else 4)


@_slow
@pytest.mark.parametrize(
    ("group", "some"), [("china", 4), ("camera", 1), ("chelsea", 1), ("edge", 4)]
)
def test_golden_float64(group, some):
    with jax.enable_x64(True):
        _check(group, 1e-6, some)


def _by_quantiles(x: np.ndarray, y: np.ndarray) -> float:
    """The definition: over all quantiles, how far apart the places are."""
    u, v = np.cumsum(x), np.cumsum(y)
    quantiles = np.sort(np.concatenate([u, v]))
    i, j = (np.minimum(np.searchsorted(k, quantiles), len(x) - 1) for k in (u, v))
    return float((np.diff(quantiles, prepend=0) * (i - j) ** 2).sum())


@pytest.mark.parametrize("count", [16, 256])
def test_the_distance_is_that_of_quantiles(count, rng):
    x, y = (np.maximum(rng.normal(0.3, 1, (count, 5)), 0) for _ in range(2))
    y[:, 1] *= 3
    y[:, 2] = 0
    y[:, 3] = x[:, 3]
    wanted = [_by_quantiles(x[:, k], y[:, k]) for k in range(5)]
    with jax.enable_x64(True):
        found = np.asarray(
            jax.jit(
                lambda x, y: projected.moved(projected.running(x), projected.running(y))
            )(x, y)
        )
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    assert found[3] == 0


def test_parts_fit_and_long_images_say_what_is_wrong(rng):
    params, metric = random_params("deepwsd"), metric_of("deepwsd")
    x, y = (jnp.asarray(noise(rng, 40, 45, 3)) for _ in range(2))
    loss = float(metric(params, x, y, output="loss"))
    layers = np.asarray(metric(params, x, y, output="layers"))
    assert layers.shape == (6,)
    assert loss == pytest.approx(layers.sum(), rel=1e-5)
    assert float(metric(params, x, y)) == pytest.approx(np.log1p(loss), rel=1e-5)
    with pytest.raises(ValueError, match="at every depth, got 40x600"):
        metric(params, *(np.zeros((40, 600, 3), np.float32),) * 2)

"""Checks of values while a program runs, as ``checked`` asks for them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import jiqa
from tests.helpers.every_metric import loaded_of

_OUTSIDE = "distorted: expected values in [0, 1], got values from"


def _error(function, *given) -> str:
    error, _ = jax.jit(checkify.checkify(function))(*given)
    return error.get() or ""


@pytest.mark.parametrize("name", ["ssim", ["mse", "gmsd"], "lpips"])
def test_values_outside_are_found_inside_programs(name, rng):
    if name == "lpips":
        known = loaded_of(name)
        metric = type(known)(
            known.members, single=True, checked=True, weights=known.weights
        )
    else:
        metric = jiqa.load(name, checked=True)
    x = jnp.asarray(rng.random((2, 40, 40, 3), np.float32))
    for outside in (2 * x, x - 0.5, x.at[1, 0, 0, 0].set(jnp.nan)):
        assert _OUTSIDE in _error(metric, x, outside)
    assert _error(metric, x, x) == ""
    assert "reference: expected" in _error(metric, 2 * x, x)
    # On values that are there, as without it.
    with pytest.raises(ValueError, match="distorted: expected values in"):
        metric(x, 2 * x)
    jax.tree.map(np.testing.assert_array_equal, metric(x, x), metric(x, x.copy()))


def test_checks_under_transformations(rng):
    metric = jiqa.load("mse", checked=True)
    x = jnp.asarray(rng.random((4, 8, 8, 1), np.float32))
    bad = x.at[2].multiply(3)

    def loss(y, x):
        return metric(x, y).mean()

    for function in (
        lambda y: jax.grad(loss)(y, x),
        lambda y: jax.value_and_grad(loss)(y, x),
        lambda y: jax.vmap(metric)(x, y),
        lambda y: jax.lax.map(lambda pair: metric(*pair), (x, y)),
        lambda y: jax.vmap(jax.grad(loss))(y, x),
        lambda y: metric.prepare(x[0])(y),
    ):
        assert _OUTSIDE in _error(function, bad)
        assert _error(function, x) == ""
    assert _error(metric, x, (x * 255).astype(jnp.uint8)) == ""


def test_a_check_cannot_be_forgotten(rng):
    """What is not wrapped is refused by JAX; without ``checked`` all passes."""
    x = rng.random((8, 8, 1), np.float32)
    with pytest.raises(ValueError, match="checkify"):
        jax.jit(jiqa.load("mse", checked=True))(x, x)
    assert np.isfinite(jax.jit(jiqa.load("mse"))(x, 2 * x))

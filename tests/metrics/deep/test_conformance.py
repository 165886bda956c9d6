"""What every metric on learned features promises."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from tests.helpers.deep_cases import (
    CASES,
    QUICK,
    identity_of,
    metric_of,
    noise,
    random_params,
)


def test_every_learned_metric_is_tried():
    # PieAPP has its own network, and test_pieapp.py, where that is narrow; quality
    # takes no reference, and has test_quality.py.
    tried = {name for name, _ in CASES.values()} | {"pieapp", "quality"}
    assert tried == set(jiqa.list_metrics(classical=False))


@pytest.fixture(
    params=[
        pytest.param(case, marks=[] if case in QUICK else [pytest.mark.slow])
        for case in CASES
        if case != "alexnet"
    ]
)
def case(request):
    return request.param


@pytest.fixture
def score(case):
    name, options = CASES[case]
    return functools.partial(metric_of(name), random_params(case), **options)


def test_identity(case, score, rng):
    for image in (noise(rng, 40, 45, 3), np.zeros((40, 45, 3), np.float32)):
        assert float(score(image, image)) == identity_of(case)


def test_symmetric_and_grey_is_three_equal_channels(case, score, rng):
    x, y = noise(rng, 40, 45, 1), noise(rng, 40, 45, 1)
    value = float(score(x, y))
    assert value != identity_of(case)
    if score.func.info.symmetric:
        np.testing.assert_allclose(score(y, x), value, rtol=1e-5)
    colour = [np.repeat(v, 3, -1) for v in (x, y)]
    np.testing.assert_allclose(score(*colour), value, rtol=1e-5)


def test_prepared_is_direct_and_batch_is_loop(score, rng):
    x, y = noise(rng, 40, 45, 3), noise(rng, 2, 2, 40, 45, 3)
    metric, params, options = score.func, score.args[0], score.keywords
    once = metric.features(params, x, **options)
    values = metric.compare(
        params, once, metric.features(params, y, **options), **options
    )
    assert values.shape == (2, 2)
    flat = y.reshape(4, 40, 45, 3)
    loop = [float(score(x, image)) for image in flat]
    np.testing.assert_allclose(values.ravel(), loop, rtol=1e-5)
    np.testing.assert_allclose(score(np.stack([x] * 4), flat), loop, rtol=1e-5)


def test_integers_are_scaled_at_the_door(score, rng):
    x, y = (rng.integers(0, 256, (40, 45, 3), np.uint8) for _ in range(2))
    wanted = score(*(v.astype(np.float32) / 255 for v in (x, y)))
    np.testing.assert_allclose(score(x, y), wanted, rtol=1e-4)


def test_gradient_is_finite(score, rng):
    gradient = jax.jit(jax.grad(lambda y, x: score(x, y)))
    random = jnp.asarray(noise(rng, 40, 45, 3))
    for x in (random, jnp.zeros_like(random), jnp.full_like(random, 0.5)):
        assert np.isfinite(gradient(x, x)).all()
        apart = gradient(1 - random, x)
        assert np.isfinite(apart).all()
        assert np.abs(apart).max() > 1e-7


def test_transparent_inside_jit_and_vmap(score, rng):
    x, y = (jnp.asarray(noise(rng, 2, 40, 45, 3)) for _ in range(2))
    wanted = score(x, y)
    np.testing.assert_allclose(jax.jit(score)(x, y), wanted, rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(score)(x, y), wanted, rtol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_taken(dtype, rng):
    x, y = (jnp.asarray(noise(rng, 40, 45, 3)).astype(dtype) for _ in range(2))
    found = metric_of("lpips")(random_params("lpips"), x, y)
    assert found.dtype == jnp.float32
    wanted = metric_of("lpips")(
        random_params("lpips"), x.astype(jnp.float32), y.astype(jnp.float32)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("case", sorted({"lpips", "cnn_iqm_gmsd", "deepsim"}))
def test_minimum_side_is_enforced_and_enough(case, rng):
    name, options = CASES[case]
    metric, params = metric_of(name), random_params(case)
    side = metric.min_side(**options)
    enough = noise(rng, side, side + 3, 3)
    assert np.isfinite(metric(params, enough, 1 - enough, **options))
    with pytest.raises(ValueError, match=f"shorter side of at least {side}"):
        metric(params, enough[:-1], enough[:-1], **options)


def test_gradient_reaches_the_parameters(rng):
    x, y = (jnp.asarray(noise(rng, 33, 33, 3)) for _ in range(2))
    lpips = metric_of("lpips")
    gradient = jax.jit(jax.grad(lambda p: lpips(p, x, y)))(random_params("lpips"))
    assert all(np.isfinite(g).all() and np.any(g != 0) for g in gradient.values())


def test_no_recompilation_on_a_second_call(rng):
    x, y = noise(rng, 33, 34, 3), noise(rng, 33, 34, 3)
    lpips: Any = metric_of("lpips")
    lpips(random_params("lpips"), x, y)
    before = lpips.compiled._cache_size()
    lpips(random_params("lpips"), y, x)
    assert lpips.compiled._cache_size() == before

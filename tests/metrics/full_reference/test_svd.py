"""The SVD measures against NumPy, and their gradients where values coincide."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import msvd, svd_projection


def _pair(rng, shape=(27, 34, 1)):
    x = rng.random(shape)
    return x, np.clip(x + 0.1 * rng.standard_normal(shape), 0, 1)


def _blocks(x, size=8):
    rows, cols = (n // size for n in x.shape[:2])
    x = 255 * x[: rows * size, : cols * size, 0]
    return x.reshape(rows, size, cols, size).swapaxes(1, 2)


def test_msvd_is_what_numpy_says(rng):
    x, y = _pair(rng)
    values = [np.linalg.svd(_blocks(z), compute_uv=False) for z in (x, y)]
    errors = np.linalg.norm(values[0] - values[1], axis=-1)
    ordered = np.sort(errors.ravel())
    assert ordered.size % 2 == 0
    half = ordered.size // 2
    middles = {"mean": np.median(errors), "lower": ordered[half - 1]}
    with jax.enable_x64(True):
        np.testing.assert_allclose(msvd(x, y, output="map"), errors, 1e-9)
        for middle, centre in (middles | {"upper": ordered[half]}).items():
            want = np.abs(errors - centre).mean()
            assert float(msvd(x, y, middle=middle)) == pytest.approx(want, rel=1e-9)
        assert msvd(x, y, output="map", partial="mirror").shape == (4, 5)


def test_projection_is_what_numpy_says(rng):
    x, y = _pair(rng)
    one, two = _blocks(x), _blocks(y)
    u, s, vt = np.linalg.svd(one)
    inner = u.swapaxes(-1, -2) @ two @ vt.swapaxes(-1, -2)
    errors = np.linalg.norm(np.diagonal(inner, axis1=-2, axis2=-1) - s, axis=-1)
    with jax.enable_x64(True):
        np.testing.assert_allclose(svd_projection(x, y, output="map"), errors, 1e-9)
        whole = svd_projection(x, y, output="map", off_diagonal=1.0)
        np.testing.assert_allclose(whole, np.linalg.norm(one - two, axis=(-2, -1)))
        # A flat reference has one singular pair of its own; the rest is arbitrary.
        flat = np.full_like(x, 0.5)
        part = svd_projection(flat, y, output="map")
        level = two.mean((-2, -1), keepdims=True)
        along = 8 * (level[..., 0, 0] - 127.5)
        rows = two - two.mean(-1, keepdims=True)
        rest = rows - rows.mean(-2, keepdims=True)
        want = np.hypot(along, np.linalg.norm(rest, axis=(-2, -1)))
        np.testing.assert_allclose(part, want, 1e-9)


@pytest.mark.parametrize("metric", [msvd, svd_projection])
def test_gradient_to_the_reference(metric, rng):
    """Through the vectors too, by differences; finite where values coincide."""
    with jax.enable_x64(True):
        x, y = (jnp.asarray(z) for z in _pair(rng, (16, 16, 1)))
        slope = jax.jit(jax.grad(lambda r, d: metric(r, d)))
        gradient = slope(x, y)
        step = 1e-6 * jnp.asarray(rng.standard_normal(x.shape))
        change = float(metric(x + step, y)) - float(metric(x - step, y))
        assert change == pytest.approx(2 * float((gradient * step).sum()), rel=1e-4)
        flat, tiles = jnp.full_like(x, 0.5), jnp.tile(jnp.eye(8), (2, 2))[..., None]
        for r in (flat, tiles, x, 0 * x):
            for d in (flat, tiles, y, r):
                assert np.all(np.isfinite(slope(r, d)))


def test_wrong_options_are_named(rng):
    x, y = _pair(rng)
    for options in ({"block": 1}, {"partial": "keep"}, {"output": "image"}):
        name = next(iter(options))
        for metric in (msvd, svd_projection):
            with pytest.raises(ValueError, match=f"{name}: expected .*, got "):
                metric(x, y, **options)  # pyright: ignore
    with pytest.raises(ValueError, match=r"middle: expected .*, got 'median'"):
        msvd(x, y, middle="median")
    with pytest.raises(ValueError, match=r"pooling: expected .*, got 'max'"):
        svd_projection(x, y, pooling="max")
    with pytest.raises(
        ValueError, match=r"off_diagonal, tolerance: expected 0 or more.*, got -1\.0"
    ):
        svd_projection(x, y, off_diagonal=-1.0)
    with pytest.raises(
        ValueError, match=r"msvd: expected .* at least 32 pixels, got 34x27"
    ):
        msvd(x, y, block=32)

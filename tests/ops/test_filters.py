"""Windows, borders and resizing against SciPy and NumPy, on what hypothesis draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from jiqa.ops.extent import Extent
from jiqa.ops.filters import Border, by_plane, correlate, inner_mean, shifted_sum
from jiqa.ops.resize import average_decimate, imresize, resize_matrix

check = settings(derandomize=True, deadline=None, max_examples=20)

#: Few shapes, so that little is compiled.
FIELDS = [(16, 17), (23, 40)]
SEEDS = st.integers(0, 2**32 - 1)
TAPS = st.lists(st.integers(-4, 4), min_size=1, max_size=8).filter(any)
MODES: dict[Border, str] = {
    "zero": "constant",
    "symmetric": "reflect",
    "reflect": "mirror",
    "replicate": "nearest",
    "circular": "wrap",
}


@check
@given(st.sampled_from(FIELDS), SEEDS, TAPS, st.sampled_from([0, 1, -1, -2]))
def test_shifted_sum_is_a_valid_correlation(shape, seed, taps, axis):
    x = np.random.default_rng(seed).random(shape)
    with jax.enable_x64(True):
        got = shifted_sum(jnp.asarray(x), taps, axis)
    want = ndimage.correlate1d(x, np.array(taps, float), axis)
    inside = np.arange(got.shape[axis]) + len(taps) // 2
    np.testing.assert_allclose(got, want.take(inside, axis), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("border", MODES)
@check
@given(st.sampled_from(FIELDS), SEEDS, TAPS, TAPS)
def test_borders_are_those_of_scipy(border, shape, seed, vertical, horizontal):
    want = x = np.random.default_rng(seed).random(shape)
    with jax.enable_x64(True):
        got = correlate(jnp.asarray(x), vertical, horizontal, border)
    for axis, taps in enumerate((vertical, horizontal)):
        # Even windows lie one sample further on than SciPy's.
        origin = len(taps) % 2 - 1
        taps = np.array(taps, float)
        want = ndimage.correlate1d(want, taps, axis, mode=MODES[border], origin=origin)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("border", ["zero", "symmetric"])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("shape", FIELDS)
def test_decimation_is_the_mean_of_each_block(shape, factor, border, rng):
    x = rng.random(shape)
    with jax.enable_x64(True):
        got = jax.jit(average_decimate, static_argnums=(1, 2))(x, factor, border)
    padded = np.pad(x, factor, "constant" if border == "zero" else "symmetric")
    rows, cols = (
        factor + factor * np.arange(-(-n // factor)) - (factor + 1) // 2 + 1
        for n in shape
    )
    want = [[padded[i : i + factor, j : j + factor].mean() for j in cols] for i in rows]
    np.testing.assert_allclose(got, want, rtol=1e-12)


@check
@given(
    st.sampled_from(FIELDS),
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.sampled_from(["bicubic", "bilinear"]),
    st.booleans(),
    st.floats(0, 1),
)
def test_resizing_keeps_constants_and_the_same_size(shape, size, method, smooth, level):
    x = np.random.default_rng(sum(size)).random(shape)
    more = {"method": method, "antialias": smooth}
    with jax.enable_x64(True):
        for same in ({"scale": 1.0}, {"size": shape}):
            got = imresize(jnp.asarray(x), **same, **more)
            assert got.shape == shape
            np.testing.assert_allclose(got, x, rtol=1e-14, atol=1e-15)
        flat = imresize(jnp.full(shape, level), size=size, **more)
    assert flat.shape == size
    np.testing.assert_allclose(flat, level, rtol=1e-13)


def test_resizing_has_the_derivative_of_the_product(rng):
    x = jnp.asarray(rng.random((2, 40, 52), np.float32))
    size = (17, 90)
    rows, cols = (
        jnp.asarray(resize_matrix(n, m, m / n, "bilinear"), jnp.float32)
        for n, m in zip(x.shape[-2:], size, strict=True)
    )

    def resized(x):
        return imresize(x, size=size, method="bilinear")

    wanted = rows @ x @ cols.T
    np.testing.assert_allclose(resized(x), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        jax.grad(lambda x: jnp.square(resized(x)).sum())(x),
        2 * rows.T @ wanted @ cols,
        rtol=1e-4,
        atol=1e-5,
    )
    tangent = jax.jvp(resized, (x,), (x,))[1]
    np.testing.assert_allclose(tangent, wanted, rtol=1e-5, atol=1e-6)


def _mean_inside(x: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Along rows: the weighted mean of what a window has inside the image."""
    radius, found = len(taps) // 2, np.zeros(x.shape)
    for j in range(x.shape[1]):
        places = [k for k in range(j - radius, j + radius + 1) if 0 <= k < x.shape[1]]
        weights = taps[np.array(places) - j + radius]
        found[:, j] = x[:, places] @ weights / weights.sum()
    return found


@pytest.mark.parametrize("padded", [False, True])
def test_inner_mean(padded, rng):
    """The window may be wider than the image."""
    x, taps = rng.random((3, 11)), np.array([0.2, 0.5, 1, 3, 4, 3, 1, 0.5, 0.2])
    want = _mean_inside(_mean_inside(x, taps).T, taps).T
    with jax.enable_x64(True):
        if not padded:
            found = inner_mean(jnp.asarray(x)[None], taps)[0]
        else:
            array = rng.random((8, 16))
            array[:3, :11] = x
            found = inner_mean(jnp.asarray(array), taps, Extent(3, 11))
            assert np.isfinite(found).all()
            found = found[:3, :11]
    np.testing.assert_allclose(found, want, rtol=1e-12)


def test_by_plane(rng):
    x = rng.random((2, 3, 5, 7))
    found = by_plane(lambda plane: plane[1:] * plane.sum(), x)
    want = x[:, :, 1:] * x.sum((-2, -1), keepdims=True)
    np.testing.assert_allclose(found, want, rtol=1e-5)

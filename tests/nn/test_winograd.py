"""Winograd's way gives the convolution, and its gradients, that XLA computes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jiqa.nn import kernel_gradients, winograd
from jiqa.nn.kernel_gradients import LearnedConv
from jiqa.nn.operations import Conv
from jiqa.nn.windows import margins

_CASES = {
    "even": ((4, 8, 12), 1),
    "odd": ((3, 9, 7), 1),
    "no margins": ((2, 8, 9), 0),
    "uneven margins": ((2, 7, 8), ((0, 1), (2, 1))),
}


def _plain(x, kernel, padding):
    return lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        margins(padding),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=lax.Precision.HIGHEST,
    )


def _draw(shape, dtype):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), dtype)


@pytest.mark.parametrize("room", [1, 2**28])
@pytest.mark.parametrize("name", _CASES)
def test_all_three_are_the_plain_ones(name, room, monkeypatch):
    monkeypatch.setattr(winograd, "_ROOM", room)  # a part an image, or all at once
    (shape, padding), around = _CASES[name], margins(_CASES[name][1])

    @jax.jit
    def plain(x, kernel, slope):
        y, back = jax.vjp(lambda x, k: _plain(x, k, padding), x, kernel)
        return y, *back(slope)

    @jax.jit
    def own(x, kernel, slope):
        return (
            winograd.convolved(x, kernel, around),
            winograd.input_gradient(slope, kernel, around),
            winograd.kernel_gradient(x, slope, around),
        )

    with jax.enable_x64():
        x, kernel = _draw((*shape, 5), "float64"), _draw((3, 3, 5, 6), "float64")
        slope = _draw(
            jax.eval_shape(lambda: _plain(x, kernel, padding)).shape, "float64"
        )
        found = own(x, kernel, slope), plain(x, kernel, slope)
        for a, b in zip(*found, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a, b, atol=1e-11)


def test_rounding_is_that_of_float32():
    x, kernel = _draw((2, 16, 16, 128), "float32"), _draw((3, 3, 128, 128), "float32")
    found = jax.jit(lambda x, k: winograd.convolved(x, k, margins(1)))(x, kernel)
    with jax.enable_x64():
        x64, kernel64 = (jnp.asarray(np.asarray(v), "float64") for v in (x, kernel))
        exact = np.asarray(_plain(x64, kernel64, 1))
    error = np.abs(np.asarray(found, np.float64) - exact).max()
    assert error < 3e-6 * np.abs(exact).max()


def test_many_images_are_few_parts(monkeypatch):
    monkeypatch.setattr(winograd, "_ROOM", 1)
    parts = winograd._parts(jnp.zeros((30, 4, 4, 2)), 3)
    assert len(parts) == 8 and parts[0] == slice(0, 4)


@pytest.mark.parametrize(
    ("conv", "shape", "is_open", "wide"),
    [
        (Conv(128), (2, 32, 32, 128), True, True),
        (Conv(128), (2, 32, 32, 64), True, False),
        (Conv(128), (1, 8, 8, 128), False, False),  # too few samples
        (Conv(128, stride=2), (2, 64, 64, 128), False, False),
        (Conv(128, 5, padding=2), (2, 32, 32, 128), False, False),
        (Conv(128, groups=128), (2, 32, 32, 128), False, False),
    ],
)
def test_it_is_taken_where_it_is_faster(conv, shape, is_open, wide):
    learned = LearnedConv.of(conv)
    x = jnp.zeros(shape)
    assert (learned.suits_winograd(x), learned.prefers_winograd(x)) == (is_open, wide)
    assert not learned.suits_winograd(x.astype(jnp.bfloat16))


@pytest.mark.parametrize("channels", [64, 128])
def test_networks_learn_by_it(channels, monkeypatch):
    monkeypatch.setattr(kernel_gradients, "_LARGE", 100)
    taken = []
    for name in ("convolved", "input_gradient", "kernel_gradient"):
        own = getattr(winograd, name)
        monkeypatch.setattr(
            winograd,
            name,
            lambda *a, own=own, name=name, **k: taken.append(name) or own(*a, **k),
        )
    conv = Conv(128)
    x = _draw((2, 9, 10, channels), "float32")
    params = {
        "kernel": _draw((3, 3, channels, 128), "float32") / 30,
        "bias": _draw((128,), "float32"),
    }

    def loss(op, x, params):
        return jnp.sin(op(params, x)).sum()

    slopes = jax.jit(jax.value_and_grad(loss, (1, 2)), static_argnums=0)
    (mine, ours), (plain, theirs) = (
        slopes(c, x, params) for c in (LearnedConv.of(conv), conv)
    )
    np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=3e-4), ours, theirs)
    # input_gradient is a convolution itself
    both = {"convolved", "input_gradient", "kernel_gradient"}
    assert set(taken) == (both if channels == 128 else {"kernel_gradient"})

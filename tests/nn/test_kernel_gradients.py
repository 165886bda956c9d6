"""Gradients of kernels part by part are those that JAX finds by itself."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.nn import kernel_gradients
from jiqa.nn.graph import Node
from jiqa.nn.kernel_gradients import LearnedConv, parts_of
from jiqa.nn.operations import Conv
from jiqa.nn.train_mode import run_training

_CASES = {
    "3x3": Conv(5),
    "strided": Conv(5, 3, stride=2),
    "7x7": Conv(4, 7, stride=2, padding=3),
    "1x7": Conv(4, (1, 7), padding=((0, 0), (3, 3))),
    "uneven margins": Conv(4, 3, stride=2, padding=((0, 1), (2, 1))),
    "no margins": Conv(4, 3, padding=0, bias=False),
    "pointwise": Conv(4, 1, padding=0),
    "pointwise strided": Conv(4, 1, stride=2, padding=0),
    "depth-wise": Conv(6, 3, groups=6),
    "depth-wise strided": Conv(6, 3, stride=2, groups=6),
    "groups": Conv(4, 3, groups=2),
}


@pytest.mark.parametrize("samples", [1, 30, 10_000])
@pytest.mark.parametrize("name", _CASES)
def test_gradients_are_the_plain_ones(name, samples, monkeypatch):
    monkeypatch.setattr(kernel_gradients, "_SAMPLES", samples)
    conv, draw = _CASES[name], np.random.default_rng(0)
    x = jnp.asarray(draw.normal(size=(4, 9, 12, 6)), jnp.float32)
    params = {
        key: jnp.asarray(draw.normal(size=shape), jnp.float32)
        for key, shape in conv.parameters(6).items()
    }

    def loss(op, params, x):
        return jnp.sin(op(params, x)).sum()

    slopes = jax.jit(jax.value_and_grad(loss, (1, 2)), static_argnums=0)
    learned = LearnedConv.of(conv)
    (mine, ours), (plain, theirs) = (slopes(op, params, x) for op in (learned, conv))
    np.testing.assert_allclose(mine, plain, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        ours,
        theirs,
    )


def test_sums_of_half_precision_are_wide():
    conv = LearnedConv(2, 3, groups=2, bias=False)
    ones = jnp.ones((8, 64, 64, 2), jnp.bfloat16)
    found = conv.kernel_gradient(ones, ones)
    # Of bfloat16 the sum would stop at 256.
    assert found.dtype == jnp.float32 and float(found[1, 1, 0, 0]) == 8 * 64 * 64
    full = LearnedConv(2, 3, bias=False).kernel_gradient(ones, ones)
    assert full.dtype == jnp.float32 and float(full[1, 1, 0, 0]) == 8 * 64 * 64


@pytest.mark.parametrize(
    ("count", "rows", "columns", "wanted"),
    [(16, 224, 224, (1, 4)), (16, 28, 28, (1, 28)), (16, 7, 7, (16, 7)), (1, 1, 1, ())],
)
def test_parts_divide_the_maps(count, rows, columns, wanted):
    images, lines = parts_of(count, rows, columns)
    assert count % images == rows % lines == 0
    assert images == 1 or lines == rows
    assert not wanted or (images, lines) == wanted


def test_networks_learn_by_them(monkeypatch):
    calls = []
    own = LearnedConv.kernel_gradient
    monkeypatch.setattr(
        LearnedConv,
        "kernel_gradient",
        lambda self, x, slope: calls.append(self.features) or own(self, x, slope),
    )
    nodes = (Node("one", Conv(3)), Node("two", Conv(2)))
    draw = np.random.default_rng(0)
    shapes = {"one": (3, 3, 3, 3), "two": (3, 3, 3, 2)}
    params = {
        f"{k}.kernel": jnp.asarray(draw.normal(size=s)) for k, s in shapes.items()
    }
    params |= {"one.bias": jnp.zeros(3), "two.bias": jnp.zeros(2)}
    images = jnp.asarray(draw.normal(size=(2, 8, 8, 3)))

    def loss(params):
        outputs, _ = run_training(nodes, params, images, ["two"])
        return jnp.square(outputs["two"]).sum()

    slopes = jax.grad(loss)(params)
    assert calls == [2, 3]
    assert all(float(jnp.abs(v).max()) > 0 for v in slopes.values())

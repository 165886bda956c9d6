"""The backbones as Flax modules: to train or to build on."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jiqa.nn import graph as layers
from jiqa.nn.flax_modules import Backbone, count
from jiqa.nn.networks import alexnet, resnet

#: Narrow enough to run many times.
NARROW = alexnet.Config((4, 6, 8, 6, 5), hidden=16, classes=7)


def test_module_and_flat_parameters_are_one(rng):
    net = Backbone(NARROW, rngs=nnx.Rngs(3))
    params = net.to_params()
    assert {k: v.shape for k, v in params.items()} == layers.shapes(NARROW.layers())
    assert count(net) == sum(v.size for v in params.values())
    again = Backbone(NARROW, params)
    images = jnp.asarray(rng.normal(size=(2, 63, 63, 3)), jnp.float32)
    taps = ["relu2", "pool5"]
    wanted = jax.jit(lambda p, x: NARROW.apply(p, x, taps))(params, images)
    graph, state = nnx.split(again)
    found = jax.jit(lambda s, x: nnx.merge(graph, s).features(x, taps))(state, images)
    for tap, value in wanted.items():
        np.testing.assert_allclose(found[tap], value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        jax.jit(lambda s, x: nnx.merge(graph, s).logits(x))(state, images),
        jax.jit(lambda p, x: NARROW.logits(p, x))(params, images),
        rtol=1e-4,
        atol=1e-5,
    )
    for key, value in again.to_params().items():
        np.testing.assert_array_equal(value, params[key])


def test_state_has_the_keys_that_weights_have_on_disk():
    net = Backbone(NARROW, rngs=nnx.Rngs(3))
    paths = [".".join(map(str, path)) for path, _ in nnx.to_flat_state(nnx.state(net))]
    assert {p.removeprefix("nodes.") for p in paths} == set(net.to_params())


def test_module_names_every_wrong_key():
    params = Backbone(NARROW, rngs=nnx.Rngs(3)).to_params()
    params["conv6.bias"] = params.pop("conv5.bias")
    params["conv1.bias"] = jnp.zeros(3)
    with pytest.raises(ValueError, match=r"missing: conv5\.bias") as caught:
        Backbone(NARROW, params)
    assert "conv6.bias" in str(caught.value)
    assert "conv1.bias: expected shape (4,), got (3,)" in str(caught.value)
    with pytest.raises(ValueError, match="expected params or rngs"):
        Backbone(NARROW)


def test_head_may_lack():
    params = Backbone(NARROW, rngs=nnx.Rngs(3)).to_params()
    trunk = {k: params[k] for k in layers.required(NARROW)}
    net = Backbone(NARROW, trunk)
    images = jnp.ones((1, 63, 63, 3))
    assert net.features(images, ["pool5"])["pool5"].shape == (1, 1, 1, 5)
    assert list(net.to_params()) == list(trunk)
    with pytest.raises(ValueError, match=r"missing: fc6\.kernel"):
        net.logits(images)


def test_module_trains():
    net = Backbone(NARROW, rngs=nnx.Rngs(3))

    def loss(module: Backbone):
        return jnp.mean(module.features(jnp.ones((1, 63, 63, 3)), ["relu5"])["relu5"])

    gradient = nnx.jit(nnx.grad(loss))(net)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))


def test_statistics_of_batches_are_not_learned():
    config = resnet.Config((1, 1, 1, 1), classes=5)
    shapes = layers.shapes(config.layers())
    net = Backbone(config, {k: np.ones(s, np.float32) for k, s in shapes.items()})
    statistics = nnx.to_flat_state(nnx.state(net, nnx.BatchStat))
    assert {path[-1] for path, _ in statistics} == {"mean", "variance"}
    assert not any(
        path[-1] in ("mean", "variance")
        for path, _ in nnx.to_flat_state(nnx.state(net, nnx.Param))
    )
    every = sum(v.size for v in net.to_params().values())
    assert count(net) + sum(v[...].size for _, v in statistics) == every

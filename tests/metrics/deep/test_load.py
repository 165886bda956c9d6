"""Metrics on learned features as ``jiqa.load`` gives them, and what they refuse."""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa import weights
from tests.helpers.deep_cases import metric_of, noise, random_params


def test_loaded_together_equals_alone(rng):
    x, y = noise(rng, 40, 45, 3), noise(rng, 3, 40, 45, 3)
    names = ["lpips", "cnn_iqm", "psnr"]
    several = jiqa.load(names)
    assert list(several.weights) == ["alexnet", "lpips-alex-v0.1"]
    values = several(np.stack([x] * 3), y)
    prepared = several.prepare(x)(y)
    for name in names:
        alone = jiqa.load(name)
        np.testing.assert_allclose(values[name], alone(np.stack([x] * 3), y), rtol=1e-5)
        np.testing.assert_allclose(prepared[name], values[name], rtol=1e-5)
        np.testing.assert_allclose(alone.prepare(x)(y[0]), values[name][0], rtol=1e-5)


def test_metrics_on_one_network_share_its_pass():
    names = ["cnn_iqm", "cnn_histogram"]

    def convolutions(*names: str) -> int:
        loaded = jiqa.load(list(names))
        image = jax.ShapeDtypeStruct((96, 96, 3), jnp.float32)
        lowered: Any = loaded._compiled.lower(loaded._params, image, image)
        return lowered.compile().as_text().count(" convolution(")

    assert convolutions(*names) == convolutions("cnn_iqm") > 0


def test_prepare_refuses(rng):
    loaded = jiqa.load("lpips")
    with pytest.raises(
        ValueError, match=r"reference: expected one image .*got shape \(2, 40"
    ):
        loaded.prepare(noise(rng, 2, 40, 45, 3))
    with pytest.raises(
        ValueError,
        match=r"distorted: expected the shape of the reference.*got shape \(40, 44",
    ):
        loaded.prepare(noise(rng, 40, 45, 3))(noise(rng, 40, 44, 3))
    with pytest.raises(TypeError, match=r"niqe\(\) takes 1 image "):
        jiqa.load("niqe").prepare(noise(rng, 200, 200, 3))
    metric, params = metric_of("lpips"), random_params("lpips")
    two, three = (metric.features(params, noise(rng, n, 40, 45, 3)) for n in (2, 3))
    with pytest.raises(
        ValueError,
        match=r"reference: expected leading shape .*3,\), got \(2,\) \(one, or",
    ):
        metric.compare(params, two, three)


def test_refusals(rng):
    params, lpips = random_params("lpips"), metric_of("lpips")
    x = noise(rng, 33, 33, 3)
    with pytest.raises(TypeError, match=r"expected parameters .*load_together"):
        lpips(cast(Any, x), x, x)
    with pytest.raises(ValueError, match=r"31 missing: conv1_1\.kernel"):
        lpips({k: v for k, v in params.items() if "kernel" in k}, x, x, net="vgg")
    with pytest.raises(
        ValueError, match=r"conv1\.bias: expected shape \(.*\), got \(3,\)"
    ):
        lpips(params | {"conv1.bias": jnp.zeros(3)}, x, x)
    with pytest.raises(ValueError, match="shorter side of at least 31"):
        lpips(params, x[:30], x[:30])
    with pytest.raises(ValueError, match="divide by 255"):
        lpips(params, x * 255, x)
    with pytest.raises(
        ValueError, match=r"expected the shape of the reference, \(32, .*got shape \(33"
    ):
        lpips(params, x[:32], x)
    for options in ({"net": "resnet"}, {"version": "1"}, {"output": "both"}):
        with pytest.raises(
            ValueError,
            match="{}: expected .*, got {!r}".format(*next(iter(options.items()))),
        ):
            lpips(params, x, x, **options)
    with pytest.raises(TypeError, match="no option size"):
        lpips(params, x, x, size=3)
    params = random_params("alexnet")
    with pytest.raises(ValueError, match=r"unknown layer 'relu9'"):
        metric_of("dfb_iqa")(params, x, x, net="alexnet", layers=("relu9",))
    with pytest.raises(
        ValueError, match=r"levels: expected whole numbers from 0 to 6, got \(9,\)"
    ):
        metric_of("cnn_histogram")(params, x, x, levels=(9,))
    with pytest.raises(
        ValueError, match=r"peak: expected a positive number or None, got -1\.0"
    ):
        metric_of("cnn_iqm")(params, x, x, peak=-1.0)


def test_weights_that_are_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path))
    with pytest.raises(weights.WeightsNotFound, match=r"vgg19\.safetensors"):
        jiqa.load("dfb_iqa", net="vgg19")

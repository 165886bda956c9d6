"""PieAPP: the network as its authors describe it, from a file as they publish it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn

import jiqa
from jiqa import weights
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.feature_spec import DeepSteps
from jiqa.core.tile_plan import bytes_needed, tile_spans
from jiqa.core.tiled import tiled
from jiqa.metrics.deep import pieapp as pairwise_preference
from jiqa.nn import pieapp
from jiqa.nn.graph import Node, run, shapes
from jiqa.registry import get_metric
from jiqa.weights import convert, parameters_of
from jiqa.weights.heads import published_keys
from weights_convert import read_source

SMALL = pieapp.Config(width=2, hidden=5)
METRIC: Any = get_metric("pieapp")
DEEP = cast(DeepSteps, METRIC.deep)


class Reference(nn.Module):
    """Five depths of eleven convolutions, and a head for each patch."""

    def __init__(self, config: pieapp.Config) -> None:
        super().__init__()
        w, sides = config.width, (32, 16, 8, 4, 2)
        widths = [3, *(w * k for k in (1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8))]
        for k in range(1, 12):
            conv = nn.Conv2d(widths[k - 1], widths[k], 3, padding=1)
            setattr(self, f"conv{k}", conv)
        seen = [widths[k] * n * n for k, n in zip((3, 5, 7, 9, 11), sides, strict=True)]
        self.fc1_score = nn.Linear(sum(seen), config.hidden)
        self.fc2_score = nn.Linear(config.hidden, 1)
        self.fc1_weight = nn.Linear(seen[-1], config.hidden)
        self.fc2_weight = nn.Linear(config.hidden, 1)
        self.ref_score_subtract = nn.Linear(1, 1)

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = []
        for k in range(1, 12):
            x = torch.relu(getattr(self, f"conv{k}")(x))
            if k >= 3 and k % 2:
                found.append(x.flatten(1))
            if k % 2 == 0:
                x = nn.functional.max_pool2d(x, 2)
        return torch.cat(found, 1), found[-1]

    def forward(
        self, reference: np.ndarray, distorted: np.ndarray, stride: int
    ) -> tuple[float, np.ndarray]:
        """The score, and the error of each patch, of RGB images in [0, 1]."""
        kind = next(self.parameters()).dtype
        pair = []
        for image in (reference, distorted):
            x = torch.from_numpy(image[..., ::-1].copy()).to(kind) * 255
            x = x.permute(2, 0, 1).unfold(1, 64, stride).unfold(2, 64, stride)
            self.grid = x.shape[1:3]
            pair.append(self.features(x.permute(1, 2, 0, 3, 4).flatten(0, 1)))
        apart, coarse = (a - b for a, b in zip(*pair, strict=True))
        error = 0.01 * self.fc2_score(torch.relu(self.fc1_score(apart)))
        error = self.ref_score_subtract(error)
        weight = self.fc2_weight(torch.relu(self.fc1_weight(coarse))) + 1e-6
        score = (error * weight).sum() / weight.sum()
        return float(score), error.reshape(self.grid).numpy()


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def _net(config: pieapp.Config) -> Reference:
    torch.manual_seed(7)
    net = Reference(config)
    # Weights as PyTorch draws them let errors vanish behind the bias.
    for value in net.parameters():
        value *= 2 if value.ndim > 1 else 0.5
    net.fc2_weight.bias.add_(1.0)
    return net


def _save(net: Reference, path: Path) -> Path:
    """As it was published: the format of PyTorch 0.3, one matrix a vector."""
    state = net.state_dict()
    key = "ref_score_subtract.weight"
    state[key] = state[key].flatten()
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def _params(config: pieapp.Config, path: Path) -> dict[str, np.ndarray]:
    node = Node(pieapp.NODE, config.by_patch(1))
    wanted = dataclasses.replace(
        weights.get_set("pieapp"), shapes=shapes([node]) | config.head()
    )
    return parameters_of(wanted, read_source(path))[0]


@pytest.fixture
def small(monkeypatch, tmp_path) -> Iterator[tuple[Reference, Any, Any]]:
    """A narrow network, the metric on it, and its parameters."""
    monkeypatch.setattr(pairwise_preference, "_NET", SMALL)
    spec: Any = DEEP.spec
    spec.cache_clear()
    net = _net(SMALL)
    yield net, METRIC, _params(SMALL, _save(net, tmp_path / "w.pth"))
    spec.cache_clear()


def _pair(rng, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.random(shape)
    return x, np.clip(x + rng.normal(0, 0.1, x.shape), 0, 1)


@pytest.mark.parametrize("stride", [27, 6])
def test_it_is_pytorchs(small, rng, stride):
    net, metric, params = small
    x, y = _pair(rng, 83, 97, 3)
    wanted, errors = net.double()(x, y, stride)
    assert errors.std() > 1e-3 * abs(errors.mean())
    with jax.enable_x64(True):
        features = [metric.features(params, v, stride=stride) for v in (x, y)]
        found = metric.compare(params, *features, stride=stride)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        apart = features[0][pieapp.NODE] - features[1][pieapp.NODE]
        judged, _ = pairwise_preference.judged(params, apart)
        np.testing.assert_allclose(judged, errors, rtol=1e-8)


def test_identical_images_have_one_score(small, rng):
    net, metric, params = small
    x, y = (v.astype(np.float32) for v in _pair(rng, 70, 91, 3))
    constants = [float(metric(params, v, v)) for v in (x, y)]
    assert constants[0] == pytest.approx(constants[1], rel=1e-6)
    hidden = torch.relu(net.fc1_score.bias)
    wanted = float(net.ref_score_subtract(0.01 * net.fc2_score(hidden)))
    assert constants[0] == pytest.approx(wanted, rel=1e-5)
    assert abs(float(metric(params, x, y)) - wanted) > 1e-4


def test_a_batch_is_its_pairs_and_grey_three_equal_channels(small, rng):
    _, metric, params = small
    x, y = (v.astype(np.float32) for v in _pair(rng, 2, 66, 92, 1))
    values = metric(params, x, y)
    assert values.shape == (2,) and values[0] != values[1]
    colour = [np.repeat(v, 3, -1) for v in (x, y)]
    np.testing.assert_allclose(metric(params, *colour), values, rtol=1e-5)
    once = metric.features(params, x[0])
    many = metric.features(params, y)
    against = metric.compare(params, once, many)
    np.testing.assert_allclose(against[0], values[0], rtol=1e-5)
    alone = metric(params, x[0], y[1])
    np.testing.assert_allclose(against[1], alone, rtol=1e-5)


def test_gradient_is_finite(small, rng):
    _, metric, params = small
    x, y = (jnp.asarray(v, jnp.float32) for v in _pair(rng, 64, 91, 3))
    gradient = jax.jit(jax.grad(lambda y, x: metric(params, x, y)))
    for image in (x, jnp.zeros_like(x)):
        assert np.isfinite(gradient(image, image)).all()
        apart = gradient(y, image)
        assert np.isfinite(apart).all() and np.abs(apart).max() > 1e-9


def test_tiles_give_the_whole_images_score(small, rng):
    _, metric, params = small
    x, y = (v.astype(np.float32) for v in _pair(rng, 200, 200, 3))
    options = DEEP.with_defaults({})
    spec, tiles = DEEP.spec(options), DEEP.tile_reduction(options)
    memory = int(1.3 * bytes_needed(spec, tiles, 200, 200))
    assert [len(v) for v in tile_spans(spec, tiles, memory, (200, 200))] == [2, 2]
    found = tiled(BoundMetric(METRIC), {"pieapp": params}, x, y, memory=memory)
    np.testing.assert_allclose(found, metric(params, x, y), rtol=1e-5)


def test_patches_share_nothing_and_end_inside(rng):
    """Each is what the network makes of it alone."""
    net = SMALL.by_patch(27)
    node = Node(pieapp.NODE, net)
    wanted = shapes([node])
    params = {k: jnp.asarray(rng.normal(0, 0.2, s), "f4") for k, s in wanted.items()}
    image = jnp.asarray(rng.random((64 + 27 + 26, 64 + 2 * 27, 3)), "f4")
    found = run([node], params, image, [pieapp.NODE])[pieapp.NODE]
    assert found.shape == (2, 3, sum(net.widths()))
    patch = image[27 : 27 + 64, 54 : 54 + 64]
    alone = run([node], params, patch, [pieapp.NODE])[pieapp.NODE]
    np.testing.assert_allclose(found[1, 2], alone[0, 0], rtol=1e-4, atol=1e-6)


def test_the_set_is_the_published_network():
    wanted = weights.get_set("pieapp")
    assert wanted.shapes["pieapp.conv11.kernel"] == (3, 3, 512, 512)
    assert wanted.shapes["pieapp.fc1_score.kernel"] == (120832, 512)
    assert wanted.published_file == "PieAPPv0.1.pth"
    with torch.device("meta"):
        state = Reference(pieapp.Config()).state_dict()
    keys = published_keys(wanted)
    assert sorted(keys.values()) == sorted(state)
    assert set(keys) == set(wanted.shapes)
    assert DEEP.spec_for().shapes == wanted.shapes
    assert METRIC.info.min_side == 64 and METRIC.info.weights == ("pieapp",)


def test_refusals(rng):
    params = {
        key: np.broadcast_to(np.float32(0), shape)
        for key, shape in DEEP.spec_for().shapes.items()
    }
    x = rng.random((63, 80, 3)).astype(np.float32)
    with pytest.raises(ValueError, match="shorter side of at least 64"):
        METRIC(params, x, x)
    for stride in (0, 2.5, True):
        with pytest.raises(
            ValueError, match=r"stride: expected a whole number of pixels, got"
        ):
            DEEP.spec_for(stride=stride)


@pytest.mark.usefixtures("own_cache")
def test_without_weights_it_says_where_to_put_them():
    with pytest.raises(weights.WeightsNotFound) as error:
        jiqa.load("pieapp")
    told = str(error.value)
    assert "pieapp.safetensors" in told
    assert "jiqa weights fetch pieapp" in told
    assert "jiqa weights convert pieapp PieAPPv0.1.pth" in told


@pytest.mark.slow
def test_from_a_published_file_to_a_score(tmp_path, rng):
    """In full width: a file of 260 MB."""
    net = _net(pieapp.Config())
    done = convert("pieapp", _save(net, tmp_path / "PieAPPv0.1.pth"), tmp_path)
    assert done.official is False and len(done.params) == 32
    metric = jiqa.load("pieapp", weights_folder=tmp_path)
    x, y = (v.astype(np.float32) for v in _pair(rng, 91, 118, 3))
    wanted, _ = net(x, y, 27)
    np.testing.assert_allclose(metric(x, y), wanted, rtol=1e-4)
    np.testing.assert_allclose(metric.prepare(x)(y), wanted, rtol=1e-4)

"""NIMA: its loss and targets against NumPy, and idealo's file under its keys."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.models import nima
from jiqa.models.model import Variables
from jiqa.models.parts import backbones
from jiqa.models.parts.maximum_entropy import maximum_entropy
from jiqa.nn.graph import required
from jiqa.weights import get_set
from jiqa.weights.safetensors_files import write

CONFIG = nima.Config(bins=5, low=0.0, high=1.0)


def _outputs(p: np.ndarray, config: nima.Config = CONFIG):
    """The head's answer where the dense layer's outputs are log p."""
    width = p.shape[1]
    params = {
        "head.bins.kernel": jnp.eye(width),
        "head.bins.bias": jnp.zeros(width),
    }
    (tap,) = backbones.taps(config.backbone, config.levels)
    rows = {tap: jnp.log(jnp.asarray(p))}
    return nima.head(config, Variables(params, {}), rows)[0]


def test_mean_and_deviation(rng):
    p = rng.dirichlet(np.ones(5), 3).astype(np.float32)
    outputs = _outputs(p)
    s = np.linspace(0, 1, 5)
    np.testing.assert_allclose(outputs["probabilities"], p, rtol=1e-4)
    np.testing.assert_allclose(outputs["score"], p @ s, rtol=1e-4)
    spread = np.sqrt(p @ s**2 - (p @ s) ** 2)
    np.testing.assert_allclose(outputs["deviation"], spread, rtol=1e-3)
    sure = _outputs(np.array([[1e-30, 1, 1e-30, 1e-30, 1e-30]], np.float32))
    np.testing.assert_allclose(sure["deviation"], 0, atol=1e-6)


@pytest.mark.parametrize("root", [True, False])
def test_loss_is_numpys(rng, root):
    config = nima.Config(bins=5, low=0.0, high=1.0, root=root)
    p, q = (rng.dirichlet(np.ones(5), 4).astype(np.float32) for _ in range(2))
    votes = (q * 50).astype(np.float32)
    votes[2] = np.nan
    batch = nima.targets(
        config, {"histogram": votes, "mask": np.array([True, True, True, False])}
    )
    total, logs = nima.loss(config, _outputs(p, config), batch)
    away = np.cumsum(p - q, 1)[:2]
    each = (away**2).mean(1)
    np.testing.assert_allclose(
        total.total, (np.sqrt(each) if root else each).sum(), rtol=1e-3
    )
    assert total.count == 2
    np.testing.assert_allclose(logs["emd"].total, np.abs(away).mean(1).sum(), rtol=1e-3)


def test_targets():
    batch = {
        "score": np.array([0.3, 1.0000001, np.nan], np.float32),
        "deviation": np.array([0.2, 0.1, 0.1], np.float32),
        "histogram": np.zeros((3, 0), np.float32),
    }
    with pytest.raises(
        ValueError, match=r'histogram: expected 5 bins, got 0 \(target="mean"'
    ):
        nima.targets(CONFIG, batch)
    for target in ("mean", "mean-deviation"):
        config = nima.Config(bins=5, low=0.0, high=1.0, target=target)
        found = nima.targets(config, batch)["histogram"]
        spread = float(batch["deviation"][0]) if target == "mean-deviation" else None
        wanted = maximum_entropy(config.values, float(batch["score"][0]), spread)
        np.testing.assert_allclose(found[0], wanted, atol=1e-6)
        np.testing.assert_array_equal(found[1], [0, 0, 0, 0, 1])
        assert np.isnan(found[2]).all()


def test_a_file_of_idealos_keys(tmp_path, rng):
    """Arrays of the set's keys and shapes come under the model's, and score."""
    wanted = get_set("nima-mobilenet")
    arrays = {
        key: np.abs(rng.normal(size=shape)).astype(np.float32) * 0.05
        for key, shape in wanted.shapes.items()
    }
    write(tmp_path / wanted.file, arrays, source="drawn", licence="none", sha256="0")
    config, variables = nima.published(tmp_path)
    assert config.padding == "around"
    assert config.resampling == "nearest"
    drawn = jax.eval_shape(lambda k: nima.init(k, config), jax.random.key(0))
    assert {k: v.shape for k, v in variables.params.items()} == {
        k: v.shape for k, v in drawn.params.items()
    }
    assert set(variables.state) == set(drawn.state)
    trunk = set(required(backbones.of(config)))
    assert {f"backbone.{k}" for k in trunk} < {*variables.params, *variables.state}
    np.testing.assert_array_equal(
        variables.params["head.bins.kernel"], arrays["nima.kernel"]
    )


def test_squash_and_middle_see_other_pixels(rng):
    image = rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    squash = nima.Config(crop=32, resize=40, resampling="nearest")
    middle = nima.Config(crop=32, resize=40, view="middle")
    assert nima.prepare(squash, image, None).shape == (32, 32, 3)
    assert {tuple(v) for v in nima.prepare(squash, image, None).reshape(-1, 3)} <= {
        tuple(v) for v in image.reshape(-1, 3)
    }
    assert (
        nima.prepare(squash, image, None) != nima.prepare(middle, image, None)
    ).any()

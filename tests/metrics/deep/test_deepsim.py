"""DeepSim through VGG-16's fully connected layers."""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import convolve2d

import jiqa
from jiqa import weights
from jiqa.core.feature_spec import DeepSteps
from jiqa.errors import UsageError
from jiqa.evaluation.run_weights import RunWeights
from jiqa.metrics.parts.feature_maps import unit_similarity
from jiqa.registry import bound_metric, get_metric
from jiqa.scoring.choose_metrics import check_options

DEEPSIM = get_metric("deepsim")
DEEP = cast(DeepSteps, DEEPSIM.deep)
CLASSIFIER = ("fc6", "relu6", "fc7", "relu7", "logits", "prob")


def _reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """SSIM as the authors write it, their window a row, the vector a column."""
    window = np.exp(-(np.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))[None]
    window /= window.sum()
    x, y = x[:, None], y[:, None]
    peak = max(np.abs(x).max(), np.abs(y).max(), 1)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2

    def mean(z: np.ndarray) -> np.ndarray:
        return convolve2d(z, window, mode="same")

    mx, my = mean(x), mean(y)
    sx, sy, sxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    top = (2 * mx * my + c1) * (2 * sxy + c2)
    return (top / ((mx**2 + my**2 + c1) * (sx + sy + c2)))[:, 0]


def test_units_are_compared_as_in_the_authors_code(rng):
    x, y = rng.normal(0, 3, 60), rng.normal(0, 3, 60)
    wanted = _reference(x, y)
    with jax.enable_x64(True):
        one, other = jnp.asarray(x), jnp.asarray(y)
        peak = jnp.maximum(jnp.abs(one).max(), jnp.abs(other).max())
        found = unit_similarity(one, other, peak)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
        same = unit_similarity(one, one, peak)
        assert np.all(np.asarray(same) == 1)


def _features(rng, spread: float) -> dict[str, np.ndarray]:
    base = np.random.default_rng(3)
    maps = {"image": (16, 16, 3), "conv1_1": (9, 8, 64)}
    shapes = maps | dict.fromkeys(CLASSIFIER, (50,))
    return {
        name: (base.normal(0, 2, shape) + rng.normal(0, spread, shape)).astype("f4")
        for name, shape in shapes.items()
    }


def _compared(rng, **options: Any) -> np.ndarray:
    chosen = DEEP.with_defaults(
        {"layers": ("conv1_1",), "classifier": True, "resize": 224, **options}
    )
    pair = (_features(rng, 0.0), _features(rng, 0.5))
    return np.asarray(DEEP.compare({}, chosen, *pair))


def test_a_vector_is_pooled_once(rng):
    seed = rng.integers(1 << 30)

    def compared(**options: Any) -> np.ndarray:
        return _compared(np.random.default_rng(seed), **options)

    again = np.random.default_rng(seed)
    one, other = _features(again, 0.0), _features(again, 0.5)
    units = {name: _reference(one[name], other[name]) for name in CLASSIFIER}
    means = [u.mean() for u in units.values()]
    layers = compared(output="layers")
    np.testing.assert_allclose(layers[1:], means, rtol=1e-4)
    np.testing.assert_allclose(compared(), layers.mean(), rtol=1e-5)
    maps = compared(output="maps")
    assert maps.shape == (64 + 6,)
    np.testing.assert_allclose(maps[:64].mean(), layers[0], rtol=1e-5)
    np.testing.assert_allclose(maps[64:], means, rtol=1e-4)
    demo = compared(output="layers", preset="official_demo")
    np.testing.assert_allclose(demo[0], maps[:64].std(ddof=1), rtol=1e-4)
    np.testing.assert_allclose(demo[1:], means, rtol=1e-4)
    lowest = compared(output="layers", pool_map="p10")
    wanted = [np.sort(u)[:5].mean() for u in units.values()]
    np.testing.assert_allclose(lowest[1:], wanted, rtol=1e-4)


def test_it_needs_the_whole_network_and_its_size():
    spec = DEEP.spec_for(classifier=True, resize=224)
    assert spec.whole and not DEEP.spec_for().whole
    assert spec.shapes["fc6.kernel"] == (512 * 7 * 7, 4096)
    assert spec.shapes["logits.bias"] == (1000,)
    assert spec.taps[-6:] == CLASSIFIER and len(spec.taps) == 37
    for options in ({"classifier": True}, {"layers": ("fc7",), "resize": 225}):
        with pytest.raises(ValueError, match=r"resize: expected 224, the side .*fc7"):
            DEEP.spec_for(**options)


def test_every_layer_of_the_authors_has_a_score():
    spec = DEEP.spec_for(classifier=True, resize=224)
    params = {
        key: jax.ShapeDtypeStruct(shape, jnp.float32)
        for key, shape in spec.shapes.items()
    }
    image = jax.ShapeDtypeStruct((40, 50, 3), jnp.float32)

    def layers(params: Any, *pair: Any) -> Any:
        options: Any = {"classifier": True, "resize": 224, "output": "layers"}
        return DEEPSIM.core(params, *pair, **options)

    assert jax.eval_shape(layers, params, image, image).shape == (37,)


@pytest.mark.usefixtures("own_cache")
def test_weights_without_a_classifier(rng):
    with pytest.raises(weights.WeightsNotFound) as error:
        jiqa.load("deepsim", classifier=True, resize=224)
    told = str(error.value)
    assert "without the network's classifier" in told
    assert "jiqa weights fetch vgg16" in told
    x = rng.random((40, 40, 3)).astype(np.float32)
    options: Any = {"classifier": True, "resize": 224}
    with pytest.raises(UsageError, match="without the network's classifier"):
        RunWeights().digests([bound_metric("deepsim", options)])
    assert list(RunWeights().digests([bound_metric("deepsim")])) == ["deepsim"]
    with pytest.raises(ValueError, match=r"whole=True.*fc6\.kernel"):
        DEEPSIM({}, x, x, **options)


def test_from_the_command_line():
    check_options([bound_metric("deepsim", {"classifier": True, "resize": 224})])
    with pytest.raises(UsageError, match="resize: expected 224"):
        check_options([bound_metric("deepsim", {"classifier": True})])

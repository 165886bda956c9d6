"""Options of metrics on learned features: declared once, handed through as one."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, cast

import jax
import jax.numpy as jnp
import pytest

import jiqa
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import DeepSteps
from jiqa.nn import NETWORKS
from jiqa.registry import get_metric


def _deep(name: str) -> DeepSteps:
    return cast(DeepSteps, get_metric(name).deep)


@pytest.mark.parametrize("name", jiqa.list_metrics(classical=False))
def test_options_are_those_of_the_signature(name):
    metric = get_metric(name)
    parameters = inspect.signature(metric).parameters
    assert tuple(parameters)[: 1 + len(metric.images)] == ("params", *metric.images)
    declared = {
        p.name: p.default for p in parameters.values() if p.kind is p.KEYWORD_ONLY
    }
    assert tuple(declared) == metric.options
    chosen = _deep(name).with_defaults({})
    assert dataclasses.asdict(chosen) == declared
    with pytest.raises(dataclasses.FrozenInstanceError):
        chosen.output = "layers"


def test_what_options_need_is_derived_once():
    deep = _deep("dfb_iqa")
    listed = deep.spec_for(net="alexnet", layers=["relu1", "relu2"])
    assert deep.spec_for(layers=("relu1", "relu2"), net="alexnet") is listed
    assert deep.spec_for() is deep.spec_for(net="vgg16", cosine="place")
    assert deep.spec_for() is not listed


def test_a_default_spelt_out_runs_the_same_program(rng):
    metric: Any = get_metric("content_loss")
    options = {"net": "alexnet", "layers": ("relu1",)}
    shapes = _deep("content_loss").spec_for(**options).shapes
    params = {k: jnp.ones(shape) / 100 for k, shape in shapes.items()}
    x = rng.random((32, 33, 3)).astype("float32")
    metric(params, x, x, **options)
    before = metric.compiled._cache_size()
    metric(params, x, x, **options, output="score")
    assert metric.compiled._cache_size() == before
    metric(params, x, x, **options, output="layers")
    assert metric.compiled._cache_size() == before + 1


def test_values_that_cannot_name_a_program_are_refused():
    with pytest.raises(
        TypeError, match=r"options: expected values that can be hashed, got .*net=\{\}"
    ):
        _deep("lpips").spec_for(net={})


def test_a_metric_is_comparing_after_features(rng):
    """What is declared has options and no body; the two steps get them as one."""
    seen = []

    def spec(options):
        seen.append(options)
        return tapped(("alexnet",), NETWORKS["alexnet"].layers(), [options.layer])

    def compare(params, options, reference, distorted):
        apart = jnp.abs(reference[options.layer] - distorted[options.layer])
        return options.factor * apart.mean()

    @deep_metric(
        compare=compare,
        spec=spec,
        title="",
        direction="lower",
        range=(0.0, 1.0),
        identity=0.0,
        symmetric=True,
        colour="rgb",
        citation="",
        fidelity="paper",
        fidelity_note="",
    )
    def distance(
        params: Any,
        reference: Any,
        distorted: Any,
        *,
        layer: str = "conv1",
        factor: float = 1.0,
    ) -> Any:
        """Mean distance of one layer."""
        ...

    x, y = (rng.random((40, 40, 3)).astype("float32") for _ in range(2))
    params = {
        "conv1.kernel": jax.random.normal(jax.random.key(0), (11, 11, 3, 64)),
        "conv1.bias": jnp.zeros(64),
    }
    once = float(distance(params, x, y))
    assert once > 0
    assert float(distance(params, x, y, factor=3.0)) == pytest.approx(3 * once)
    assert len(seen) == 2
    core = distance.core(params, jnp.asarray(x), jnp.asarray(y), factor=3.0)
    assert float(core) == pytest.approx(3 * once)

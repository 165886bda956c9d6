"""What every model promises, held for all of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.models import Model, Variables, get_model, list_models

#: Small settings, by a name that begins with the model's.
CASES: dict[str, dict[str, Any]] = {
    "cnniqa": {"kernels": 5, "hidden": 7, "patches": 3},
    "dbcnn": {"backbone": "alexnet", "scnn": "scnn_matconvnet", "crop": 64},
    "dbcnn distortion": {"step": "distortion", "crop": 32, "resize": 36},
    "qodcnn": {"widths": (4, 5), "hidden": 6, "patches": 3},
    "qodcnn effective": {
        "widths": (4,),
        "hidden": 6,
        "patches": 4,
        "step": "effective",
        "weighting": "deviation",
    },
    "qodcnn_fr": {"widths": (4, 5), "hidden": 6, "patches": 3, "weighting": "none"},
    "wadiqam": {"widths": (4, 5), "hidden": 6, "patches": 3},
    "wadiqam patchwise": {
        "widths": (4, 5),
        "hidden": 6,
        "patches": 3,
        "top": "patchwise",
    },
    "wadiqam_fr": {"widths": (4, 5), "hidden": 6, "patches": 3},
    "nima": {"backbone": "squeezenet1_1", "crop": 32, "resize": 36},
    "nima levels": {
        "backbone": "alexnet",
        "levels": "multi",
        "pooling": "mean-deviation",
        "normalise": "batch",
        "crop": 64,
        "resize": 66,
    },
    "quality": {"backbone": "alexnet", "levels": "multi", "resize": 64, "crop": 64},
    "quality grid": {
        "backbone": "squeezenet1_1",
        "levels": "multi",
        "resize": None,
        "crop": 48,
        "hidden": 0,
        "grid": 2,
        "offset": 0.4,
        "scale": 0.2,
    },
    "rank": {"backbone": "alexnet", "crop": 64},
    "rank score": {
        "backbone": "alexnet",
        "crop": 64,
        "step": "score",
        "hidden": 6,
        "pooling": "mean-deviation",
        "normalise": "layer",
        "grid": 2,
        "offset": 40.0,
        "scale": 10.0,
    },
}
CASES["selector"] = {
    "methods": str(Path(__file__).parents[1] / "helpers" / "scenario.csv"),
    "names": ("brisque", "piqe", "niqe"),
    "backbone": "squeezenet1_1",
    "hidden": (6, 5),
    "scale": 2.0,
    "crop": 32,
}
CASES["selector best"] = {**CASES["selector"], "kind": "best", "grid": 2}
SIDE = 66

#: One of each family is compiled in every run; the others' programs take a minute.
_ALWAYS = {"cnniqa", "qodcnn_fr", "rank"}
COMPILED = [
    pytest.param(name, marks=[] if name in _ALWAYS else [pytest.mark.slow])
    for name in CASES
]


def _case(name: str) -> tuple[Model, Any]:
    model = get_model(name.split()[0])
    return model, model.config_class(**CASES[name])


def _channels(model: Model) -> int:
    return 6 if model.info.kind == "full-reference" else 3


@pytest.fixture(scope="module")
def ready():
    """Models with random arrays, made once each."""
    made: dict[str, tuple[Model, Any, Variables]] = {}

    def get(name: str) -> tuple[Model, Any, Variables]:
        if name not in made:
            model, config = _case(name)
            made[name] = model, config, model.init(jax.random.key(7), config)
        return made[name]

    return get


def _images(model: Model, config: Any, rng: np.random.Generator, count: int) -> Any:
    """Training crops of noise, as the loop makes them."""
    shape = (SIDE, SIDE + 8, _channels(model))
    crops = [
        model.prepare(config, rng.integers(0, 256, shape).astype(np.uint8), rng)
        for _ in range(count)
    ]
    return jnp.asarray(np.stack(crops), jnp.float32) / 255


def _batch(rng: np.random.Generator, count: int, bins: int = 10) -> dict[str, Any]:
    return {
        "score": rng.uniform(2, 8, count).astype(np.float32),
        "deviation": rng.uniform(1, 2, count).astype(np.float32),
        "histogram": rng.dirichlet(np.ones(bins), count).astype(np.float32),
        "level": (np.arange(count) % 3).astype(np.int32),
        "reference": np.zeros(count, np.int32),
        "group": np.zeros(count, np.int32),
        "mask": np.ones(count, bool),
        "name": np.arange(count).astype(str),
    }


def test_every_model_is_tried():
    trained = {name for name in list_models() if get_model(name).fit is None}
    assert {name.split()[0] for name in CASES} == trained


@pytest.mark.parametrize(
    "name", [name for name in list_models() if get_model(name).fit is not None]
)
def test_a_fitted_model_needs_no_gradients(name, rng):
    model = get_model(name)
    (stage,) = model.stages
    config = model.options(stage, {})
    images = rng.integers(0, 256, (10, 288, 288, 3), np.uint8)
    every = [model.statistics(config, image)[0] for image in images]
    assert model.fit is not None
    variables, figures = model.fit(config, every)
    assert all(isinstance(value, int) for value in figures.values())
    shapes = jax.eval_shape(lambda key: model.init(key, config), jax.random.key(0))
    for found, drawn in zip(variables, shapes, strict=True):
        assert {k: v.shape for k, v in found.items()} == {
            k: v.shape for k, v in drawn.items()
        }
    one = jnp.asarray(images[0], jnp.float32) / 255
    assert np.isfinite(model.score(config, variables, one))
    with pytest.raises(TypeError, match="got one that is fitted"):
        model.apply(config, variables, one[None])
    with pytest.raises(TypeError, match="got one that gradients train"):
        get_model("cnniqa").statistics(None, images[0])


@pytest.mark.parametrize("name", list_models())
def test_what_it_says_of_itself(name):
    model = get_model(name)
    config = model.config_class()
    assert model.info.name == name
    assert not model.info.weights
    assert model.info.min_side == model.min_side(config)
    assert model.info.fidelity in ("authors-code", "paper", "reconstruction")
    text = json.dumps(dataclasses.asdict(config))
    assert _rebuilt(model.config_class, json.loads(text)) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.anything = 1
    documented = model.config_class.__doc__ or ""
    for field in dataclasses.fields(model.config_class):
        assert f"        {field.name}: " in documented, field.name


def _rebuilt(kind: type, values: dict[str, Any]) -> Any:
    """A configuration as a run folder would read it back."""

    def tupled(value: Any) -> Any:
        return tuple(map(tupled, value)) if isinstance(value, list) else value

    return kind(**{k: tupled(v) for k, v in values.items()})


@pytest.mark.parametrize("name", CASES)
def test_arrays(name, ready):
    model, config, variables = ready(name)
    keys = [*variables.params, *variables.state]
    assert len(keys) == len(set(keys))
    assert all(k.startswith(("backbone.", "head.")) for k in keys)
    for opening in ("backbone.", *model.companions(config)):
        wanted = opening != "backbone." or model.backbone(config) is not None
        assert any(k.startswith(opening) for k in keys) >= wanted
    again = model.init(jax.random.key(7), config)
    other = model.init(jax.random.key(8), config)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), variables, again)
    assert all(jax.tree.leaves(same))
    assert not all(
        bool((variables.params[k] == other.params[k]).all()) for k in variables.params
    )


@pytest.mark.parametrize("name", COMPILED)
def test_outputs_and_kept_features(name, ready, rng):
    model, config, variables = ready(name)
    images = _images(model, config, rng, 2)

    @jax.jit
    def both(variables, images):
        found, state = model.features(
            config, variables, images, train=False, key=None, axis=None
        )
        seen = Variables(variables.params, state)
        return (
            model.apply(config, variables, images),
            found,
            model.head(config, seen, found, train=False, key=None, axis=None),
        )

    whole, found, parts = both(variables, images)
    outputs, state = whole
    assert outputs["score"].shape == (2,)
    assert all(v.shape[0] == 2 for v in outputs.values())
    assert all(v.shape[0] == 2 for v in jax.tree.leaves(found))
    assert all(np.isfinite(v).all() for v in outputs.values())
    same = jax.tree.map(lambda a, b: bool((a == b).all()), state, variables.state)
    assert all(jax.tree.leaves(same)), "without training nothing moves"
    for key, value in outputs.items():
        np.testing.assert_allclose(parts[0][key], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", COMPILED)
def test_score_is_the_same_alone_and_in_a_batch(name, ready, rng):
    model, config, variables = ready(name)
    side = max(SIDE, model.min_side(config))
    shape = (3, side, side + 9, _channels(model))
    images = jnp.asarray(rng.random(shape), jnp.float32)

    @jax.jit
    def score(image):
        return model.score(config, variables, image)

    together = jax.jit(jax.vmap(score))(images)
    alone = [float(score(image)) for image in images]
    assert together.shape == (3,)
    assert len(set(alone)) == 3
    np.testing.assert_allclose(together, alone, rtol=2e-5, atol=2e-5)
    if _channels(model) == 3:
        grey = images[0, ..., :1]
        np.testing.assert_allclose(
            score(grey), score(jnp.repeat(grey, 3, -1)), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("name", COMPILED)
def test_gradients_are_finite_and_masks_respected(name, ready, rng):
    model, config, variables = ready(name)
    count = 4
    images, batch = _images(model, config, rng, count), _batch(rng, count)
    padded = {k: np.concatenate([v, v[:1]]) for k, v in batch.items()}
    padded["mask"][-1] = False
    for key in ("score", "deviation", "histogram"):
        padded[key][-1] = np.nan
    ready_made = [
        model.targets(config, b) if model.targets else b for b in (batch, padded)
    ]

    @jax.jit
    def step(params, images, key):
        outputs, state = model.apply(
            config, Variables(params, variables.state), images, train=True, key=key
        )
        total, logs = model.loss(config, outputs, ready_made[0])
        return total.total / total.count, (outputs, state, logs)

    (value, (outputs, state, logs)), slope = jax.value_and_grad(step, has_aux=True)(
        variables.params, images, jax.random.key(1)
    )
    assert np.isfinite(value)
    assert value > 0
    assert set(slope) == set(variables.params)
    assert all(np.isfinite(v).all() for v in slope.values())
    assert any(np.abs(v).max() > 0 for k, v in slope.items() if k.startswith("head."))
    assert set(state) == set(variables.state)
    longer = {k: jnp.concatenate([v, v[:1] + 3]) for k, v in outputs.items()}
    more, more_logs = model.loss(config, longer, ready_made[1])
    np.testing.assert_allclose(more.total / more.count, value, rtol=1e-5)
    for key in logs:
        np.testing.assert_allclose(more_logs[key].count, logs[key].count)
        np.testing.assert_allclose(more_logs[key].total, logs[key].total, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_in_half_precision_scores_and_statistics_are_single(name, ready, rng):
    model, config, variables = ready(name)
    images = _images(model, config, rng, 2).astype(jnp.bfloat16)
    params = {k: v.astype(jnp.bfloat16) for k, v in variables.params.items()}
    for train in (False, True):
        outputs, state = jax.eval_shape(
            lambda p, x, key, train=train: model.apply(
                config, Variables(p, variables.state), x, train=train, key=key
            ),
            params,
            images,
            jax.random.key(0),
        )
        assert {v.dtype for v in outputs.values()} == {np.dtype(np.float32)}
        assert all(v.dtype == np.float32 for v in state.values())
        assert {k: v.shape for k, v in state.items()} == {
            k: v.shape for k, v in variables.state.items()
        }


@pytest.mark.parametrize("name", CASES)
def test_the_fixed_view_is_fixed(name, rng):
    model, config = _case(name)
    image = rng.integers(0, 256, (SIDE, SIDE + 8, _channels(model))).astype(np.uint8)
    one, two = (model.prepare(config, image, None) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.dtype == image.dtype
    drawn = model.prepare(config, image, np.random.default_rng(3))
    assert drawn.shape == one.shape
    again = model.prepare(config, image, np.random.default_rng(3))
    np.testing.assert_array_equal(drawn, again)

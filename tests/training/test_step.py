"""One update: on one device or eight, whole or in slices, and its end in NaN."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from jiqa.training import finite_check
from jiqa.training.config import TrainingConfig
from jiqa.training.optimiser import optimiser
from jiqa.training.setup import AXIS, Setup
from jiqa.training.step import (
    averaged,
    evaluation_step,
    initial_state,
    on_mesh,
    training_step,
)
from tests.helpers import tiny_model

_FACTS: dict[str, Any] = {"model": "tiny", "data": "none", "weights": "random"}
_FAST: dict[str, Any] = {"backbone_rate": 0.02, "head_rate": 0.05}


def _setup(options: Any, config: TrainingConfig, devices: int = 1) -> Setup:
    mesh = Mesh(np.array(jax.devices()[:devices]), (AXIS,))
    return Setup(config=config, model=tiny_model.MODEL, options=options, mesh=mesh)


def batches(count: int, rows: int, *, groups: bool = False) -> list[dict]:
    """Random images whose brightness is their score; the last rows count nothing."""
    random = np.random.default_rng(3)
    found = []
    for _ in range(count):
        score = random.uniform(0, 1, rows).astype(np.float32)
        noise = random.integers(0, 100, (rows, 16, 16, 3))
        batch = {
            "image": (noise + 155 * score[:, None, None, None]).astype(np.uint8),
            "score": np.where(np.arange(rows) < rows - 3, score, np.nan),
            "mask": np.arange(rows) < rows - 3,
        }
        if groups:
            batch |= {
                "group": np.arange(rows, dtype=np.int32) // 4,
                "level": np.arange(rows, dtype=np.int32) % 4,
            }
        batch["score"] = batch["score"].astype(np.float32)
        found.append(batch)
    return found


def trained(devices: int, *, way: str = "mesh", steps: int = 4, **fields):
    """The state after a few updates, and what the last one said."""
    batch_norm = fields.pop("batch_norm", False)
    groups = fields.pop("groups", False)
    options = tiny_model.Config(batch_norm=batch_norm, ranks=groups)
    config = TrainingConfig(**{**_FACTS, **_FAST, **fields})
    rule = optimiser(config, steps_per_epoch=2, steps=steps)
    variables = tiny_model.init(jax.random.key(1), options)
    state = initial_state(variables, config, rule)
    setup = _setup(options, config, devices)
    step = training_step(setup, rule)
    every = batches(steps, 32, groups=groups)
    if way == "pmap":
        program = jax.pmap(step, axis_name=AXIS, in_axes=(None, 0), out_axes=None)
        every = [
            {k: v.reshape(devices, -1, *v.shape[1:]) for k, v in b.items()}
            for b in every
        ]
    else:
        program = on_mesh(step, setup.mesh, donate=way == "donated")
    report = None
    for batch in every:
        state, report = program(state, batch)
    return jax.device_get(state), jax.device_get(report)


def _close(one, other, tolerance: float = 1e-5) -> None:
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=tolerance),
        one,
        other,
    )


def _changed(state, but: tuple[str, ...] = ()) -> None:
    before = tiny_model.init(jax.random.key(1), tiny_model.Config()).params
    for key, value in before.items():
        if key in but:
            continue
        assert not np.allclose(state.params[key], value, atol=1e-4), key


_ON_EIGHT = """
import json, sys, jax
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_dtype_promotion", "strict")
import warnings; warnings.simplefilter("error")
sys.path.insert(0, {folder!r})
from tests.training import test_step as tests
assert len(jax.devices()) == 8
for fields in json.loads(sys.argv[1]):
    one = tests.trained(1, **fields)
    # What all scores share, no difference of two depends on.
    tests._changed(one[0], ("head.bias",) if "groups" in fields else ())
    for way in ("mesh", "donated", "pmap"):
        tests._close(one, tests.trained(8, way=way, **fields))
    print("equal:", fields)
"""


def test_one_device_equals_eight_and_pmap():
    cases = [
        {"batch_norm": True, "clip": 0.05, "optimiser": "sgd", "weight_decay": 0.01},
        {"groups": True, "ema": 0.9, "schedule": "step", "accumulation": 1},
    ]
    code = _ON_EIGHT.format(folder=str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(cases)],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal:") == len(cases)


@pytest.mark.parametrize("rule", ["sgd", "adam", "adamw"])
def test_parts_add_up_to_the_whole(rule):
    whole = trained(1, optimiser=rule, weight_decay=0.1)
    _close(whole, trained(1, optimiser=rule, weight_decay=0.1, accumulation=4))
    _changed(whole[0])


def test_a_first_update_of_sgd_is_the_gradient_by_hand():
    """Rows that count nothing weigh nothing; each part of the model has its rate."""
    options = tiny_model.Config()
    before = tiny_model.init(jax.random.key(1), options)
    (batch,) = batches(1, 32)
    kept = {k: jnp.asarray(v[:29]) for k, v in batch.items()}

    def loss(params):
        images = kept["image"].astype(jnp.float32) / 255
        variables = tiny_model.Variables(params, {})
        outputs, _ = tiny_model.MODEL.apply(options, variables, images)
        return ((outputs["score"] - kept["score"]) ** 2).mean()

    value, slopes = jax.value_and_grad(loss)(dict(before.params))
    state, report = trained(1, steps=1, optimiser="sgd")
    assert report.loss.count == 29
    np.testing.assert_allclose(report.loss.total / 29, value, rtol=1e-5)
    for key, slope in slopes.items():
        rate = 0.02 if key.startswith("backbone.") else 0.05
        expected = before.params[key] - rate * slope
        np.testing.assert_allclose(state.params[key], expected, atol=1e-6)


def test_a_frozen_backbone_stays_and_its_features_may_come_from_before():
    fields: dict[str, Any] = {"frozen": True, "optimiser": "sgd"}
    state, _ = trained(1, **fields)
    options = tiny_model.Config()
    before = tiny_model.init(jax.random.key(1), options)
    for key, value in before.params.items():
        same = np.array_equal(state.params[key], value)
        assert same == key.startswith("backbone."), key
    config = TrainingConfig(**{**_FACTS, **_FAST, **fields})
    rule = optimiser(config, steps_per_epoch=2, steps=4)
    setup = _setup(options, config)
    program = on_mesh(training_step(setup, rule), setup.mesh)
    kept = initial_state(before, config, rule)
    for batch in batches(4, 32):
        images = jnp.asarray(batch.pop("image")).astype(jnp.float32) / 255
        found, _ = tiny_model.features(
            options, before, images, train=False, key=None, axis=None
        )
        kept, _ = program(kept, {**batch, "features": found})
    _close(state, jax.device_get(kept), 1e-6)


@pytest.mark.slow
def test_half_precision_moves_little_and_keeps_float32():
    full, half = trained(1), trained(1, bfloat16=True, batch_norm=False)
    assert {v.dtype for v in half[0].params.values()} == {np.dtype(np.float32)}
    _close(full[0].params, half[0].params, 0.05)
    assert not np.array_equal(
        full[0].params["head.kernel"], half[0].params["head.kernel"]
    )
    statistics = trained(1, bfloat16=True, batch_norm=True)[0].stats
    assert {v.dtype for v in statistics.values()} == {np.dtype(np.float32)}


@pytest.mark.slow
def test_the_mean_of_the_parameters_lags_behind():
    state, _ = trained(1, ema=0.99, optimiser="sgd")
    before = tiny_model.init(jax.random.key(1), tiny_model.Config()).params
    params = averaged(state).params
    key = "head.kernel"
    moved = np.abs(state.params[key] - before[key]).max()
    assert 0 < np.abs(params[key] - before[key]).max() < moved


def test_evaluation_gives_a_score_to_every_row():
    options = tiny_model.Config(batch_norm=True)
    config = TrainingConfig(**_FACTS)
    variables = tiny_model.init(jax.random.key(1), options)
    (batch,) = batches(1, 32)
    setup = _setup(options, config)
    scores, sums = on_mesh(evaluation_step(setup), setup.mesh)(variables, batch)
    one = jnp.asarray(batch["image"][5]).astype(jnp.float32) / 255
    alone = tiny_model.score(options, variables, one)
    np.testing.assert_allclose(scores[5], alone, rtol=1e-5)
    assert scores.shape == (32,) and set(sums) == {"loss", "mae"}
    assert sums["loss"].count == sums["mae"].count == 29


def test_what_is_not_finite_is_named():
    options, config = tiny_model.Config(), TrainingConfig(**_FACTS)
    rule = optimiser(config, 1, 1)
    variables = tiny_model.init(jax.random.key(1), options)
    (batch,) = batches(1, 32)
    batch["score"][4] = np.nan
    setup = _setup(options, config)
    program = on_mesh(training_step(setup, rule), setup.mesh)
    state = initial_state(variables, config, rule)
    after, report = program(state, batch)
    with pytest.raises(finite_check.NotFinite) as end:
        finite_check.check(7, report, ["a.png", "", "b.png"])
    said = str(end.value)
    assert "step 7: loss, mae not finite; gradients of backbone.one.bias" in said
    assert "and 2 more; images a.png, b.png" in said and "parameters" not in said
    batch["score"][4] = 0.5
    with pytest.raises(finite_check.NotFinite, match=r"parameters backbone.one.bias, "):
        finite_check.check(8, program(after, batch)[1])
    figures = finite_check.check(1, program(state, batch)[1])
    assert set(figures) == {"loss", "mae", "norm"}

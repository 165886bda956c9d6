"""Runs of the loop: what is in their folders, killed and resumed, stopped early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jiqa.progress import silent
from jiqa.training.checkpoints import Checkpoints
from jiqa.training.config import TrainingConfig, read_config
from jiqa.training.finite_check import NotFinite
from jiqa.training.log import read_log
from jiqa.training.run import train_config
from jiqa.training.run_data import open_sources
from jiqa.weights import read
from tests.helpers import tiny_model

_FACTS: dict[str, Any] = {
    "model": "tiny",
    "model_config": {"batch_norm": True, "dropout": 0.2},
    "weights": "random",
    "hold_out": 0.25,
    "divisions": 0,
    "baseline": "",
    "backbone_rate": 0.01,
    "head_rate": 0.02,
    "batch_size": 4,
    "epochs": 5,
    "ema": 0.5,
}


pytestmark = pytest.mark.usefixtures("tiny")


def _config(material: Path, **fields: Any) -> TrainingConfig:
    data = str(material / "rated" / "scores.csv")
    return TrainingConfig(**{**_FACTS, "data": data, **fields})


def _train(config: TrainingConfig, material: Path, folder: Path, **given: Any):
    return train_config(
        config,
        folder,
        data_dir=material / "prepared",
        features_folder=material / "features",
        **given,
    )


@pytest.fixture(scope="module")
def whole(material, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with tiny_model.registered():
        _train(_config(material), material, folder / "run")
    return folder / "run"


def _lines(folder: Path) -> list[dict]:
    lines = read_log(folder)
    for line in lines:
        line.pop("seconds", None)
    return lines


def _same_arrays(one: Path, other: Path) -> None:
    first, second = (read(p / "model.safetensors")[0] for p in (one, other))
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)


def test_a_run_leaves_all_that_decides_it(whole, material):
    names = {p.name for p in whole.iterdir()}
    files = {"config.json", "run.json", "log.jsonl", "curves.png", "model.safetensors"}
    files |= {"images.csv", "predictions.csv", "baselines.json"}
    assert names == files | {"checkpoints", "tensorboard"}
    assert read_config(whole) == _config(material, frozen=False, accumulation=1)
    facts = json.loads((whole / "run.json").read_text())
    assert facts["data"]["training"]["images"] == 18
    assert facts["data"]["validation"]["images"] == 6
    assert (
        len(facts["start"]["sha256"])
        == 64
        == len(facts["data"]["training"]["fingerprint"])
    )
    assert facts["score"]["scale"]["high"] == 100 and "optax" in facts["versions"]
    assert next((whole / "tensorboard").iterdir()).stat().st_size > 500
    assert (whole / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_it_learns_what_it_is_shown(whole):
    lines = _lines(whole)
    training = [x for x in lines if x["kind"] == "training"]
    validation = [x for x in lines if x["kind"] == "validation"]
    assert [x["step"] for x in training] == list(range(1, 21))
    assert [x["step"] for x in validation] == [4, 8, 12, 16, 20]
    assert validation[-1]["loss"] < validation[0]["loss"]
    assert max(x["srcc"] for x in validation) > 0.8


def test_the_best_and_the_last_checkpoint_stay(whole):
    validation = [x for x in _lines(whole) if x["kind"] == "validation"]
    figures = [x["srcc"] for x in validation]
    best = validation[int(np.argmax(figures))]["step"]
    with Checkpoints(whole / "checkpoints") as found:
        assert found.steps == sorted({best, 20})
    source = read(whole / "model.safetensors")[1]["source"]
    assert f"update {best};" in source


_KILLED = """
import sys, warnings
warnings.simplefilter("error")
# As in pyproject.toml: tensorflow-datasets with protobuf 6.
warnings.filterwarnings("ignore", "label", DeprecationWarning)
sys.path.insert(0, {tests!r})
from tests.helpers import tiny_model
tiny_model.register()
import contextlib, time
from pathlib import Path
from tests.training import test_loop as tests

@contextlib.contextmanager
def slowly(*_):
    # So that a busy machine, too, kills it before its end.
    yield lambda: time.sleep(0.1)

material = Path({material!r})
folder = Path({folder!r})
tests._train(tests._config(material), material, folder, progress=slowly)
"""


def test_killed_and_resumed_it_ends_the_same_to_the_bit(material, whole, tmp_path):
    folder = tmp_path / "run"
    code = _KILLED.format(
        tests=str(Path(__file__).parents[2]), material=str(material), folder=str(folder)
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        # In the middle of the third epoch, with the second one's checkpoint written.
        while running.poll() is None and not _is_past(folder, 9):
            time.sleep(0.001)
        running.send_signal(signal.SIGKILL)
    finally:
        said = running.communicate()[0]
    assert running.returncode == -signal.SIGKILL, said
    before = len(read_log(folder))
    assert before < 25
    config = _config(material)
    with pytest.raises(ValueError, match="add --resume"):
        _train(config, material, folder)
    with pytest.raises(ValueError, match=r"started with head_rate 0\.02, not 0\.1"):
        other = _config(material, head_rate=0.1)
        _train(other, material, folder, resume=True)
    finished = _train(config, material, folder, resume=True)
    assert finished.steps == 20
    assert _lines(folder) == _lines(whole)
    _same_arrays(folder, whole)
    # Once more: there is nothing left to do, and nothing changes.
    _train(config, material, folder, resume=True)
    assert _lines(folder) == _lines(whole)
    _same_arrays(folder, whole)


def _is_past(folder: Path, step: int) -> bool:
    there = [
        p.name for p in (folder / "checkpoints").glob("[0-9]*") if p.name.isdigit()
    ]
    lines = read_log(folder) if there else []
    return bool(lines) and lines[-1]["step"] >= step


@pytest.mark.slow
def test_it_stops_when_nothing_gets_better(material, tmp_path):
    rates = {"backbone_rate": 0.0, "head_rate": 0.0}
    config = _config(material, patience=2, epochs=30, model_config={}, **rates)
    finished = _train(config, material, tmp_path / "run")
    # The first validation is the best: two more, and it ends.
    assert (finished.steps, finished.best) == (12, 4)


@pytest.mark.slow
def test_levels_are_ranked(material, tmp_path):
    config = _config(
        material,
        data=str(material / "ladder"),
        stage="ranks",
        validation="",
        batch_size=5,
        steps=60,
        epochs=1,
        head_rate=0.05,
        model_config={},
    )
    sources = open_sources(config, material / "prepared")
    mine, theirs = (
        {e.reference for e in s.entries} for s in (sources.training, sources.validation)
    )
    assert len(mine) == 4 and len(theirs) == 2 and not mine & theirs
    finished = _train(config, material, tmp_path / "run")
    assert finished.figures["ordered"] > 0.8
    # Ranking comes first, scores later: the arrays go on from there.
    after = _config(
        material, weights=f"run:{tmp_path / 'run'}", model_config={}, epochs=1
    )
    _train(after, material, tmp_path / "after")
    facts = json.loads((tmp_path / "after" / "run.json").read_text())
    begun = read(tmp_path / "run" / "model.safetensors")[1]
    assert facts["start"]["sha256"] == begun["fingerprint"]


@pytest.mark.slow
def test_a_frozen_backbone_is_seen_once(material, tmp_path, monkeypatch):
    fields: dict[str, Any] = {"frozen": True, "model_config": {}, "head_rate": 0.05}
    seen: list[int] = []

    def bar(what: str, total: int, start: int = 0):
        if what == "features":
            seen.append(total - start)
        return silent()

    config = _config(material, **fields)
    _train(config, material, tmp_path / "one", progress=bar)
    _train(config, material, tmp_path / "two", progress=bar)
    assert seen == [3, 1]  # training and validation, eight images at a time
    _same_arrays(tmp_path / "one", tmp_path / "two")
    params = read(tmp_path / "one" / "model.safetensors")[0]
    start = tiny_model.init
    import jax

    drawn = jax.jit(lambda key: start(key, tiny_model.Config()))(jax.random.key(0))
    key = "backbone.one.kernel"
    np.testing.assert_array_equal(params[key], drawn.params[key])
    assert not np.array_equal(params["head.kernel"], drawn.params["head.kernel"])


def test_numbers_that_are_none_end_the_run(material, tmp_path):
    config = _config(material, optimiser="sgd", backbone_rate=1e30, head_rate=1e30)
    with pytest.raises(NotFinite, match=r"step \d: .*; images \d\d.png"):
        _train(config, material, tmp_path / "run")


def test_without_a_checkpoint_it_begins_anew_with_other_settings(material, tmp_path):
    said: list[str] = []
    wild = {"optimiser": "sgd", "backbone_rate": 1e30, "head_rate": 1e30}
    with pytest.raises(NotFinite):
        _train(_config(material, **wild), material, tmp_path / "run")
    assert (
        read_log(tmp_path / "run") and not (tmp_path / "run/model.safetensors").exists()
    )
    tame = _config(material, epochs=1)
    finished = _train(tame, material, tmp_path / "run", resume=True, say=said.append)
    assert finished.steps == 4 and read_config(tmp_path / "run").head_rate == 0.02
    assert [x["step"] for x in read_log(tmp_path / "run")] == [1, 2, 3, 4, 4]
    assert said[0] == "learning from 18 images (table/scores (75%))"
    assert said[1] == "validating on 6 images (table/scores (25%))"
    assert said[3].startswith("an update takes 4 images, about ")
    # What it decided by itself it does not decide anew.
    config = read_config(tmp_path / "run")
    assert (config.accumulation, config.frozen) == (1, False)
    with pytest.raises(ValueError, match="accumulation 1, not 2"):
        _train(
            _config(material, epochs=1, accumulation=2),
            material,
            tmp_path / "run",
            resume=True,
        )
    _train(tame, material, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"validation": "DATA:test"}, "a test split must not decide"),
        ({"validation": "DATA"}, "share .* pictures"),
        ({"stage": "ranks"}, "none of 24 images has levels of distortion"),
        ({"stage": "kinds"}, "none of 24 images has kinds and levels"),
        (
            {"batch_size": 6, "accumulation": 4},
            "batch_size: expected a multiple of 4,.*got 6",
        ),
        ({"weights": "imagenet"}, "tiny has no published backbone"),
        ({"model_config": {"wide": 3}}, "unexpected keyword argument 'wide'"),
    ],
)
def test_what_cannot_be_is_told(fields, said, material, tmp_path):
    data = str(material / "rated" / "scores.csv")
    fields = {
        k: v.replace("DATA", data) if isinstance(v, str) else v
        for k, v in fields.items()
    }
    with pytest.raises(ValueError, match=said):
        _train(_config(material, **fields), material, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()

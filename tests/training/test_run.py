"""Training from Python: ``jiqa.train``, what it gives back, what it refuses."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import jiqa
from jiqa.io.decode import read_image
from jiqa.training import Trained, open_run, read_config, read_log
from jiqa.weights import read
from tests.helpers import tiny_model, training_data

_SETTINGS: dict[str, Any] = {
    "weights": "random",
    "hold_out": 0.25,
    "divisions": 0,
    "baseline": "",
    "backbone_rate": 0.01,
    "head_rate": 0.05,
    "batch_size": 4,
    "epochs": 4,
    "seed": 3,
}


pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return training_data.rated(tmp_path_factory.mktemp("rated") / "in")


def _train(table: Path, workdir: Path, **given: Any) -> Trained:
    data_dir = table.parents[1] / "prepared"
    given = {**_SETTINGS, **given}
    return jiqa.train("tiny", table, workdir=workdir, data_dir=data_dir, **given)


def test_a_notebook_trains_and_scores(table, tmp_path, capfd):
    steps: dict[str, int] = {}

    @contextlib.contextmanager
    def bar(what: str, total: int, start: int = 0) -> Iterator[Any]:
        def advance() -> None:
            steps[what] = steps.get(what, start) + 1

        yield advance
        assert steps[what] == total

    trained = _train(
        table, tmp_path / "run", model_config={"width": 3}, progress=bar, ema=0.2
    )
    assert steps == {"training": 16}
    assert trained.folder == tmp_path / "run" and trained.steps == 16
    config = read_config(trained.folder)
    assert (config.stage, config.seed, config.ema) == ("scores", 3, 0.2)
    assert config.model_config == {"width": 3}
    # The figures are those of the update whose arrays are kept.
    lines = [x for x in read_log(trained.folder) if x["kind"] == "validation"]
    (kept,) = (x for x in lines if x["step"] == trained.best)
    assert {"step": trained.best, "kind": "validation", **trained.figures} == kept
    assert trained.figures["srcc"] == max(x["srcc"] for x in lines)
    source = read(trained.folder / "model.safetensors")[1]["source"]
    assert f"update {trained.best};" in source
    image = read_image(table.parent / "images" / "07.png")
    metric = trained.load()
    assert metric.info.name == trained.name == f"run:{trained.folder}"
    np.testing.assert_array_equal(metric(image), jiqa.load(trained.name)(image))
    assert open_run(trained.folder).model is tiny_model.MODEL
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_run_goes_on_from_python(table, tmp_path):
    class Stopped(Exception):
        """As a notebook's cell is interrupted."""

    @contextlib.contextmanager
    def broken_off(what: str, total: int, start: int = 0) -> Iterator[Any]:
        left = iter(range(12))

        def advance() -> None:
            if next(left, None) is None:
                raise Stopped

        yield advance

    whole = _train(table, tmp_path / "whole")
    with pytest.raises(Stopped):
        _train(table, tmp_path / "parts", progress=broken_off)
    with pytest.raises(ValueError, match="already holds a run"):
        _train(table, tmp_path / "parts")
    parts = _train(table, tmp_path / "parts", resume=True)
    assert (parts.steps, parts.best) == (whole.steps, whole.best)
    assert parts.figures == whole.figures
    one, two = (read(x.folder / "model.safetensors")[0] for x in (whole, parts))
    for key, value in one.items():
        np.testing.assert_array_equal(value, two[key], err_msg=key)


def test_figures_on_a_test_split_are_kept(tmp_path):
    for name, seed in (("one", 0), ("two", 1)):
        training_data.ladder(tmp_path / name, count=4 + seed)
    for picture in (tmp_path / "two").rglob("pristine.png"):
        pixels = read_image(picture)  # other photographs than those of the first
        training_data.Image.fromarray(pixels[::-1]).save(picture)
    trained = jiqa.train(
        "tiny",
        tmp_path / "one",
        workdir=tmp_path / "run",
        data_dir=tmp_path / "prepared",
        test=str(tmp_path / "two"),
        model_config={"ranks": True},
        **{**_SETTINGS, "hold_out": 0.5, "epochs": 1},
    )
    assert read_config(trained.folder).stage == "ranks"
    assert trained.test is not None
    found = json.loads((trained.folder / "test.json").read_text())
    assert found["ordered"] == trained.test.ordered
    assert set(trained.test.ordered) == {"made/noise", "made/darkness"}
    assert found["all"]["ordered"] == trained.test.all["ordered"]


def test_a_test_split_is_evaluated(table, tmp_path):
    other = training_data.rated(tmp_path / "other", 10, seed=9)
    trained = _train(table, tmp_path / "run", test=str(other), epochs=1)
    assert trained.test is None and trained.evaluation is not None
    overall = next(r for r in trained.evaluation.summary if r["distortion"] == "all")
    assert (overall["n"], overall["metric"]) == (10, trained.name)
    names = {p.name for p in (trained.folder / "evaluation").iterdir()}
    assert {"rows.parquet", "summary.json", "run.json"} <= names


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epoch": 3}, "unknown setting 'epoch'; did you mean epochs?"),
        ({"model_config": {"wide": 3}}, "unexpected keyword argument 'wide'"),
        ({"stage": "levels"}, "stage: expected 'scores', 'ranks'"),
        ({"stage": "photographs"}, "is fitted in one pass, and takes no"),
        ({"epochs": 0}, "epochs: expected 1 or more, got 0"),
    ],
)
def test_wrong_settings_are_told(given, said, table, tmp_path):
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        _train(table, tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_names_of_the_package_are_reachable():
    for name in jiqa.training.__all__:
        assert getattr(jiqa.training, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'trane'"):
        jiqa.training.trane  # noqa: B018


def test_one_program_scores_photographs_of_all_sizes(tmp_path, rng):
    """A run is compiled once for a folder whose images have different sizes."""
    trained = jiqa.train(
        "cnniqa",
        training_data.rated(tmp_path / "in", size=(40, 48)),
        workdir=tmp_path / "run",
        data_dir=tmp_path / "prepared",
        **{**_SETTINGS, "epochs": 1},
        model_config={"kernels": 4, "hidden": 5, "patches": 2},
    )
    sizes = ((64, 60), (40, 64), (57, 33))
    images = [rng.random((*size, 3)).astype(np.float32) for size in sizes]
    padded, exact = jiqa.load(trained.name, sizes="any"), trained.load()
    with jax.log_compiles(), _counted() as compiled:
        found = padded(images)
    assert compiled.count("program") == 1
    want = [float(exact(image)) for image in images]
    np.testing.assert_allclose(found, want, rtol=1e-5)


@contextlib.contextmanager
def _counted() -> Iterator[list[str]]:
    """The names of what JAX compiles."""
    names: list[str] = []

    class Names(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if match := re.search(r"Compiling jit\((\w+)\)", record.getMessage()):
                names.append(match[1])

    logger, handler = logging.getLogger("jax._src.interpreters.pxla"), Names()
    logger.addHandler(handler)
    try:
        yield names
    finally:
        logger.removeHandler(handler)

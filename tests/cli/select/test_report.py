"""``jiqa select report`` of a network that chooses among methods."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jax import export

import jiqa
from jiqa import metrics
from jiqa.cli import main
from jiqa.core.bound_metric import BoundMetric
from jiqa.io.decode import read_image
from jiqa.models.parts.method_table import read_method_table
from jiqa.selectors.forest_selector import open_selector
from jiqa.selectors.learning import reported
from jiqa.selectors.network_selector import RunSelector
from jiqa.selectors.scenario import Scenario
from jiqa.selectors.score_mapping import Curves
from jiqa.training.export import export_program
from tests.helpers.choices import choices
from tests.helpers.selector_data import TOYS, photographs, toys_are_known


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _column(name: str, options: dict[str, Any] | None = None) -> BoundMetric:
    """A column of a metric that nobody computes here."""
    metric: Any = SimpleNamespace(info=SimpleNamespace(name=name))
    return BoundMetric(metric, options or {})


def test_a_choice_stands_whatever_the_methods_say():
    columns = (
        _column("a"),
        _column("b", {"x": 2}),
        _column("run:r", {"output": "choice"}),
    )
    curves = Curves(
        np.array([[0.0, 0, 0, 1, 0], [0, 0, 0, 10, 1]]), np.zeros(2), np.ones(2), ()
    )
    found = RunSelector("known", ("A", "B"), columns, curves, np.arange(2), "higher")
    assert found.metrics == ("a", "b", "run:r")
    raw = np.array([[1, 0.5, 1], [0, 1.0, 0], [1, np.nan, 1], [1, 1, np.nan]])
    names = tuple(f"{k}.png" for k in range(4))
    labels = ("run:r(output=choice)", "b(x=2)", "a")
    there = Scenario(names, names, ("",) * 4, labels, raw[:, ::-1], np.arange(4.0))
    scenario = found.check(there)
    assert scenario.methods == ("A", "B")
    choices = found.on(scenario)
    np.testing.assert_array_equal(choices.choice, [1, 0, 1, -1])
    np.testing.assert_allclose(choices.mapped, [[1, 6], [0, 11], [1, np.nan], [1, 11]])
    np.testing.assert_allclose(choices.predicted, [6, 0, np.nan, np.nan])
    lines = {line["name"]: line for line in reported(found, scenario)}
    assert [lines[k]["chosen"] for k in ("A", "B")] == [1, 2]
    line = lines["selector: known"]
    assert (line["images"], line["failed"], line["mae"]) == (2, 2, (6 + 1) / 2)
    assert lines["single best: A"]["failed"] == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Any:
    """A network that learned from a scenario, and its report on other photographs."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        toys_are_known(patch)
        for name, toy in TOYS.items():
            patch.setattr(metrics, name, toy, raising=False)
        patch.setenv("JIQA_CACHE", str(folder / "cache"))
        patch.setenv("JIQA_DATA", str(folder / "prepared"))
        rated = photographs(folder / "rated", 80)
        words = ["select", "learn", "--data", str(rated), "--methods", ",".join(TOYS)]
        words += ["-o", str(folder / "chooser"), "--trees", "2", "--folds", "0"]
        assert main([*words, "--no-cache"]) == 0
        settings = {
            "model.methods": folder / "chooser" / "scenario.csv",
            "model.backbone": "squeezenet1_1",
            "model.crop": 32,
            "model.resize": 32,
            "model.hidden": "16,8",
            "model.dropout": "0.0,0.0",
            "weights": "random",
            "divisions": 0,
            "frozen": "true",
            "steps": 80,
            "validate_every": 40,
            "batch_size": 16,
            "head_rate": 0.01,
        }
        words = ["train", "selector", "--data", str(rated), "--hold-out", "0.2"]
        words += ["--workdir", str(folder / "run"), "--no-cache"]
        words += [w for k, v in settings.items() for w in ("--set", f"{k}={v}")]
        assert main(words) == 0
        other = photographs(folder / "other", 24, seed=7)
        words = ["select", "report", f"run:{folder / 'run'}", "--data", str(other)]
        assert main([*words, "--no-cache"]) == 0
        yield SimpleNamespace(
            folder=folder, run=folder / "run", other=other, report=words
        )


@pytest.mark.slow
def test_a_run_is_reported_on_as_forests_are(trained):
    report = trained.run / "report"
    lines = {line["name"]: line for line in _read(report / "figures.csv")}
    mine = lines["selector: network, errors"]
    assert float(mine["closed_gap"]) > 0.2 and int(mine["images"]) == 24
    assert {line["role"] for line in lines.values()} == {
        *("method", "single best", "selector", "oracle")
    }
    assert sum(int(lines[name]["chosen"]) for name in TOYS) == 24
    # Which one is best was found out in training.
    config = json.loads((trained.run / "config.json").read_text())["model_config"]
    best = config["names"][config["order"][0]]
    assert f"single best: {best}" in lines and best != "toy_red"
    rows = _read(report / "choices.csv")
    errors = [abs(float(row["value"]) - float(row["score"])) for row in rows]
    np.testing.assert_allclose(np.mean(errors), float(mine["mae"]))
    scores = {row["image"]: float(row["mos"]) for row in _read(trained.other)}
    for row in rows:
        assert float(row["score"]) == scores[Path(row["image"]).name]


@pytest.mark.slow
def test_it_is_what_the_run_chooses_and_says(trained):
    report, name = trained.run / "report", f"run:{trained.run}"
    rows = _read(report / "choices.csv")
    images = [
        read_image(trained.other.parent / "images" / Path(row["image"]).name)
        for row in rows
    ]
    methods, places = choices(trained.run, images)
    assert [row["method"] for row in rows] == [methods[k] for k in places]
    assert len(set(places)) > 1
    chosen = jiqa.load(name, output="choice")(np.stack(images))
    np.testing.assert_array_equal(chosen, places)
    said = jiqa.load(name)(np.stack(images))
    np.testing.assert_allclose(said, [float(r["value"]) for r in rows], rtol=1e-3)
    table = read_method_table(str(report / "scenario.csv"))
    raw = np.array([[float(toy(image)) for toy in TOYS.values()] for image in images])
    mapped = open_selector(trained.folder / "chooser").curves(raw)
    np.testing.assert_allclose(table.values, mapped, rtol=1e-3)
    with pytest.raises(ValueError, match=r"output: expected .*, got 'both'"):
        jiqa.load(name, output="both")(images[0])


@pytest.mark.slow
def test_as_a_program_it_chooses_the_same(trained, tmp_path):
    rows = _read(trained.other)[:6]
    images = [
        read_image(trained.other.parent / "images" / row["image"]) for row in rows
    ]
    path = tmp_path / "program"
    export_program(trained.run, path, images[0].shape[:2], ("cpu",))
    program = export.deserialize(bytearray(path.read_bytes()))
    wanted = jiqa.load(f"run:{trained.run}")(np.stack(images))
    np.testing.assert_allclose(program.call(np.stack(images)), wanted, rtol=1e-4)


@pytest.mark.slow
def test_what_cannot_be_reported_is_told(trained, tmp_path, capsys):
    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(["select", "report", *words, "-o", str(tmp_path / "out")])
        assert end.value.code == 2
        return " ".join(capsys.readouterr().err.split())

    name = f"run:{trained.run}"
    scores = str(trained.folder / "chooser" / "scenario.csv")
    assert "looks at images: give --data" in said(name, "--scores", scores)
    data = ("--data", str(trained.other), "--no-cache")
    assert "is not a run of jiqa train" in said(f"run:{tmp_path}", *data)
    for key, message in (
        ("order", "which method was the best in training; train it again"),
        ("recipes", "can choose a metric, but not score"),
    ):
        other = tmp_path / key
        shutil.copytree(trained.run, other)
        config = json.loads((other / "config.json").read_text())
        del config["model_config"][key]
        (other / "config.json").write_text(json.dumps(config))
        assert message in said(f"run:{other}", *data)

"""Learning and reporting as functions, from arrays and tables to files."""

from __future__ import annotations

import contextlib
import csv
import doctest
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import jiqa
from jiqa import selectors
from jiqa.cli import main
from jiqa.errors import UsageError
from jiqa.io.decode import read_image
from tests.helpers.selector_data import (
    TOYS,
    photographs,
    planted,
    toys_are_known,
    written,
)

GROWTH = selectors.Growth("pairwise", trees=8, leaf=2, share=1.0)
WORDS = ["--kind", "pairwise", "--trees", "8", "--leaf", "2", "--share", "1"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_is_learned_from_as_the_command_does(tmp_path):
    scores, features = written(tmp_path, planted(120, missing=0.05), test=40)
    seen = []

    @contextlib.contextmanager
    def progress(what: str, total: int, start: int = 0):
        yield lambda: seen.append((what, total))

    scenario = selectors.read_scenario(scores, split="train", features=features)
    assert len(scenario) == 80 and scenario.features == ("brightness",)
    found = selectors.learn(
        scenario, GROWTH, folds=2, output=tmp_path / "made", progress=progress
    )
    assert found.folder == tmp_path / "made" and seen == [("growing forests", 6)] * 6
    words = ["--scores", str(scores), "--features", str(features)]
    learned = ["select", "learn", *words, "--split", "train", *WORDS, "--folds", "2"]
    assert main([*learned, "-o", str(tmp_path / "told")]) == 0
    for name in ("selector.json", "scenario.csv", "figures.csv"):
        made, told = (tmp_path / folder / name for folder in ("made", "told"))
        assert made.read_text() == told.read_text()
    facts = json.loads((tmp_path / "made" / "run.json").read_text())
    assert facts["growth"]["kind"] == "pairwise" and facts["images"] == 80
    test = selectors.read_scenario(scores, split="test", features=features)
    report = selectors.report(tmp_path / "made", test, output=tmp_path / "report")
    again = selectors.report(found.selector, test, fusion=found.fusion)
    assert again.folder is None
    np.testing.assert_array_equal(again.choices.choice, report.choices.choice)
    for one, two in zip(again.figures, report.figures, strict=True):
        # The fusion is kept in single precision.
        assert one["name"] == two["name"]
        assert one["mae"] == pytest.approx(two["mae"], rel=1e-7)
    told = ["select", "report", str(tmp_path / "told"), *words, "--split", "test"]
    assert main(told) == (1 if report.failed else 0)
    for name in ("choices.csv", "figures.csv", "scenario.csv"):
        made, told = (tmp_path / f / name for f in ("report", "told/report"))
        assert made.read_text() == told.read_text()
    line = next(ln for ln in report.figures if ln["role"] == "selector")
    rows = _rows(tmp_path / "report" / "choices.csv")
    errors = [abs(float(r["value"]) - float(r["score"])) for r in rows if r["method"]]
    np.testing.assert_allclose(np.mean(errors), line["mae"])


def test_nothing_is_written_unasked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = selectors.learn(planted(60), GROWTH, folds=0)
    assert found.folder is None and found.figures == []
    assert not list(tmp_path.iterdir())
    report = selectors.report(found.selector, planted(30, seed=1))
    assert report.failed == 0 and not list(tmp_path.iterdir())
    assert {line["role"] for line in report.figures} == {
        *("method", "single best", "selector", "oracle")
    }


def test_images_of_a_data_set_are_scored(tmp_path, monkeypatch):
    toys_are_known(monkeypatch)
    table = photographs(tmp_path / "rated", 24)
    where = {"data_dir": tmp_path / "prepared"}
    scenario = selectors.score_scenario(table, list(TOYS), **where)
    assert scenario is not None and scenario.methods == tuple(TOYS)
    assert scenario.facts["data"] == str(table)
    name = Path(scenario.images[3]).name
    image = read_image(table.parent / "images" / name)
    values = [float(jiqa.load(toy)(image)) for toy in TOYS]
    np.testing.assert_allclose(scenario.raw[3], values, rtol=1e-5)
    found = selectors.learn(scenario, GROWTH, folds=0, output=tmp_path / "made")
    predicted = found.selector.on(scenario).predicted[3]
    value = jiqa.load(f"selector:{tmp_path / 'made'}")(image)
    np.testing.assert_allclose(value, predicted, rtol=1e-4)
    with pytest.raises(UsageError, match="ssim needs a reference"):
        selectors.score_scenario(table, "ssim,toy_red", **where)


def test_what_cannot_be_learned_or_reported(tmp_path):
    with pytest.raises(ValueError, match="folds: expected 0, or 2 or more, got 1"):
        selectors.learn(planted(20), folds=1)
    scores, _ = written(tmp_path, planted(40))
    with pytest.raises(UsageError, match="no scores of dull"):
        selectors.read_scenario(scores, methods=["sharp", "dull"])
    found = selectors.learn(planted(40), GROWTH, folds=0, output=tmp_path / "made")
    with pytest.raises(UsageError, match="already mapped to the MOS scale"):
        selectors.read_scenario(tmp_path / "made" / "scenario.csv")
    scenario = selectors.read_scenario(scores, score_direction="lower")
    with pytest.raises(UsageError, match="needs the features brightness"):
        selectors.report(found.selector, scenario)
    features = tmp_path / "features.csv"
    scenario = selectors.read_scenario(
        scores, score_direction="lower", features=features
    )
    with pytest.raises(UsageError, match="subjective scores: expected those of which"):
        selectors.report(tmp_path / "made", scenario)


def test_the_examples_give_what_they_say():
    homes = {getattr(selectors, name).__module__ for name in selectors.__all__}
    found = [
        doctest.testmod(sys.modules[name])
        for name in sorted({selectors.__name__, *homes})
    ]
    assert sum(r.failed for r in found) == 0
    assert sum(r.attempted for r in found) >= 12

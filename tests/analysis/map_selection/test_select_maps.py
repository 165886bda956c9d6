"""The study of feature maps as a function."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

import jiqa
from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
from jiqa.cli import main
from jiqa.report.study_pictures import PictureSettings, report_study
from tests.helpers.analysis_data import falling, prepare_rated


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return prepare_rated(tmp_path_factory.mktemp("mini"), falling)


def _asked(prepared: Path) -> dict:
    return {
        "layers": ["conv1"],
        "stopping": 2,
        "folds": 2,
        "resamples": 2,
        "cache": prepared / "kept",
    }


@pytest.fixture(scope="module")
def found(prepared, tmp_path_factory) -> jiqa.analysis.MapStudy:
    return jiqa.analysis.select_maps(
        "table/mini",
        data_dir=str(prepared),
        output=tmp_path_factory.mktemp("study") / "made",
        **_asked(prepared),
    )


def test_what_is_returned_is_what_is_written(found, prepared):
    assert found.folder is not None and not found.errors
    chosen = jiqa.analysis.Selection.from_json(found.folder / "maps.json")
    assert chosen == found.study.selection and len(chosen.selected) == 2
    facts = json.loads((found.folder / "run.json").read_text())
    assert facts["figures"][0]["in_sample"] == chosen.value
    assert facts["arguments"]["data_dir"] == str(prepared)
    assert facts["fingerprint"] == found.pairs.fingerprint
    assert {path.name for path in found.folder.iterdir()} == {
        *("maps.json", "curve.csv", "curve.png", "figures.csv"),
        *("scores.csv", "stability.csv", "run.json"),
    }
    metric = jiqa.load(f"selected:{found.folder / 'maps.json'}")
    assert metric.info.direction == "higher"


def test_the_command_finds_the_same(found, prepared, tmp_path):
    words = ["analyse", "select", "--data", "table/mini", "--data-dir", str(prepared)]
    words += ["--layers", "conv1", "--stopping", "2", "--folds", "2", "--no-cache"]
    words += ["--resamples", "2", "--cache", str(prepared / "kept")]
    assert main([*words, "-o", str(tmp_path)]) == 0
    for name in ("maps.json", "curve.csv", "figures.csv", "scores.csv"):
        assert (tmp_path / name).read_text() == (found.folder / name).read_text()


def test_pairs_without_files_and_with_progress(found, prepared):
    seen = []

    @contextlib.contextmanager
    def progress(what: str, total: int, start: int = 0):
        count = [start]

        def advance() -> None:
            count[0] += 1

        yield advance
        seen.append((what, count[0], total))

    pairs = open_rated_pairs("table/mini", str(prepared))
    again = jiqa.analysis.select_maps(
        pairs, against=["mse"], progress=progress, **_asked(prepared)
    )
    assert again.folder is None
    assert again.study.selection == found.study.selection
    # The maps' scores were on disk already, so that nothing was left to do.
    assert seen == [
        ("reading files", 40, 40),
        ("scoring maps", 36, 36),
        ("scoring mse", 36, 36),
        ("selecting maps", 3, 3),
        ("selecting on resamples", 2, 2),
    ]
    line = again.study.figures[-1]
    loaded = jiqa.load("mse")
    name = again.facts["arguments"]["against"]
    assert (line.name, name, loaded.info.direction) == ("mse", ["mse"], "lower")


def test_what_cannot_be_studied(prepared):
    asked = {"data_dir": str(prepared), **_asked(prepared)}

    def never(*_):
        raise AssertionError("work began")

    with pytest.raises(ValueError, match="folds: expected 2 to 4"):
        jiqa.analysis.select_maps("table/mini", progress=never, **{**asked, "folds": 9})
    with pytest.raises(ValueError, match="expected full-reference metrics, got"):
        jiqa.analysis.select_maps("table/mini", against=["brisque"], **asked)
    with pytest.raises(ValueError, match="'no_increase', a count or a gain"):
        jiqa.analysis.select_maps("table/mini", **{**asked, "stopping": "2"})
    with pytest.raises(ValueError, match="not prepared"):
        jiqa.analysis.select_maps("csiq", **asked)


def test_the_report_as_a_function(found, tmp_path):
    settings = PictureSettings(most=1, side=64, steps=2, stride=54, samples=1, images=4)
    page = report_study(found.folder, settings, command="a notebook")
    text = page.read_text(encoding="utf-8")
    assert page == found.folder / "report.html" and "a notebook" in text
    assert text.count('<section class="map">') == 1
    assert "Concepts from 4 of drawn images" in text
    with pytest.raises(ValueError, match="not a folder of jiqa analyse select"):
        report_study(tmp_path, settings)


def test_gain_and_count_stop(prepared):
    asked = {"data_dir": str(prepared), **_asked(prepared), "resamples": 0}
    one = jiqa.analysis.select_maps("table/mini", **{**asked, "stopping": 10.0})
    assert len(one.study.selection.selected) == 1
    three = jiqa.analysis.select_maps("table/mini", **{**asked, "stopping": 3})
    assert len(three.study.selection.selected) == 3
    np.testing.assert_array_equal(
        one.study.selection.selected[0], three.study.selection.selected[0]
    )

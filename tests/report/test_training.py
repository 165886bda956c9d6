"""The page of a training run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from jiqa.data.splits import select
from jiqa.data.user_tables.resolve import resolved
from jiqa.report.training import write_training_page
from jiqa.training.config import TrainingConfig
from jiqa.training.predictions import write_predictions
from jiqa.training.trained import Trained
from tests.helpers import training_data


@pytest.fixture
def run(tmp_path) -> Trained:
    table = training_data.rated(tmp_path / "rated", 12)
    _, entries = select(resolved(str(table), tmp_path / "data"), tmp_path / "data")
    folder = tmp_path / "run"
    folder.mkdir()
    config = TrainingConfig(model="cnniqa", data=str(table))
    (folder / "config.json").write_text(config.to_json())
    source = {"spec": "table/scores", "images": 12, "fingerprint": ""}
    (folder / "run.json").write_text(json.dumps({"data": {"training": source}}))
    rows = [
        {
            "image": e.name,
            "reference": "",
            "score": e.score,
            "predicted": (e.score or 0) + (40 if e.name == "05.png" else 1),
            "part": 1,
        }
        for e in entries
    ]
    write_predictions(folder, [*rows[:-1], {**rows[-1], "predicted": None}])
    figures = {"srcc": 0.81, "srcc_low": 0.5, "srcc_high": 0.9, "n": 11}
    other = {"brisque": {"srcc": 0.4, "n": 11}}
    return Trained(folder=folder, steps=8, best=6, figures=figures, baselines=other)


def _page(trained: Trained, tmp_path: Path) -> str:
    page = write_training_page(
        trained, command="jiqa train <x>", data_dir=tmp_path / "data", worst=3
    )
    return page.read_text("utf-8")


def test_the_page_shows_figures_predictions_and_the_worst(run, tmp_path):
    text = _page(run, tmp_path)
    assert "srcc 0.8100 [0.50, 0.90]" in text and "srcc 0.4000" in text
    assert "The state after update 6 of 8 is kept" in text
    assert "jiqa train &lt;x&gt;" in text and "11 images; the line" in text
    worst = text[text.index("Largest errors") : text.index("Settings")]
    assert worst.count('<img src="data:image/jpeg') == 3
    assert worst.index("05.png") < worst.index("(<strong>+40")
    assert "too few" not in text and "http" not in text.replace("http://www.w3.org", "")


def test_small_sets_and_what_was_left_out_are_said(run, tmp_path):
    few = dataclasses.replace(run, divisions=5, decided=False, unread=("gone.png",))
    text = _page(few, tmp_path)
    assert "8 updates on all images. The figures are of 5 parts" in text
    assert "too few to decide anything" in text and "gone.png" in text


def test_without_its_data_the_page_has_no_pictures(run, tmp_path):
    shutil.rmtree(tmp_path / "data")
    assert "Largest errors" not in _page(run, tmp_path)

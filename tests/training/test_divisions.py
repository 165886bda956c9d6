"""Small sets: every part is held out once, and all parts together decide."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import jiqa
from jiqa.data.index import Entry
from jiqa.data.learned_images import read_learned_images
from jiqa.training import read_config, read_log
from jiqa.training.config import TrainingConfig
from jiqa.training.loop import Position
from jiqa.training.predictions import agreement, read_predictions
from jiqa.training.run_data import is_enough, open_sources

_SETTINGS: dict[str, Any] = {
    "weights": "random",
    "backbone_rate": 0.01,
    "head_rate": 0.05,
    "batch_size": 4,
    "epochs": 2,
    "baseline": "",
}


pytestmark = pytest.mark.usefixtures("tiny")


def _train(material: Path, **given: Any) -> Any:
    return jiqa.train(
        "tiny",
        material / "rated" / "scores.csv",
        workdir=material / "run",
        data_dir=material / "prepared",
        **{**_SETTINGS, **given},
    )


def test_all_parts_decide_and_all_images_are_learned_from(material):
    class Stopped(Exception):
        """As a run is interrupted."""

    begun: list[str] = []

    @contextlib.contextmanager
    def broken_off(what: str, total: int, start: int = 0) -> Iterator[Any]:
        begun.append(what)
        if what == "training, part 2 of 5":
            raise Stopped
        yield lambda: None

    said: list[str] = []
    with pytest.raises(Stopped):
        _train(material, progress=broken_off, say=said.append)
    assert begun == ["training, part 1 of 5", "training, part 2 of 5"]
    assert said[0] == "learning from 24 images (table/scores)"
    assert "divided by reference into 5 parts" in said[1]
    with pytest.raises(ValueError, match="already holds a run"):
        _train(material)
    trained = _train(material, resume=True)
    assert (trained.divisions, trained.decided) == (5, True)
    assert read_config(material / "run").divisions == 5
    names = {p.name for p in (material / "run").iterdir()}
    assert {"predictions.csv", "divisions.json"} <= names and "divisions" not in names
    rows = read_predictions(material / "run")
    assert len({row["image"] for row in rows}) == 24 == trained.figures["n"]
    assert sorted({row["part"] for row in rows}) == [1, 2, 3, 4, 5]
    score, predicted = (np.array([r[k] for r in rows]) for k in ("score", "predicted"))
    wanted = float(stats.spearmanr(score, predicted)[0])  # pyright: ignore
    np.testing.assert_allclose(trained.figures["srcc"], wanted, rtol=1e-6)
    assert trained.figures["srcc_low"] < wanted < trained.figures["srcc_high"]
    # On the scale of the table, 0 to 100.
    rmse = np.sqrt(np.mean((score - predicted) ** 2)) / 100
    np.testing.assert_allclose(trained.figures["rmse"], rmse, rtol=1e-5)
    learned = read_learned_images(material / "run")
    assert len(learned) == 24 and {image.part for image in learned} == {"training"}
    pooled = json.loads((material / "run" / "divisions.json").read_text())
    assert trained.steps == trained.best == round(12 * pooled["share"])
    assert [x["kind"] for x in read_log(material / "run")] == [
        "training"
    ] * trained.steps
    again = _train(material, resume=True)
    assert (again.figures, again.steps) == (trained.figures, trained.steps)


def test_each_part_is_held_out_once(material):
    config = TrainingConfig(
        model="tiny", data=str(material / "rated" / "scores.csv"), stage="scores"
    )
    assert open_sources(config, material / "prepared").divisions == 5
    held: list[str] = []
    for part in range(1, 6):
        one = replace(config, divisions=5, held_part=part)
        sources = open_sources(one, material / "prepared")
        mine = [e.name for e in sources.validation.entries]
        others = {e.name for e in sources.training.entries}
        assert mine and not others & set(mine) and len(others) + len(mine) == 24
        held += mine
    assert len(held) == len(set(held)) == 24
    whole = replace(config, hold_out=0.85)
    assert open_sources(whole, material / "prepared").divisions == 0


def test_few_images_or_references_decide_nothing():
    entry = Entry("s", 0, "a", "", 1.0, None, "", None, 9, 9, 3, None, "", "")
    alone = [replace(entry, name=str(n)) for n in range(20)]
    assert is_enough(alone) and not is_enough(alone[1:])
    for references, enough in ((8, True), (7, False)):
        some = [replace(e, reference=f"{k % references}") for k, e in enumerate(alone)]
        assert is_enough(some) is enough


def test_of_equal_figures_the_smaller_loss_is_better():
    found = Position({}).after(4, 0.8, 0.5)
    assert found.after(8, 0.8, 0.6).best == 4 and found.after(8, 0.8, 0.6).since == 1
    assert found.after(8, 0.8, 0.4).best == 8
    assert found.after(8, 0.9, 0.9).best == 8
    assert found.after(8, float("nan"), 0.1).best == 4
    assert Position({}).after(4, float("nan"), 0.1).best == -1


def test_agreement_counts_what_it_is_of():
    rows = [{"score": float(k), "reference": f"{k % 4}"} for k in range(12)]
    values = [float(k * k) for k in range(11)] + [float("nan")]
    figures = agreement(values, rows)
    assert (figures["n"], figures["references"]) == (11, 4)
    assert figures["srcc"] == pytest.approx(1)
    assert agreement(values, rows, -1)["srcc"] == pytest.approx(-1)
    assert agreement([1.0] * 12, rows) == {"n": 12, "references": 4}

"""Selectors: what they find, what they keep on disk, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest

import jiqa
from jiqa.errors import UsageError
from jiqa.selectors.forest_selector import open_selector
from jiqa.selectors.grow_forests import Growth
from jiqa.selectors.learning import (
    cross_validated,
    fuse,
    grow_selector,
    open_fusion,
    reported,
)
from jiqa.selectors.rules import KINDS
from tests.helpers.selector_data import METHODS, planted, written

_FAST = {"trees": 12, "leaf": 2, "share": 1.0}


def _line(lines, role):
    return next(line for line in lines if line["role"] == role)


@pytest.mark.parametrize("kind", KINDS)
def test_finds_the_planted_rule(kind):
    scenario = planted()
    training, test = scenario.take(slice(160)), scenario.take(slice(160, None))
    selector = grow_selector(training, Growth(kind, **_FAST))
    found = selector.on(test)
    bright = test.extra[:, 0] > 0.5
    right = np.where(bright, METHODS.index("sharp"), METHODS.index("smooth"))
    # Where a wild guess happens to be right, another choice is as good.
    assert (found.choice == right).mean() > 0.7
    lines = reported(selector, test, fuse(selector, training, Growth(trees=2)))
    assert _line(lines, "selector")["closed_gap"] > 0.65
    assert _line(lines, "selector")["srcc"] > 0.85
    rows = np.arange(len(test))
    np.testing.assert_array_equal(found.predicted, found.mapped[rows, found.choice])


@pytest.mark.parametrize("kind", KINDS)
def test_missing_scores_are_never_chosen(kind):
    scenario = planted(150, missing=0.3)
    raw = scenario.raw.copy()
    raw[3] = np.nan
    scenario = dataclasses.replace(scenario, raw=raw)
    selector = grow_selector(scenario, Growth(kind, trees=8))
    found = selector.on(scenario)
    none = np.array([np.isnan(row).all() for row in raw])
    assert none[3] and none.sum() < 30
    assert (found.choice[none] == -1).all() and np.isnan(found.predicted[none]).all()
    rows = np.flatnonzero(~none)
    assert not np.isnan(raw[rows, found.choice[rows]]).any()
    assert not np.isnan(found.predicted[rows]).any()


def test_learning_sees_no_more_than_it_is_given():
    scenario = planted(90)
    growth = Growth("errors", trees=6, seed=4)
    first = grow_selector(scenario.take(slice(60)), growth)
    other = dataclasses.replace(
        scenario, score=np.r_[scenario.score[:60], np.zeros(30)]
    )
    second = grow_selector(other.take(slice(60)), growth)
    for a, b in zip(first.on(scenario), second.on(scenario), strict=True):
        np.testing.assert_array_equal(a, b)


def test_equal_seeds_equal_selectors():
    scenario = planted(60)
    made = [grow_selector(scenario, Growth("best", trees=5, seed=s)) for s in (1, 1, 2)]
    arrays = [m.forests.arrays for m in made]
    assert arrays[0].keys() == arrays[1].keys()
    for key in arrays[0]:
        np.testing.assert_array_equal(arrays[0][key], arrays[1][key])
    assert not np.array_equal(arrays[0]["threshold"], arrays[2]["threshold"])


def test_folder_holds_all(tmp_path):
    scenario = planted(80, missing=0.1)
    growth = Growth("pairwise", trees=4)
    selector = grow_selector(scenario, growth, {"data": "planted"})
    selector.save(tmp_path)
    fusion = fuse(selector, scenario, growth)
    fusion.save(tmp_path)
    again = open_selector(tmp_path)
    for a, b in zip(selector.on(scenario), again.on(scenario), strict=True):
        np.testing.assert_array_equal(a, b)
    before = fusion.on(selector, scenario)
    for name, values in open_fusion(tmp_path).on(again, scenario).items():
        np.testing.assert_allclose(values, before[name], rtol=1e-5)
    # No image's choice hangs on which others are there.
    alone = [again.on(scenario.take([k])).choice[0] for k in (0, 33, 79)]
    np.testing.assert_array_equal(alone, again.on(scenario).choice[[0, 33, 79]])


def test_fusion_is_least_squares():
    scenario = planted(80)
    selector = grow_selector(scenario, Growth(trees=3))
    mapped = selector.curves(scenario.raw)
    x = np.column_stack([mapped, scenario.extra, np.ones(80)])
    theirs = x @ np.linalg.solve(x.T @ x, x.T @ scenario.score)
    found = fuse(selector, scenario, Growth(trees=3)).on(selector, scenario)
    np.testing.assert_allclose(found["fusion: least squares"], theirs, atol=1e-6)


def test_cross_validated_figures_are_of_images_left_out():
    scenario = planted(120)
    lines = cross_validated(scenario, Growth("errors", **_FAST), 3)
    assert {line["images"] for line in lines} == {120}
    assert _line(lines, "selector")["closed_gap"] > 0.3
    shuffled = np.random.default_rng(0).permutation(scenario.score)
    chance = dataclasses.replace(scenario, score=shuffled)
    found = _line(cross_validated(chance, Growth("errors", **_FAST), 3), "selector")
    assert abs(found["srcc"]) < 0.35
    two = dataclasses.replace(scenario.take(slice(40)), references=("a", "b") * 20)
    with pytest.raises(
        ValueError, match="2 references are too few for a split into 3 parts"
    ):
        cross_validated(two, Growth(trees=2), 3)


def test_a_scenario_says_what_it_lacks(tmp_path):
    scenario = planted(20)
    with pytest.raises(UsageError, match=r"no scores of niqe \(methods: sharp"):
        scenario.of_methods(["sharp", "niqe"])
    with pytest.raises(UsageError, match=r"no images of split test \(splits: "):
        scenario.of_split("test")
    _, features = written(tmp_path, scenario)
    again = dataclasses.replace(scenario, features=(), extra_features=None)
    np.testing.assert_allclose(again.with_features(features).extra, scenario.extra)
    more = dataclasses.replace(again, images=("other.png", *again.images[1:]))
    with pytest.raises(UsageError, match=r"features for 1 images, such as other\.png"):
        more.with_features(features)
    selector = grow_selector(scenario, Growth(trees=2))
    with pytest.raises(UsageError, match=r"features brightness .*--features"):
        selector.check(again)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"pip install 'jiqa\[select\]'"):
        grow_selector(planted(30), Growth(trees=2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "worst"}, "kind: expected .*, got 'worst'"),
        ({"trees": 0}, "trees: expected 1 or more, got 0"),
        ({"share": 1.5}, "share: expected .*, got 1.5"),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
    ],
)
def test_growth_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        Growth(**wrong)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match=r"not a selector .*it lacks .*selector\.json"):
        open_selector(tmp_path)
    scenario = planted(30)
    grow_selector(scenario, Growth(trees=2)).save(tmp_path)
    grow_selector(scenario, Growth(trees=2, seed=1)).save(tmp_path / "other")
    arrays = tmp_path / "forests.safetensors"
    arrays.write_bytes((tmp_path / "other" / "forests.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"does not belong to this selector\.json"):
        open_selector(tmp_path)
    record = json.loads((tmp_path / "selector.json").read_text())
    (tmp_path / "selector.json").write_text(json.dumps({**record, "format": 9}))
    with pytest.raises(ValueError, match="expected format 1, got 9"):
        open_selector(tmp_path)


def test_methods_of_a_table_score_no_photograph(tmp_path):
    scenario = planted(30)
    grow_selector(scenario, Growth(trees=2)).save(tmp_path)
    with pytest.raises(ValueError, match="jiqa does not know sharp"):
        jiqa.load(f"selector:{tmp_path}")
    known = dataclasses.replace(scenario, methods=("niqe", "piqe", "brisque"))
    grow_selector(known, Growth(trees=2)).save(tmp_path)
    with pytest.raises(ValueError, match="also chooses by brightness"):
        jiqa.load(f"selector:{tmp_path}")
    pair = dataclasses.replace(known, methods=("niqe", "ssim", "brisque"))
    grow_selector(pair, Growth(trees=2)).save(tmp_path)
    with pytest.raises(ValueError, match="without a reference: ssim needs one"):
        jiqa.load(f"selector:{tmp_path}")
    with pytest.raises(ValueError, match="is not a selector of jiqa select learn"):
        jiqa.load(f"selector:{tmp_path / 'none'}")

"""Curves, figures, forests and rules of selection, each against a plain computation."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from jiqa.evaluation.statistics.logistic import fit_logistic
from jiqa.models.parts.method_table import best_first, read_method_table
from jiqa.selectors.figures import figures, oracle, single_best
from jiqa.selectors.forests import stacked, tree_of
from jiqa.selectors.grow_forests import Growth, grow
from jiqa.selectors.rules import chosen, pairs
from jiqa.selectors.scenario_table import write_scenario_table
from jiqa.selectors.score_mapping import Curves, fit_curves
from tests.helpers.selector_data import planted


def test_curves_are_the_fitted_logistics():
    scenario = planted(missing=0.1)
    curves = fit_curves(scenario.raw, scenario.score)
    mapped = curves(scenario.raw)
    for x, own in zip(scenario.raw.T, mapped.T, strict=True):
        known = ~np.isnan(x)
        fit = fit_logistic(x[known], scenario.score[known])
        np.testing.assert_allclose(own[known], fit(x[known]), atol=1e-8)
        assert np.isnan(own[~known]).all()
    again = Curves.from_json(curves.to_json())
    np.testing.assert_array_equal(again(scenario.raw), mapped)


def test_curves_end_where_their_scores_end():
    scenario = planted()
    curves = fit_curves(scenario.raw, scenario.score)
    outside = np.stack([curves.low - 5, curves.high + 5, np.full(3, np.inf)])
    ends = curves(np.stack([curves.low, curves.high, curves.high]))
    np.testing.assert_array_equal(curves(outside), ends)
    low, high = curves.ends()
    assert low <= curves(scenario.raw).min() and curves(scenario.raw).max() <= high


def test_curves_keep_their_digits_in_float32():
    # A fit of few rows: two parts of the curve, each of 1e4, that nearly cancel.
    b = np.array([[-22494.633, 0.38805196, 97.506556, -2.7085951, -10963.413]])
    curves = Curves(b, np.array([66.869644]), np.array([82.1881]), ("",))
    x = np.linspace(66.9, 82.1, 50)[:, None]
    b1, b2, b3, b4, b5 = b[0]
    plain = b1 * (1 / (1 + np.exp(-b2 * (x - b3))) - 0.5) + b4 * x + b5
    np.testing.assert_allclose(curves(x), plain, atol=1e-8)
    close = np.asarray(curves(jnp.asarray(x, jnp.float32), jnp))
    np.testing.assert_allclose(close, plain, atol=1e-4)
    naive = np.float32(b1) * (1 / (1 + np.exp(-b2 * (x - b3))) - 0.5).astype("f4")
    assert np.abs(naive + np.float32(b5) + (b4 * x).astype("f4") - plain).max() > 5e-4


def test_where_no_logistic_fits_a_line_or_the_mean_stands_in():
    score = np.arange(8.0)
    raw = np.stack([3 - 2 * score, np.full(8, 7.0), np.full(8, np.nan)], 1)
    curves = fit_curves(raw, score)
    mapped = curves(raw)
    np.testing.assert_allclose(mapped[:, 0], score, atol=1e-12)
    np.testing.assert_allclose(mapped[:, 1], score.mean())
    assert np.isnan(mapped[:, 2]).all()
    assert "straight line" in curves.notes[0] and "got 8" in curves.notes[0]
    assert "mean" in curves.notes[1] and "mean" in curves.notes[2]


def test_figures_are_those_of_a_plain_computation():
    scenario = planted(60, missing=0.2)
    mapped = fit_curves(scenario.raw, scenario.score)(scenario.raw)
    mapped[7] = np.nan  # an image that no method has a score of
    score = scenario.score
    order = best_first(mapped, score)
    alone, best = single_best(mapped, order), oracle(mapped, score)
    random = np.random.default_rng(1).normal(50, 20, 60)
    choice = np.where(best < 0, -1, 0)
    lines = figures(
        scenario.methods, mapped, score, alone, [("x", "selector", random)], choice
    )
    ranks = {m: [0, 0, 0] for m in scenario.methods}
    nearest, first = [], []
    for own, y in zip(mapped, score, strict=True):
        there = [k for k in range(3) if not np.isnan(own[k])]
        for rank, k in enumerate(sorted(there, key=lambda k: abs(own[k] - y))):
            ranks[scenario.methods[k]][rank] += 1
        nearest.append(min((abs(own[k] - y) for k in there), default=np.nan))
        first.append(next((own[k] for k in order if k in there), np.nan))
    named = {line["name"]: line for line in lines}
    for k, name in enumerate(scenario.methods):
        known = ~np.isnan(mapped[:, k])
        line = named[name]
        assert [line[f"rank{r}"] for r in (1, 2, 3)] == ranks[name]
        theirs: Any = spearmanr(mapped[known, k], score[known])
        assert line["srcc"] == pytest.approx(theirs.statistic)
        wrong = np.abs(mapped[known, k] - score[known]).mean()
        assert line["mae"] == pytest.approx(wrong)
        assert line["images"] + line["failed"] == 60 and line["images"] == known.sum()
    single = next(line for line in lines if line["role"] == "single best")
    vbs, sbs = np.nanmean(nearest), np.nanmean(np.abs(np.array(first) - score))
    assert named["oracle"]["mae"] == pytest.approx(vbs)
    assert single["mae"] == pytest.approx(sbs) and single["failed"] == 1
    gap = (sbs - np.abs(random - score).mean()) / (sbs - vbs)
    assert named["x"]["closed_gap"] == pytest.approx(gap)
    assert named["oracle"]["closed_gap"] == pytest.approx(1)
    assert single["closed_gap"] == pytest.approx(0)
    assert named[scenario.methods[0]]["chosen"] == 59


def test_who_leaves_out_what_is_hard_is_not_the_best():
    score = np.linspace(0, 100, 50)
    mapped = np.stack([score + 5, np.where(np.arange(50) < 5, score, np.nan)], 1)
    assert list(best_first(mapped, score)) == [0, 1]


@pytest.mark.parametrize("outputs", [1, 3])
def test_forests_are_scikit_learns(rng, outputs):
    x = rng.normal(size=(300, 4)).astype(np.float32)
    y = np.stack([x[:, k] * x[:, k + 1] for k in range(outputs)], 1)
    forest = RandomForestRegressor(12, min_samples_leaf=2, random_state=0)
    forest.fit(x, y[:, 0] if outputs == 1 else y)
    trees = [_converted(t.tree_) for t in forest.estimators_]
    mine = stacked([trees])
    new = rng.normal(size=(500, 4)).astype(np.float32)
    # On the thresholds themselves, to the last bit of float32.
    inner = trees[0].arrays["threshold"][np.isfinite(trees[0].arrays["threshold"])]
    new[:, 0] = np.resize(inner, 500)
    theirs = np.asarray(forest.predict(new)).reshape(500, outputs)
    found = mine(new)
    assert found.shape == (500, 1, outputs)
    np.testing.assert_allclose(found[:, 0], theirs, rtol=1e-5, atol=1e-5)
    assert mine.depth == max(t.get_depth() for t in forest.estimators_)


def _converted(tree):
    value = tree.value[:, :, 0]
    sides = tree.children_left, tree.children_right
    return tree_of(*sides, tree.feature, tree.threshold, value)


def test_pairwise_forests_are_weighted_classifiers(rng):
    x = rng.normal(size=(200, 3)).astype(np.float32)
    errors = rng.normal(size=(200, 3)) * np.array([1, 2, 3])
    growth = Growth("pairwise", trees=5, leaf=2, share=1.0, seed=3)
    score = rng.uniform(0, 100, 200)
    found = grow(growth, x, score[:, None] + errors, score)(x)
    assert found.shape == (200, 3, 1)
    wrong = np.abs(score[:, None] + errors - score[:, None])
    for number, (i, j) in enumerate(zip(*pairs(3), strict=True)):
        seed = np.random.SeedSequence([3, number]).generate_state(1)[0]
        settings: dict[str, Any] = {"max_features": 1.0, "random_state": int(seed)}
        forest = RandomForestClassifier(5, min_samples_leaf=2, **settings)
        cost = np.abs(wrong[:, i] - wrong[:, j])
        forest.fit(x, wrong[:, i] < wrong[:, j], sample_weight=cost)
        theirs = np.asarray(forest.predict_proba(x))[:, 1]
        np.testing.assert_allclose(found[:, number, 0], theirs, atol=1e-6)


def test_rules():
    order, scores = np.array([2, 0, 1]), jnp.array([10.0, 30.0, 50.0])

    def pick(kind, said, mapped=scores):
        return int(chosen(kind, jnp.asarray(said, jnp.float32), mapped, order))

    assert pick("errors", [[3.0, -0.5, 1.0]]) == 1
    assert pick("absolute", [[3.0, 0.5, 0.4]]) == 2
    assert pick("best", [[0.5, 0.3, 0.2]]) == 0
    assert pick("errors", [[1.0, 1.0, -1.0]]) == 2  # equals: the best in training
    # Pairs 01, 02, 12: method 1 beats both others.
    assert pick("pairwise", [[0.2], [0.9], [0.8]]) == 1
    # A circle: one vote each, the surer one wins.
    assert pick("pairwise", [[0.9], [0.4], [0.6]]) == 0
    # Votes count before probabilities.
    assert pick("pairwise", [[0.51], [0.51], [0.99]]) == 0
    assert [pick("nearest", [[v]]) for v in (0.0, 19.0, 22.0, 40.0)] == [0, 0, 1, 2]
    absent = scores.at[0].set(jnp.nan)
    assert pick("nearest", [[0.0]], absent) == 1
    assert pick("errors", [[0.0, 2.0, 1.0]], absent) == 2
    assert pick("pairwise", [[0.9], [0.9], [0.7]], absent) == 1
    with pytest.raises(ValueError, match=r"kind: expected .*pairwise.*, got 'none'"):
        pick("none", [[0.0]])


def test_scenario_table_round_trip(tmp_path):
    scenario = planted(5, missing=0.3)
    path = tmp_path / "scenario.csv"
    mapped = scenario.raw
    split = ("train", "train", "test", "test", "test")
    write_scenario_table(
        path, scenario.images, scenario.score, scenario.methods, mapped, split
    )
    assert path.read_text().splitlines()[0] == "image,score,split,sharp,smooth,noise"
    found = read_method_table(str(path))
    np.testing.assert_array_equal(found.values, mapped)
    np.testing.assert_array_equal(found.score, scenario.score)
    assert tuple(found.row_numbers) == scenario.images
    assert found.methods == scenario.methods
    write_scenario_table(
        path, scenario.images, scenario.score, scenario.methods, mapped
    )
    assert path.read_text().splitlines()[0] == "image,score,sharp,smooth,noise"

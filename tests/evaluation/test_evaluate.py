"""Rows to figures: signs, failures, infinities, what is missing and why."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from jiqa.evaluation.evaluate import COLUMNS, evaluate
from jiqa.evaluation.statistics.bootstrap import bootstrap_intervals
from jiqa.evaluation.statistics.correlations import outlier_ratio
from jiqa.evaluation.statistics.logistic import fit_logistic

stats: Any = scipy.stats

HIGHER: dict[str, Any] = {"set": "higher"}
DOWN: dict[str, Any] = {"m": "lower"}
UP: dict[str, Any] = {"m": "higher"}


def _rows(x, y, *, metric="m", references=10, data="set", deviation=None, kinds=1):
    return [
        {
            "data": data,
            "split": "",
            "image": f"{i:03}.png",
            "reference": f"r{i % references}" if references else None,
            "distortion": f"{1 + i // references % kinds}" if kinds > 1 else None,
            "metric": metric,
            "value": None if value is None else float(value),
            "score": score,
            "deviation": deviation,
            "error": "broken" if value is None else "",
        }
        for i, (value, score) in enumerate(zip(x, y, strict=True))
    ]


@pytest.fixture
def sample(rng):
    x = rng.uniform(20, 40, 120)
    return x, 8 / (1 + np.exp(-(x - 30) / 3)) + rng.normal(0, 0.5, 120)


def test_figures_are_those_of_the_parts(sample):
    x, y = sample
    found = evaluate(_rows(x, y, deviation=0.2), directions=UP, score_direction=HIGHER)
    (row,) = found.summary
    assert tuple(row) == COLUMNS
    fit = fit_logistic(x, y)
    assert found.fits == {("set", "", "m"): fit}
    clusters = np.arange(120) % 10
    # Clusters are numbered by name; which number is whose changes the draws.
    within = bootstrap_intervals(x, y, clusters, fit=fit)
    for name, value, interval in (
        ("srcc", stats.spearmanr(x, y).statistic, within.srcc),
        ("krcc", stats.kendalltau(x, y).statistic, within.krcc),
        ("plcc", fit.plcc, within.plcc),
        ("rmse", fit.rmse, within.rmse),
    ):
        assert row[name] == pytest.approx(value)
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(interval)
    assert row["plcc_unfitted"] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert row["outlier_ratio"] > 0
    assert row["outlier_ratio"] == outlier_ratio(fit(x), y, np.full(120, 0.2))
    assert (row["n"], row["failed"], row["references"]) == (120, 0, 10)
    assert (row["mapping"], row["note"]) == ("logistic-5", "")
    assert row["parameters"] == list(fit.parameters)


@pytest.mark.parametrize(
    ("metric", "scores", "sign"),
    [
        ("higher", "higher", 1),
        ("lower", "higher", -1),
        ("higher", "lower", -1),
        ("lower", "lower", 1),
    ],
)
def test_signs(sample, metric, scores, sign):
    x, y = sample
    (row,) = evaluate(
        _rows(x, y), directions={"m": metric}, score_direction={"set": scores}
    ).summary
    assert np.sign(row["srcc"]) == np.sign(row["krcc"]) == sign
    assert np.sign(row["plcc_unfitted"]) == sign
    assert row["srcc_low"] < row["srcc"] < row["srcc_high"]
    assert row["plcc"] > 0.9 and row["plcc_low"] < row["plcc"] < row["plcc_high"]
    assert ("contradicts the declared direction" in row["note"]) == (sign < 0)


def test_a_direction_that_is_not_declared_is_inferred_and_said(sample):
    x, y = sample
    found = evaluate(
        [*_rows(-x, y), *_rows(x, y, metric="k")], directions={}, score_direction=HIGHER
    )
    falling, rising = found.summary
    assert (falling["direction"], rising["direction"]) == ("lower", "higher")
    assert min(falling["srcc"], rising["srcc"]) > 0.8
    for row in found.summary:
        assert row["note"] == "direction inferred from the sign of SRCC"


def test_failures_are_counted_and_left_out(sample):
    x, y = sample
    values = [None if i % 8 == 0 else v for i, v in enumerate(x)]
    values[1] = math.nan
    found = evaluate(
        _rows(values, y, kinds=3), directions=UP, score_direction=HIGHER
    ).summary
    assert [r["distortion"] for r in found] == ["all", "1", "2", "3"]
    assert (found[0]["n"], found[0]["failed"]) == (104, 16)
    assert sum(r["failed"] for r in found[1:]) == 16
    assert sum(r["n"] for r in found[1:]) == 104
    kept = [i for i, v in enumerate(values) if v is not None and not math.isnan(v)]
    want = stats.spearmanr(x[kept], y[kept]).statistic
    assert found[0]["srcc"] == pytest.approx(want)


def test_infinite_values_rank_first_and_are_said(sample):
    x, y = sample
    top = np.argsort(x)[-4:]
    values = np.where(np.isin(np.arange(120), top), np.inf, x)
    (row,) = evaluate(_rows(values, y), directions=UP, score_direction=HIGHER).summary
    want = stats.spearmanr(np.minimum(values, 1e9), y).statistic
    assert row["srcc"] == pytest.approx(want)
    assert "4 of 120 values infinite" in row["note"]
    assert row["plcc"] > 0.9 and row["plcc_unfitted"] > 0.8


@pytest.mark.parametrize(
    ("x", "y", "note"),
    [
        ([1, 2], [1, 2], "no figures: expected 3 rows, got 2"),
        ([None] * 5, range(5), "no figures: expected 3 rows, got 0"),
        ([3] * 20, range(20), "no fit: the values are all 3"),
        (range(20), [4.5] * 20, "no fit: the scores are all 4.5"),
        ([math.inf] * 20, range(20), "no fit: all values are infinite"),
        (range(5), range(5), "no fit: expected at least 10 rows for a curve, got 5"),
    ],
)
def test_what_is_missing_is_none_and_says_why(x, y, note):
    rows = _rows(x, y)
    found = evaluate(rows, directions=UP, score_direction=HIGHER)
    (row,) = found.summary
    assert note in row["note"]
    assert row["plcc"] is None and row["rmse"] is None and not found.fits
    assert row["n"] + row["failed"] == len(rows)
    for value in row.values():
        assert not (isinstance(value, float) and math.isnan(value))
    if note.endswith("got 5"):
        assert (row["srcc"], row["krcc"]) == pytest.approx((1, 1))
    else:
        assert row["srcc"] is None and row["srcc_low"] is None
    json.dumps(found.significance, allow_nan=False)


def test_few_references_and_none(sample):
    x, y = sample
    notes = [
        evaluate(
            _rows(x, y, references=n), directions=UP, score_direction=HIGHER
        ).summary[0]
        for n in (1, 4, 0)
    ]
    assert notes[0]["note"] == "no intervals: a single reference"
    assert notes[0]["srcc_low"] is None and notes[0]["srcc"] > 0.8
    assert notes[1]["note"] == "rough intervals: only 4 references"
    assert (notes[2]["references"], notes[2]["note"]) == (0, "")


def test_the_order_of_the_rows_does_not_matter(sample, rng):
    x, y = sample
    rows = [
        *_rows(x, y, kinds=2, deviation=0.3),
        *_rows(x + rng.normal(0, 3, 120), y, kinds=2, metric="k", deviation=0.3),
    ]
    first = evaluate(rows, directions=UP, score_direction=HIGHER, resamples=50)
    mixed = [rows[0], *(rows[i + 1] for i in rng.permutation(len(rows) - 1))]
    second = evaluate(mixed, directions=UP, score_direction=HIGHER, resamples=50)
    assert second.summary == first.summary
    assert second.significance == first.significance


def test_data_sets_and_splits_stand_apart(sample):
    x, y = sample
    other = [
        {**row, "score": -row["score"], "split": "test"}
        for row in _rows(x, y, data="dmos-set")
    ]
    found = evaluate(
        [*_rows(x, y), *other],
        directions=UP,
        score_direction={"set": "higher", "dmos-set": "lower"},
        mapping=4,
    )
    first, second = found.summary
    assert (second["data"], second["split"]) == ("dmos-set", "test")
    assert second["srcc"] == pytest.approx(first["srcc"])
    assert [s["data"] for s in found.significance] == ["set", "dmos-set"]
    assert set(found.fits) == {("set", "", "m"), ("dmos-set", "test", "m")}
    assert first["mapping"] == "logistic-4" and len(first["parameters"]) == 4


def test_values_as_they_are(sample):
    x, y = sample
    predictions = y + np.sin(x)
    (row,) = evaluate(
        _rows(-predictions, y),
        directions=DOWN,
        score_direction=HIGHER,
        mapping=None,
    ).summary
    want = stats.pearsonr(predictions, y).statistic
    assert row["plcc"] == row["plcc_unfitted"] == pytest.approx(want)
    assert row["plcc_low"] < want < row["plcc_high"]
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean((predictions + y) ** 2)))
    assert (row["mapping"], row["parameters"]) == ("none", [])


def test_significance_of_a_better_metric(sample, rng):
    x, y = sample
    rows = [
        *_rows(x, y, deviation=0.5),
        *_rows(-x + rng.normal(0, 8, 120), y, metric="worse", deviation=0.5),
    ]
    directions: dict[str, Any] = {"m": "higher", "worse": "lower"}
    found = evaluate(rows, directions=directions, score_direction=HIGHER)
    (table,) = found.significance
    assert table["metrics"] == ["m", "worse"]
    assert table["f_test"] == [[0, 1], [-1, 0]]
    krasula = table["krasula"]
    assert krasula["better_worse_auc"][0] > 0.95 > krasula["better_worse_auc"][1] > 0.6
    assert krasula["bw_p"][0][1] < 0.01
    # The same ratings, each deviation that of one of 25 people: more pairs differ.
    many = evaluate(
        rows, directions=directions, score_direction=HIGHER, observers={"set": 25}
    )
    assert many.significance[0]["krasula"]["different"] > krasula["different"]


def test_contradictions_are_errors(sample):
    x, y = sample
    rows = _rows(x, y)

    def fails(rows, match, **changed):
        options = {"directions": UP, "score_direction": HIGHER, **changed}
        with pytest.raises(ValueError, match=match):
            evaluate(rows, **options)

    fails([*rows, rows[5]], "m has two rows for 005.png of set")
    other = {**rows[3], "metric": "k", "score": 99.0}
    fails([*rows, other], "003.png of set has reference, distortion and score")
    fails([{"image": "a", "metric": "m"}], r"no value and no score \(columns: image")
    fails([{**rows[0], "distortion": "all"}], 'be called "all"')
    fails(rows, "score_direction: expected .* for 'set'", score_direction={})
    fails(rows, "of m: expected .*, got 'up'", directions={"m": "up"})
    fails(rows, "mapping: expected .*, got 3", mapping=3)


def test_pairs_where_there_is_a_single_reference(sample):
    x, y = sample
    rows = _rows(x, y, deviation=0.5, references=1)
    found = evaluate(rows, directions=UP, score_direction=HIGHER)
    assert found.significance[0]["krasula"]["better_worse_auc"][0] > 0.9


def test_rows_without_a_score_are_said(sample):
    x, y = sample
    scores = [None if i < 5 else s for i, s in enumerate(y)]
    (row,) = evaluate(_rows(x, scores), directions=UP, score_direction=HIGHER).summary
    assert row["n"] == 115 and row["failed"] == 0
    assert row["note"] == "5 rows without a score are left out"

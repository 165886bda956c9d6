"""Repeated splits by reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from jiqa.evaluation.statistics.splits import reference_disjoint_splits, repeat_protocol

stats: Any = scipy.stats


def test_no_reference_is_in_two_parts():
    references = [f"r{i % 25}" for i in range(300)]
    splits = reference_disjoint_splits(references, fractions=(0.6, 0.2, 0.2), repeats=7)
    assert len(splits) == 7
    for split in splits:
        parts = [{references[i] for i in rows} for rows in split]
        assert [len(p) for p in parts] == [15, 5, 5]
        assert len(set.union(*parts)) == 25
        assert sorted(np.concatenate(split)) == list(range(300))
    assert len({tuple(s[0]) for s in splits}) == 7


def test_splits_are_seeded_and_hang_on_names_alone():
    references = [f"r{i % 10}" for i in range(60)]
    splits = reference_disjoint_splits(references, repeats=3, seed=5)
    again = reference_disjoint_splits(references, repeats=5, seed=5)[:3]
    for first, second in zip(splits, again, strict=True):
        assert all((a == b).all() for a, b in zip(first, second, strict=True))
    turned = reference_disjoint_splits(references[::-1], repeats=3, seed=5)
    for first, second in zip(splits, turned, strict=True):
        tests = {references[i] for i in first[1]}
        assert tests == {references[::-1][i] for i in second[1]}
    other = reference_disjoint_splits(references, repeats=3, seed=6)
    assert any((a[0] != b[0]).any() for a, b in zip(splits, other, strict=True)
               if len(a[0]) == len(b[0]))  # fmt: skip


def test_images_without_a_reference_are_split_one_by_one():
    train, test = reference_disjoint_splits(["a", "a", None, "", None], repeats=1)[0]
    assert len(train) + len(test) == 5 and len({0, 1} & set(test)) != 1


@pytest.mark.parametrize(
    ("references", "fractions", "message"),
    [
        (["a", "b"], (0.5, 0.2), "fractions: expected .* add up to 1, got"),
        (["a", "b"], (1.5, -0.5), "fractions: expected positive"),
        (["a", "a"], (0.5, 0.5), "1 references are too few for a split into 2 parts"),
        ([], (0.5, 0.5), "0 references"),
    ],
)
def test_wrong_splits_are_named(references, fractions, message):
    with pytest.raises(ValueError, match=message):
        reference_disjoint_splits(references, fractions=fractions)


def test_small_parts_are_never_empty():
    (split,) = reference_disjoint_splits(
        list("abc"), fractions=(0.98, 0.01, 0.01), repeats=1
    )
    assert [len(part) for part in split] == [1, 1, 1]


@pytest.fixture
def scores(rng):
    return rng.uniform(0, 10, 200)


def test_median_and_spread(scores, rng):
    references = [f"r{i % 20}" for i in range(200)]
    splits = reference_disjoint_splits(references, repeats=9)
    features = scores + rng.normal(0, 2, 200)
    trained = []

    def fit_predict(train, test):
        trained.append(train)
        slope, shift = np.polyfit(features[train], scores[train], 1)
        return slope * features[test] + shift

    found: Any = repeat_protocol(scores, splits, fit_predict)
    assert all((t == s[0]).all() for t, s in zip(trained, splits, strict=True))
    each = [stats.spearmanr(features[t], scores[t]).statistic for _, t in splits]
    assert found.srcc.values == pytest.approx(each)
    assert found.srcc.median == pytest.approx(np.median(each))
    assert found.srcc.std == pytest.approx(np.std(each, ddof=1))
    assert found.srcc.low < found.srcc.median < found.srcc.high
    assert found.plcc.median > 0.8 and found.plcc_unfitted.median > 0.8
    assert found.rows == (40,) * 9 and found.failed == (0,) * 9


def test_predictions_made_before(scores):
    splits = reference_disjoint_splits(range(1, 201), repeats=2)
    predictions = [-scores[test] for _, test in splits]
    predictions[1][:4] = np.nan
    found = repeat_protocol(scores, splits, predictions, sign=-1)
    assert found.srcc.values == pytest.approx((1, 1)) and found.failed == (0, 4)
    assert found.plcc.median == pytest.approx(1, abs=1e-6)
    flat = [np.zeros(len(test)) for _, test in splits]
    none = repeat_protocol(scores, splits, flat)
    assert none.srcc.median is None and none.plcc.values == (None, None)
    with pytest.raises(
        ValueError, match="predict: expected one set of predictions per split, 2, got 1"
    ):
        repeat_protocol(scores, splits, flat[:1])
    with pytest.raises(ValueError, match="split 0"):
        repeat_protocol(scores, splits, lambda train, test: train)

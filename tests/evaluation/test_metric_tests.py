"""Metric against metric: sizes of the tests on simulated truth, and hand-made cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from jiqa.evaluation.metric_tests import (
    compare_metrics,
    f_test_matrix,
    residual_kurtosis,
)
from jiqa.evaluation.rows import group_rows
from jiqa.evaluation.statistics.pair_discrimination import analyse_pairs
from jiqa.evaluation.statistics.roc_areas import Areas, mirrored_areas, roc_areas

stats: Any = scipy.stats


def test_f_test_by_hand():
    residuals = np.array([[1.0, -1, 1, -1, 0], [3, -3, 3, -3, 0], [1, -1, 1, -1, 0]])
    verdict, p = f_test_matrix(residuals)
    # Variances 1, 9, 1 with 4 degrees of freedom each.
    assert p[0][1] == p[1][0] == pytest.approx(stats.f.cdf(1 / 9, 4, 4))
    assert p[0][1] == pytest.approx(0.028)
    assert verdict == [[0, 1, 0], [-1, 0, -1], [0, 1, 0]]
    assert p[0][0] == p[0][2] == 0.5
    assert f_test_matrix(residuals, level=0.01)[0] == [[0] * 3] * 3


def test_f_test_has_its_size(rng):
    """Equal Gaussian residuals differ in either direction in 2 x 5 % of cases."""
    residuals = rng.normal(size=(80, 100))
    verdict = np.array(f_test_matrix(residuals)[0])
    above = np.triu_indices(80, 1)
    assert np.mean(verdict[above] != 0) == pytest.approx(0.1, abs=0.03)
    assert (verdict == -verdict.T).all()


def test_f_test_leaves_out_what_is_missing():
    residuals = np.full((2, 6), np.nan)
    residuals[0] = [1, -1, 1, -1, 1, -1]
    residuals[1, :2] = [5, -5]
    assert f_test_matrix(residuals) == (
        [[0, None], [None, None]],
        [[0.5, None], [None, None]],
    )


def test_kurtosis(rng):
    sample = rng.exponential(size=500)
    want = stats.kurtosis(sample, fisher=False)
    assert residual_kurtosis(np.append(sample, np.nan)) == pytest.approx(want)
    assert residual_kurtosis(np.zeros(9)) is None


def test_areas_by_counting(rng):
    positive = np.round(rng.normal(1, 1, (2, 40)), 1)
    negative = np.round(rng.normal(0, 1, (2, 60)), 1)
    positive[0, 0] = np.inf
    found = roc_areas(positive, negative)
    for row in range(2):
        a, b = positive[row][:, None], negative[row]
        kernel = (a > b) + 0.5 * (a == b)
        assert found.area[row] == pytest.approx(kernel.mean())
        # DeLong's components: means over the other class.
        above, below = kernel.mean(1) - kernel.mean(), kernel.mean(0) - kernel.mean()
        want = np.concatenate([above / 40, below / 60])
        assert found.influence[row] == pytest.approx(want)
    # DeLong divides by p - 1 and q - 1.
    theirs = above.var(ddof=1) / 40 + below.var(ddof=1) / 60
    assert found.covariance()[1, 1] == pytest.approx(theirs, rel=0.03)


def test_p_of_two_areas_has_its_size(rng):
    rejected = 0
    for _ in range(400):
        truth = rng.normal(size=(1, 60))
        positive = 1 + truth + rng.normal(size=(2, 60))
        negative = rng.normal(size=(1, 60)) + rng.normal(size=(2, 60))
        rejected += roc_areas(positive, negative).p_values()[0, 1] < 0.05
    assert 0.02 <= rejected / 400 <= 0.09


def test_p_of_mirrored_areas_has_its_size(rng):
    """Counting each pair in both orders doubles nothing but the influence."""
    rejected = 0
    for _ in range(400):
        right = 0.5 + rng.normal(size=(1, 80)) + rng.normal(size=(2, 80))
        rejected += mirrored_areas(right).p_values()[0, 1] < 0.05
    assert 0.02 <= rejected / 400 <= 0.09


def test_covariance_of_pairs_that_share_an_end():
    rng = np.random.default_rng(0)
    found = roc_areas(rng.normal(size=(2, 6)), rng.normal(size=(2, 5)))
    ends = np.array(
        [[0, 1], [0, 1], [1, 2], [3, 3], [4, 5], [5, 4], [0, 2], [3, 6], [6, 6],
         [2, 1], [7, 8]]
    )  # fmt: skip
    want = np.zeros((2, 2))
    for i, a in enumerate(ends):
        for j, b in enumerate(ends):
            if set(a) & set(b):
                want += np.outer(found.influence[:, i], found.influence[:, j])
    assert found.covariance(ends) == pytest.approx(want)


def _ratings(rng, images, *, noise, references=0):
    """Two equally good metrics, rated scores and their errors.

    With references, half of a metric's noise is common to the images of each.
    """
    quality = rng.uniform(0, 10, images)
    score = quality + rng.normal(0, 0.5, images)
    error = rng.normal(0, noise, (2, images))
    if references:
        content = rng.normal(0, noise, (2, references))
        error = (error + content[:, np.arange(images) % references]) / 2**0.5
    return quality + error, score, np.full(images, 0.5)


def test_pairs_by_counting(rng):
    metrics, score, error = _ratings(rng, 12, noise=2)
    metrics[0, :2] = np.inf
    found: Any = analyse_pairs(metrics, score, error)
    first, second = np.triu_indices(12, 1)
    gap = score[first] - score[second]
    differ = stats.norm.cdf(np.abs(gap) / np.sqrt(0.5)) >= 0.95
    assert (found.pairs, found.different) == (66, differ.sum())
    with np.errstate(invalid="ignore"):
        step = np.nan_to_num(metrics[:, first] - metrics[:, second], posinf=np.inf,
                             neginf=-np.inf)  # fmt: skip
    for row in range(2):
        size = np.abs(step[row])
        a, b = size[differ][:, None], size[~differ]
        want = np.mean((a > b) + 0.5 * (a == b))
        assert found.different_similar[row] == pytest.approx(want)
        right = (step[row] * np.sign(gap))[differ]
        a, b = right[:, None], -right
        want = np.mean((a > b) + 0.5 * (a == b))
        assert found.better_worse[row] == pytest.approx(want)
        assert found.correct[row] == pytest.approx((right > 0).mean())


@pytest.mark.parametrize(("images", "references"), [(60, 0), (80, 20)])
def test_pairs_of_equally_good_metrics_have_their_size(images, references):
    """Pairs share images; taken as independent they would find differences at will."""
    rng = np.random.default_rng(11)
    clusters = np.arange(images) % references if references else None
    rejected = np.zeros(2)
    for _ in range(200):
        metrics, score, error = _ratings(rng, images, noise=2, references=references)
        found: Any = analyse_pairs(metrics, score, error, clusters=clusters)
        rejected += [
            found.different_similar_p[0, 1] < 0.05,
            found.better_worse_p[0, 1] < 0.05,
        ]
    assert (rejected / 200 <= 0.11).all(), rejected
    assert (rejected > 0).all()


def test_pairs_as_independent_cases_are_not_to_be_trusted(monkeypatch):
    rng = np.random.default_rng(11)
    alone = Areas.covariance
    monkeypatch.setattr(Areas, "covariance", lambda self, ends=None: alone(self))
    rejected = 0
    for _ in range(50):
        found: Any = analyse_pairs(*_ratings(rng, 60, noise=2))
        rejected += found.better_worse_p[0, 1] < 0.05
    assert rejected / 50 > 0.3


def test_a_better_metric_is_found(rng):
    metrics, score, error = _ratings(rng, 150, noise=1)
    metrics[1] += rng.normal(0, 4, 150)
    found: Any = analyse_pairs(metrics, score, error)
    assert found.better_worse[0] > found.better_worse[1]
    assert found.different_similar[0] > found.different_similar[1]
    assert max(found.better_worse_p[0, 1], found.different_similar_p[0, 1]) < 0.01
    assert found.better_worse_p[0, 0] == 1
    sample: Any = analyse_pairs(metrics, score, error, most_pairs=4000)
    assert 3000 < sample.pairs < 4000
    assert sample.better_worse == pytest.approx(found.better_worse, abs=0.03)
    # A metric that falls as quality rises is on the wrong side of guessing.
    wrong: Any = analyse_pairs(-metrics, score, error)
    assert wrong.better_worse == pytest.approx(1 - found.better_worse)
    assert wrong.different_similar == pytest.approx(found.different_similar)


def test_too_few_pairs_of_a_kind(rng):
    metrics, score, _ = _ratings(rng, 30, noise=1)
    assert analyse_pairs(metrics, score, np.full(30, 100.0)) is None
    assert analyse_pairs(metrics, score, np.full(30, 1e-9)) is None


def test_what_has_no_deviation_or_value_is_none(rng):
    metrics, score, _ = _ratings(rng, 40, noise=1)
    rows = [
        {"image": str(i), "metric": m, "value": v, "score": score[i]}
        for m, values in zip("abc", (*metrics, [None] * 40), strict=True)
        for i, v in enumerate(values)
    ]
    (block,) = group_rows(rows)
    signs = np.ones(3)
    found = compare_metrics(block, [None] * 3, signs, block.deviation)
    assert found["krasula"]["note"] == "the scores have no deviations"
    assert found["krasula"]["ds_p"] == [[None] * 3] * 3
    found = compare_metrics(block, [None] * 3, signs, np.full(40, 0.5))
    areas = found["krasula"]["better_worse_auc"]
    assert areas[2] is None and min(areas[:2]) > 0.9
    assert found["krasula"]["images"] == 40
    assert found["gaussian"] == [None] * 3

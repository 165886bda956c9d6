"""Correlations of single samples and of thousands of resamples, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

from jiqa.evaluation.statistics import bootstrap, correlations
from jiqa.evaluation.statistics import resampled_ranks as weighted_ranks
from jiqa.evaluation.statistics.bootstrap import cluster_numbers, draw_clusters
from jiqa.evaluation.statistics.resampled_ranks import resampled_krcc, resampled_srcc

c: Any = correlations
stats: Any = scipy.stats


def _sample(rng, n, *, tied=False, infinite=False):
    x = rng.normal(size=n)
    y = x + rng.normal(size=n)
    if tied:
        x, y = np.round(x), np.round(2 * y)
    if infinite:
        x[:3], x[3] = np.inf, -np.inf
    return x, y


@pytest.mark.parametrize("tied", [False, True])
def test_rank_correlations_are_scipys(rng, tied):
    x, y = _sample(rng, 200, tied=tied)
    assert c.srcc(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert c.krcc(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    assert c.plcc(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_figures_by_hand():
    x, y = [1, 2, 3, 4], [10, 30, 20, 40]
    # One of six pairs is discordant; d = (0, 1, 1, 0).
    assert c.krcc(x, y) == pytest.approx(4 / 6)
    assert c.srcc(x, y) == pytest.approx(1 - 6 * 2 / (4 * 15))
    # Tau-b with one tie in x: 5 pairs untied in x, all concordant, 6 untied in y.
    assert c.krcc([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(5 / np.sqrt(5 * 6))
    assert c.rmse([1, 2, 3], [1, 4, 3]) == pytest.approx(np.sqrt(4 / 3))
    # Errors 0, 2, 3 against 2, 2 and 2; the row without a deviation is left out.
    outside = c.outlier_ratio([0, 2, 3, 9], [0, 0, 0, 0], [1, 1, 1, np.nan])
    assert outside == pytest.approx(1 / 3)
    assert c.outlier_ratio([0.0], [0.0], [np.nan]) is None


def test_infinity_is_the_largest_rank(rng):
    x, y = _sample(rng, 60, infinite=True)
    large = np.nan_to_num(x, posinf=1e9, neginf=-1e9)
    assert c.srcc(x, y) == pytest.approx(c.srcc(large, y))
    assert c.krcc(x, y) == pytest.approx(c.krcc(large, y))
    finite, replaced = c.replace_infinite(x)
    assert replaced == 4
    assert finite[0] == finite.max() == x[np.isfinite(x)].max()
    assert finite[3] == finite.min() == x[np.isfinite(x)].min()
    with pytest.raises(ValueError, match="replace_infinite"):
        c.plcc(x, y)


@pytest.mark.parametrize("figure", [c.srcc, c.krcc, c.plcc])
def test_what_is_not_defined_is_none(figure):
    assert figure([1, 2], [1, 2]) is None
    assert figure([1, 1, 1], [1, 2, 3]) is None
    assert figure([1, 2, 3], [5, 5, 5]) is None
    with pytest.raises(ValueError, match="NaN"):
        figure([1, 2, np.nan], [1, 2, 3])
    with pytest.raises(ValueError, match=r"x, y: expected .*, got \(2,\) and \(3,\)"):
        figure([1, 2], [1, 2, 3])


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("rows", "clusters", "resamples"),
    [(60, 5, 30), (60, 25, 30), (40, 40, 20)],
    ids=["few-clusters", "more-clusters", "every-row"],
)
def test_resampled_figures_are_those_of_the_drawn_rows(
    rng, rows, clusters, resamples, tied, monkeypatch
):
    monkeypatch.setattr(weighted_ranks, "_CHUNK", 1)  # several parts
    x, y = _sample(rng, rows, tied=tied, infinite=tied)
    number = np.arange(rows) % clusters
    draws = draw_clusters(clusters, resamples, seed=3)
    srcc = resampled_srcc(x, y, number, draws)
    krcc = resampled_krcc(x, y, number, draws)
    for times, s, k in zip(draws, srcc, krcc, strict=True):
        drawn = np.repeat(np.arange(rows), times[number])
        assert s == pytest.approx(c.srcc(x[drawn], y[drawn]), abs=1e-12)
        assert k == pytest.approx(c.krcc(x[drawn], y[drawn]), abs=1e-12)


def test_a_resample_of_one_value_has_no_correlation():
    x = np.array([1.0, 1, 2, 3])
    clusters = np.array([0, 0, 1, 1])
    draws = np.array([[2, 0], [1, 1], [0, 2]])
    for resampled in (resampled_srcc, resampled_krcc):
        found = resampled(x, np.arange(4.0), clusters, draws)
        assert np.isnan(found).tolist() == [True, False, False]


def test_clusters_and_draws(monkeypatch):
    numbers = cluster_numbers(["a", "b", "a", None, "", None])
    assert numbers.tolist() == [0, 1, 0, 2, 3, 4]
    draws = draw_clusters(7, 50, seed=1)
    assert (draws.sum(1) == 7).all() and draws.min() == 0
    assert (draws == draw_clusters(7, 50, seed=1)).all()
    assert (draws != draw_clusters(7, 50, seed=2)).any()
    monkeypatch.setattr(bootstrap, "_CHUNK", 10)
    assert (draws == draw_clusters(7, 50, seed=1)).all()

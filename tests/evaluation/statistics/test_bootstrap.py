"""Intervals: against refitting every resample, and against a simulated truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jiqa.evaluation.statistics import correlations as c
from jiqa.evaluation.statistics.bootstrap import (
    bootstrap_intervals,
    draw_clusters,
    percentile_interval,
    resampled_errors,
)
from jiqa.evaluation.statistics.logistic import fit_logistic
from jiqa.evaluation.statistics.resampled_ranks import resampled_srcc


def _images(rng, references, versions, *, content):
    """Scores and values that share what a reference adds: ``content`` of the noise."""
    quality = rng.uniform(0, 10, (references, versions))
    shared = rng.normal(size=(references, 1))
    own = rng.normal(size=quality.shape)
    noise = np.sqrt(content) * shared + np.sqrt(1 - content) * own
    clusters = np.repeat(np.arange(references), versions)
    return (quality + 2 * noise).ravel(), quality.ravel(), clusters


@pytest.mark.parametrize("mapping", [4, 5, None])
def test_one_step_is_as_good_as_fitting_every_resample(rng, mapping):
    x, y, clusters = _images(rng, 20, 30, content=0.3)
    y = 10 / (1 + np.exp(-(y - 5)))
    fit = fit_logistic(x, y, mapping=mapping)
    draws = draw_clusters(20, 60, seed=0)
    found = resampled_errors(x, y, clusters, draws, fit)
    refits = []
    for times in draws:
        drawn = np.repeat(np.arange(len(x)), times[clusters])
        refits.append(fit_logistic(x[drawn], y[drawn], mapping=mapping))
    for name in ("plcc", "rmse"):
        exact = np.array([getattr(f, name) for f in refits])
        assert found[name] == pytest.approx(exact, abs=0.15 * exact.std())


def test_without_a_mapping_the_figures_are_exact(rng):
    x, y, clusters = _images(rng, 8, 6, content=0.3)
    x[:2] = np.inf
    fit = fit_logistic(x, y, mapping=None)
    draws = draw_clusters(8, 20, seed=5)
    found = resampled_errors(x, y, clusters, draws, fit)
    finite, _ = c.replace_infinite(x)
    for number, times in enumerate(draws):
        drawn = np.repeat(np.arange(len(x)), times[clusters])
        a, b = finite[drawn], y[drawn]
        assert found["plcc"][number] == pytest.approx(c.plcc(a, b), abs=1e-10)
        assert found["rmse"][number] == pytest.approx(c.rmse(a, b), rel=1e-10)


def test_intervals_cover_the_truth_where_images_share_their_content():
    """95 % intervals of SRCC with and without clusters, 200 simulated data sets."""
    rng = np.random.default_rng(7)
    x, y, _ = _images(rng, 20_000, 10, content=0.9)
    truth = c.srcc(x, y) or 0
    inside = {True: 0, False: 0}
    for number in range(200):
        x, y, clusters = _images(rng, 30, 10, content=0.9)
        for clustered in inside:
            groups = clusters if clustered else np.arange(300)
            draws = draw_clusters(groups.max() + 1, 200, seed=number)
            srcc = resampled_srcc(x, y, groups, draws)
            low, high = percentile_interval(srcc) or (1, -1)
            inside[clustered] += low <= truth <= high
    assert 0.88 <= inside[True] / 200 <= 0.99
    # Single images pretend to more information than there is.
    assert inside[False] / 200 < 0.85


def test_intervals_hold_the_figures_and_are_seeded(rng):
    x, y, clusters = _images(rng, 15, 8, content=0.5)
    fit = fit_logistic(x, y)
    first: Any = bootstrap_intervals(x, y, clusters, fit=fit)
    assert first == bootstrap_intervals(x, y, clusters, fit=fit)
    assert first != bootstrap_intervals(x, y, clusters, fit=fit, seed=1)
    for name, value in (
        ("srcc", c.srcc(x, y)),
        ("krcc", c.krcc(x, y)),
        ("plcc", fit.plcc),
        ("rmse", fit.rmse),
    ):
        low, high = getattr(first, name)
        assert low < value < high
    narrow: Any = bootstrap_intervals(x, y, clusters, fit=fit, confidence=0.5)
    assert first.srcc[0] < narrow.srcc[0] < narrow.srcc[1] < first.srcc[1]


def test_no_interval_where_there_is_none(rng):
    x, y, clusters = _images(rng, 15, 8, content=0.5)
    none = bootstrap_intervals(x, y, np.zeros_like(clusters), fit=None)
    assert none.srcc is None and none.plcc is None
    assert bootstrap_intervals(x, y, clusters, fit=None, resamples=0).srcc is None
    empty = np.array([])
    assert bootstrap_intervals(empty, empty, empty.astype(int), fit=None).krcc is None
    # Half of the resamples hold one value only.
    few = bootstrap_intervals(
        np.array([0.0, 0, 1, 1]), np.arange(4.0), np.array([0, 0, 1, 1]), fit=None
    )
    assert few.srcc is None


def test_percentiles():
    values = np.arange(101.0)
    assert percentile_interval(values, confidence=0.9) == pytest.approx((5, 95))
    values[:5] = np.nan
    assert percentile_interval(values) is not None
    values[:50] = np.nan
    assert percentile_interval(values) is None

"""Intervals by the clustered bootstrap: references are drawn, not images.

The distorted versions of one photograph share its content, and a metric that misjudges
one tends to misjudge the others; intervals from single images come out too narrow. So
whole references are drawn with replacement, with all their images, and every figure is
computed anew (Field and Welsh, JRSS B 69, 2007). Images without a reference are drawn
one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jiqa.evaluation.statistics.correlations import FEWEST_ROWS, replace_infinite
from jiqa.evaluation.statistics.logistic import Fit
from jiqa.evaluation.statistics.resampled_ranks import (
    resampled_krcc,
    resampled_srcc,
    sums_by_cluster,
)

Interval = tuple[float, float]

#: Numbers that are drawn at a time.
_CHUNK = 1 << 20

#: Smallest movement of a curve, beside the largest, that is no rounding.
_LEAST_WAY = 1e-9

#: Share of resamples in which a figure must be defined for its interval to be given.
_DEFINED = 0.9


def cluster_numbers(references: Sequence[object]) -> np.ndarray:
    """Number the clusters 0 to c - 1 [n]: one per reference, one per row without."""
    known: dict[object, int] = {}
    return np.array(
        [
            known.setdefault(("reference", r) if r else ("row", i), len(known))
            for i, r in enumerate(references)
        ],
        np.int64,
    )


def draw_clusters(clusters: int, resamples: int, seed: int) -> np.ndarray:
    """Draw how often each resample holds each cluster [resamples, clusters]."""
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, clusters), np.int32)
    step = max(1, _CHUNK // clusters)
    for start in range(0, resamples, step):
        part = counts[start : start + step]
        drawn = rng.integers(clusters, size=part.shape)
        drawn += clusters * np.arange(len(part))[:, None]
        part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
    return counts


def percentile_interval(
    values: np.ndarray, *, confidence: float = 0.95
) -> Interval | None:
    """Return the middle share of the resampled figures.

    Args:
        values: a figure of every resample, NaN where it is not defined.
        confidence: the share.

    Returns:
        Lower and upper end; ``None`` where more than a tenth is not defined.
    """
    known = values[~np.isnan(values)]
    if not len(values) or len(known) < _DEFINED * len(values):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class Intervals:
    """Intervals of one metric's figures, in its direction; ``None`` if undefined.

    Attributes:
        srcc: of Spearman's correlation.
        krcc: of Kendall's tau-b.
        plcc: of Pearson's correlation after the mapping.
        rmse: of the error after the mapping.
    """

    srcc: Interval | None = None
    krcc: Interval | None = None
    plcc: Interval | None = None
    rmse: Interval | None = None


def bootstrap_intervals(
    x: np.ndarray,
    y: np.ndarray,
    clusters: np.ndarray,
    *,
    fit: Fit | None,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Intervals:
    """Compute percentile intervals of the figures of one metric.

    Args:
        x: the metric's values [n], infinities allowed.
        y: subjective scores [n].
        clusters: the cluster of each row, see ``cluster_numbers`` [n].
        fit: the curve fitted to these rows; without one, no PLCC and RMSE.
        resamples: how many.
        seed: equal seeds draw equal clusters, so that metrics of one data set are
            compared on the same resamples.
        confidence: coverage of the intervals.

    Returns:
        The intervals; none with fewer than two clusters or three rows.
    """
    count = int(clusters.max(initial=-1)) + 1
    if count < 2 or len(x) < FEWEST_ROWS or resamples < 1:
        return Intervals()
    draws = draw_clusters(count, resamples, seed)
    linear = resampled_errors(x, y, clusters, draws, fit) if fit else {}
    figures = {
        "srcc": resampled_srcc(x, y, clusters, draws),
        "krcc": resampled_krcc(x, y, clusters, draws),
        **linear,
    }
    return Intervals(
        **{k: percentile_interval(v, confidence=confidence) for k, v in figures.items()}
    )


def resampled_errors(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, draws: np.ndarray, fit: Fit
) -> dict[str, np.ndarray]:
    """PLCC and RMSE of every resample, the curve fitted anew by one Gauss-Newton step.

    Near the fit to all rows the curve is linear in its parameters, so the new fit, its
    error and its correlation follow from sums of products that are taken once per
    cluster: no curve is evaluated again.

    Returns:
        ``plcc`` and ``rmse`` [r]; NaN where not defined.
    """
    x, _ = replace_infinite(x)
    slopes = _directions(fit.jacobian(x))
    both = np.column_stack([y, fit(x)]) - y.mean()
    unit = np.abs(both).max() or 1.0
    # Columns: 1, score, curve, and how the curve moves with each parameter.
    table = np.column_stack([np.ones_like(y), both / unit, slopes])
    squares = (table[:, :, None] * table[:, None]).reshape(len(y), -1)
    sums = (draws @ sums_by_cluster(squares, clusters)).reshape(
        len(draws), table.shape[1], table.shape[1]
    )
    n = sums[:, 0, 0]
    some = n > 0
    sums[~some] = np.nan
    # The curve has weight 1 of its column and the step's of the others.
    step = np.zeros((len(draws), table.shape[1]))
    step[:, 2] = 1
    if slopes.shape[1]:
        curvature = sums[some, 3:, 3:]
        # What moves none of the rows that were drawn stays.
        size = np.trace(curvature, axis1=1, axis2=2)[:, None, None]
        curvature = curvature + (1e-10 * size + 1e-300) * np.eye(slopes.shape[1])
        error = sums[some, 3:, 1:2] - sums[some, 3:, 2:3]
        step[some, 3:] = np.linalg.solve(curvature, error)[..., 0]
    products = np.einsum("rij,rj->ri", sums, step)
    with_one, with_score = products[:, 0], products[:, 1]
    square = np.einsum("ri,ri->r", products, step)
    score, scores = sums[:, 0, 1], sums[:, 1, 1]
    covariance = with_score - with_one * score / n
    spread = (square - with_one**2 / n) * (scores - score**2 / n)
    known = spread > 1e-12 * square * scores
    plcc = np.full(len(draws), np.nan)
    plcc[known] = np.clip(covariance[known] / np.sqrt(spread[known]), -1, 1)
    mean_square = np.maximum(scores - 2 * with_score + square, 0) / n
    return {"plcc": plcc, "rmse": unit * np.sqrt(mean_square)}


def _directions(slopes: np.ndarray) -> np.ndarray:
    """Return the orthonormal directions in which parameters move a curve ``[n, ...]``.

    Parameters of a curve that is nearly a cubic or an exponential move it almost alike;
    what they move differently is not to be lost in sums of products.
    """
    slopes = slopes / np.maximum(np.abs(slopes).max(0, initial=0), 1e-300)
    ways, sizes, _ = np.linalg.svd(slopes, full_matrices=False)
    return ways[:, sizes > _LEAST_WAY * sizes.max(initial=0)]

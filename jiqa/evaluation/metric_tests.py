"""Tests of whether one metric is better than another, as metric-by-metric matrices.

The F-test compares the residuals of the fitted curves (Sheikh, Sabir and Bovik, IEEE
TIP 15(11), 2006); ``pair_discrimination`` needs no curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from jiqa.evaluation.rows import Block
from jiqa.evaluation.statistics.logistic import Fit
from jiqa.evaluation.statistics.pair_discrimination import analyse_pairs

#: Kurtosis between which Sheikh et al. take residuals as Gaussian.
_GAUSSIAN = (2.0, 4.0)

#: A metric without values on more than this share of the images is left out of the
#: analysis of pairs, which needs images on which all others have one.
_MOST_MISSING = 0.1

#: With fewer references, pairs are dependent through their images alone.
_FEW_REFERENCES = 10

_FEWEST = 3

Matrix = list[list[Any]]


def compare_metrics(
    block: Block,
    fits: Sequence[Fit | None],
    signs: np.ndarray,
    error: np.ndarray,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare every metric with every other in both ways.

    Args:
        block: the rated images and the metrics' values.
        fits: the curve of each metric, or ``None`` [m].
        signs: 1 for a metric that should rise with the scores, -1 if it should fall
            [m].
        error: standard error of each score, NaN where not known [n].
        seed: of the sample of pairs.

    Returns:
        ``data``, ``split``, ``metrics``; ``f_test``: 1 where the metric of the row has
        a significantly smaller residual variance than that of the column (one-sided,
        5 %), -1 for a larger, 0 for neither; ``f_p``: the one-sided p of the variance
        being as much smaller (or larger) as it is; ``kurtosis`` of each metric's
        residuals, and ``gaussian``: whether it is in [2, 4], which the F-test needs;
        ``krasula``: ``different_similar_auc``, ``better_worse_auc``, ``correct``,
        ``ds_p``, ``bw_p`` as in ``PairAnalysis``, ``images``, ``pairs`` and
        ``different`` looked at, and ``note``: why there is no analysis, or empty. What
        cannot be computed is ``None``.
    """
    residuals = [
        block.score - fit(values) if fit else np.full(values.shape, np.nan)
        for fit, values in zip(fits, block.values, strict=True)
    ]
    test, p = f_test_matrix(np.array(residuals).reshape(block.values.shape))
    kurtosis = [residual_kurtosis(r) for r in residuals]
    return {
        "data": block.data,
        "split": block.split,
        "metrics": list(block.metrics),
        "f_test": test,
        "f_p": p,
        "kurtosis": kurtosis,
        "gaussian": [
            None if k is None else _GAUSSIAN[0] <= k <= _GAUSSIAN[1] for k in kurtosis
        ],
        "krasula": _pairs(block, signs, error, seed),
    }


def f_test_matrix(
    residuals: np.ndarray, *, level: float = 0.05
) -> tuple[Matrix, Matrix]:
    """F-test each pair of residual variances, on the rows that both have.

    As published: the images count as independent, and so do the two metrics' residuals
    of one image.

    Args:
        residuals: [m, n], NaN where a metric has no value.
        level: one-sided level.

    Returns:
        Verdicts (1 row better, -1 row worse, 0 neither) and p; see
        ``compare_metrics``.
    """
    m = len(residuals)
    verdict: Matrix = [[None] * m for _ in range(m)]
    p_values: Matrix = [[None] * m for _ in range(m)]
    known = ~np.isnan(residuals)
    for i in range(m):
        for j in range(m):
            rows = known[i] & known[j]
            n = int(rows.sum())
            if n < _FEWEST:
                continue
            a, b = residuals[i, rows].var(ddof=1), residuals[j, rows].var(ddof=1)
            if a == b:
                p = 0.5
            else:
                ratio = min(a, b) / max(a, b)
                p = float(stats.f.cdf(ratio, n - 1, n - 1))
            p_values[i][j] = p
            verdict[i][j] = 0 if p >= level or i == j else 1 if a < b else -1
    return verdict, p_values


def residual_kurtosis(residuals: np.ndarray) -> float | None:
    """Return the fourth standardised moment (3 for a Gaussian), or ``None``."""
    known = residuals[~np.isnan(residuals)]
    if len(known) < _FEWEST or not known.std() > 0:
        return None
    standard = (known - known.mean()) / known.std()
    return float(np.mean(standard**4))


def _pairs(
    block: Block, signs: np.ndarray, error: np.ndarray, seed: int
) -> dict[str, Any]:
    m = len(block.metrics)
    empty: Matrix = [[None] * m for _ in range(m)]
    result: dict[str, Any] = {
        "different_similar_auc": [None] * m,
        "better_worse_auc": [None] * m,
        "correct": [None] * m,
        "ds_p": empty,
        "bw_p": [list(row) for row in empty],
        "images": 0,
        "pairs": 0,
        "different": 0,
        "note": "",
    }
    if np.isnan(error).all():
        return result | {"note": "the scores have no deviations"}
    missing = np.isnan(block.values).mean(1)
    used = np.flatnonzero(missing <= _MOST_MISSING)
    rows = ~np.isnan(error) & ~np.isnan(block.values[used]).any(0)
    if not len(used) or rows.sum() < _FEWEST:
        return result | {"note": "too few images on which the metrics have values"}
    clusters = block.clusters[rows]
    if len(np.unique(clusters)) < _FEW_REFERENCES:
        clusters = np.arange(len(clusters))
    found = analyse_pairs(
        (signs[:, None] * block.values)[np.ix_(used, np.flatnonzero(rows))],
        block.score[rows],
        error[rows],
        clusters=clusters,
        seed=seed,
    )
    if found is None:
        return result | {"note": "too few pairs that differ, or that do not"}
    result |= {
        "images": int(rows.sum()),
        "pairs": found.pairs,
        "different": found.different,
    }
    for name, values in (
        ("different_similar_auc", found.different_similar),
        ("better_worse_auc", found.better_worse),
        ("correct", found.correct),
    ):
        for place, value in zip(used, values, strict=True):
            result[name][place] = float(value)
    for name, table in (
        ("ds_p", found.different_similar_p),
        ("bw_p", found.better_worse_p),
    ):
        for i, row in zip(used, table, strict=True):
            for j, value in zip(used, row, strict=True):
                result[name][i][j] = float(value)
    return result

"""Agreement between a metric's values and subjective scores, as single figures.

Every function takes two arrays [n] without NaN. What is not defined (fewer than three
rows, values that are all the same) is ``None``, never NaN.

Infinite values, such as the PSNR of two identical images, are values like others to
the rank correlations: above (or below) all finite ones and tied among themselves. The
others need finite numbers; ``replace_infinite`` puts the largest finite one instead,
as the evaluation script of CID:IQ does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from jiqa.checks import expected

#: With two rows every correlation is 1 or -1.
FEWEST_ROWS = 3


def srcc(x: ArrayLike, y: ArrayLike) -> float | None:
    """Spearman's rank-order correlation; ties share the mean of their ranks."""
    x, y = _pair(x, y)
    if not _defined(x, y):
        return None
    return _pearson(stats.rankdata(x), stats.rankdata(y))


def krcc(x: ArrayLike, y: ArrayLike) -> float | None:
    """Kendall's rank-order correlation tau-b, which corrects for ties in both."""
    x, y = _pair(x, y)
    if not _defined(x, y):
        return None
    # Ranks, since SciPy need not know of infinities.
    found: Any = stats.kendalltau(stats.rankdata(x), stats.rankdata(y), variant="b")
    return float(found.statistic)


def plcc(x: ArrayLike, y: ArrayLike) -> float | None:
    """Pearson's linear correlation of finite values, without any mapping."""
    x, y = _finite(x, y)
    return _pearson(x, y) if _defined(x, y) else None


def rmse(x: ArrayLike, y: ArrayLike) -> float:
    """Root of the mean squared difference of finite values, over n (not n - 1)."""
    x, y = _finite(x, y)
    return float(np.sqrt(np.mean(np.square(x - y))))


def outlier_ratio(
    predicted: ArrayLike, score: ArrayLike, deviation: ArrayLike
) -> float | None:
    """Share of rows whose error exceeds twice the score's uncertainty.

    The rule of the Video Quality Experts Group: |predicted - score| > 2 deviation.

    Args:
        predicted: what the metric predicts on the subjective scale [n].
        score: the subjective scores [n].
        deviation: the uncertainty of each score as its data set publishes it [n]; rows
            with NaN are left out.

    Returns:
        A share in [0, 1], lower is better; ``None`` if no row has a deviation.
    """
    predicted, score = _finite(predicted, score)
    deviation = np.asarray(deviation, np.float64)
    known = ~np.isnan(deviation)
    if not known.any():
        return None
    error = np.abs(predicted - score)[known]
    return float(np.mean(error > 2 * deviation[known]))


def replace_infinite(x: ArrayLike) -> tuple[np.ndarray, int]:
    """Replace infinite values by the largest (or smallest) finite one.

    Returns:
        The values [n] and how many were replaced. Without any finite value to take,
        they are all 0.
    """
    x = np.asarray(x, np.float64)
    infinite = np.isinf(x)
    if not infinite.any():
        return x, 0
    finite = x[~infinite]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return np.clip(x, low, high), int(infinite.sum())


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            expected("x, y", "two arrays of one length [n]", f"{x.shape} and {y.shape}")
        )
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("the values contain NaN; leave out rows with missing values")
    return x, y


def _finite(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = _pair(x, y)
    if np.isinf(x).any() or np.isinf(y).any():
        raise ValueError(
            "infinite values have no linear correlation or error; see replace_infinite"
        )
    return x, y


def _defined(x: np.ndarray, y: np.ndarray) -> bool:
    return x.size >= FEWEST_ROWS and bool((x != x[0]).any() and (y != y[0]).any())


def _pearson(x: np.ndarray, y: np.ndarray) -> float | None:
    # Largest values of 1e308, or differences that underflow, have no variance.
    x, y = (v / (np.abs(v).max() or 1) for v in (x, y))
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt(np.dot(x, x)) * np.sqrt(np.dot(y, y))
    return float(np.clip(np.dot(x, y) / size, -1, 1)) if size > 0 else None

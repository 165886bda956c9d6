"""The five-parameter logistic fitted to many columns at once, by variable projection.

Correlations of quality scores are given after a mapping onto the subjective scale, most
often

    f(x) = b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5.

With b2 and b3 fixed this is linear in b1, b4 and b5. With x standardised to z it is
b1/2 tanh(k (z - c)) plus a straight line, so that the least squares fit is that of the
part of the tanh which no line explains, and only k and c are searched for: on a grid
over binned scores first (``jiqa.evaluation.statistics.logistic_grid``), then by
Newton's method on all scores. The correlation of the fitted f with the subjective
scores is the multiple correlation of the two regressors, never below that of the
straight line.

G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate", SIAM Journal on Numerical Analysis 10(2),
1973, doi:10.1137/0710036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.evaluation.statistics.logistic_grid import search_grid
from jiqa.evaluation.statistics.logistic_newton import ascend, explained_part

#: Largest steepness k of the tanh, for scores with standard deviation 1. Four fifths
#: of its rise then take a seventh of a standard deviation; without a limit, the best
#: fit of a hundred noisy scores often is a step between two neighbours.
STEEPEST = 15.0
_ROWS = 32  # at once: a few megabytes


@dataclass(frozen=True)
class LogisticFits:
    """Least squares fits of the five-parameter logistic.

    Attributes:
        parameters: b1 to b5 ``[..., 5]``.
        correlation: Pearson correlation of the mapped with the subjective scores
            ``[...]``; NaN for constant columns and those with values that are not
            finite.
    """

    parameters: np.ndarray
    correlation: np.ndarray


def logistic(x: Any, parameters: Any) -> np.ndarray:
    """The mapping at ``x [..., N]`` with ``parameters [..., 5]``."""
    x = np.asarray(x, np.float64)
    b1, b2, b3, b4, b5 = np.moveaxis(np.asarray(parameters), -1, 0)[..., None]
    return b1 / 2 * np.tanh(b2 * (x - b3) / 2) + b4 * x + b5


def fit_logistic(
    x: Any, y: Any, *, steepest: float = STEEPEST, starts: int = 3
) -> LogisticFits:
    """Fit the logistic to every column of scores.

    Args:
        x: objective scores ``[..., N]``.
        y: subjective scores ``[N]``, finite and not all equal.
        steepest: limit of b2 / 2 times the standard deviation of the scores; see
            ``STEEPEST``.
        starts: how many places of the grid Newton's method starts from.

    Returns:
        The fits; a column that is constant or not finite has NaN throughout.

    Raises:
        ValueError: fewer than six scores, or shapes that do not fit.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if y.ndim != 1 or y.size < 6 or x.shape[-1:] != y.shape:
        raise ValueError(
            expected(
                "x, y",
                "shapes [..., N] and [N] with six or more scores",
                f"{x.shape} and {y.shape}",
            )
        )
    unit = standardised(y)
    rows = x.reshape(-1, y.size)
    found = np.full((len(rows), 6), np.nan)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        z, centre, spread, good = standardised_rows(part)
        where = start + np.flatnonzero(good)
        k, c, found[where, 5] = best_fits(z, unit, steepest=steepest, starts=starts)
        bend, slope, level = _linear_part(z, unit, k, c)
        slope *= y.std() / spread
        found[where, 0] = 2 * bend * y.std()
        found[where, 1] = 2 * k / spread
        found[where, 2] = centre + spread * c
        found[where, 3] = slope
        found[where, 4] = y.mean() + level * y.std() - slope * centre
    found = found.reshape(*x.shape[:-1], 6)
    return LogisticFits(found[..., :5], found[..., 5])


def standardised(y: np.ndarray) -> np.ndarray:
    """``y [N]`` with mean 0 and standard deviation 1.

    Raises:
        ValueError: values that are all equal, or not all finite.
    """
    if not (np.isfinite(y).all() and np.ptp(y) > 0):
        raise ValueError(
            "subjective scores: expected finite numbers that differ, got all equal, "
            "or not all finite"
        )
    return (y - y.mean()) / y.std()


def varying(rows: np.ndarray) -> np.ndarray:
    """Which rows ``[rows, N]`` are finite and not constant."""
    with np.errstate(invalid="ignore", over="ignore"):
        # A constant row may have a deviation, of rounding.
        spread, level = rows.std(1), np.abs(rows).max(1)
        return np.isfinite(spread) & (spread > 1e-12 * level)


def standardised_rows(
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Those rows that vary with mean 0 and standard deviation 1.

    Returns:
        Standardised rows, their mean and standard deviation, and which rows they are,
        ``[rows]``.
    """
    good = varying(rows)
    rows = rows if good.all() else rows[good]
    centre, spread = rows.mean(1), rows.std(1)
    return (rows - centre[:, None]) / spread[:, None], centre, spread, good


def estimated(z: np.ndarray, y: np.ndarray, *, steepest: float) -> np.ndarray:
    """About the correlation that ``best_fits`` finds, from the grid alone."""
    slope, rest = _without_line(z, y)
    gain = search_grid(z, rest, 1, steepest)[1]
    return np.sqrt(np.clip(slope**2 + gain, 0, 1))


def best_fits(
    z: np.ndarray, y: np.ndarray, *, steepest: float, starts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steepness, middle and correlation of the best fit of each standardised row.

    Args:
        z: rows ``[rows, N]`` of mean 0 and standard deviation 1.
        y: what they are fitted to ``[N]``, standardised likewise.
        steepest: as for ``fit_logistic``.
        starts: as for ``fit_logistic``.
    """
    slope, rest = _without_line(z, y)
    begin, _ = search_grid(z, rest, starts, steepest)
    place = begin[:, 0].copy()
    gain = np.full(len(z), -1.0)
    for start in range(begin.shape[1]):
        found, value = ascend(z, rest, begin[:, start], steepest)
        better = value > gain
        place[better], gain[better] = found[better], value[better]
    correlation = np.sqrt(np.clip(slope**2 + gain, 0, 1))
    return np.exp(place[:, 0]), place[:, 1], correlation


def _without_line(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope of the straight line, and what it leaves over of ``y``."""
    slope = np.einsum("rn,n->r", z, y) / y.size
    return slope, y - slope[:, None] * z


def _linear_part(
    z: np.ndarray, y: np.ndarray, k: np.ndarray, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor of the tanh, slope and level of the line."""
    slope, rest = _without_line(z, y)
    part, level, tilt = explained_part(z, np.stack([np.log(k), c], 1), rest)
    return part, slope - part * tilt, -part * level

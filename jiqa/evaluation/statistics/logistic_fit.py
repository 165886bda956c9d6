"""The five-parameter logistic fitted to many columns at once, by variable projection.

Correlations of quality scores are given after a mapping onto the subjective scale, most
often

    f(x) = b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5.

With b2 and b3 fixed this is linear in b1, b4 and b5. With x standardised to z it is
b1/2 tanh(k (z - c)) plus a straight line, so that the least squares fit is that of the
part of the tanh which no line explains, and only k and c are searched for: on a grid
over binned scores first (``jiqa.evaluation.statistics.logistic_grid``), then by
Newton's method on all scores (``logistic_newton``; ``logistic_search`` joins the two).
The correlation of the fitted f with the subjective scores is the multiple correlation
of the two regressors, never below that of the straight line. Without b4 the curve is
the four-parameter logistic, with a level instead of the line.

This is the only fit of a logistic here: ``statistics.logistic`` describes its result
for one set of scores (evaluation, bootstrap, selectors), and the feature-map study
calls it for many candidates, so that both give one PLCC for the same scores.

Limits. The curve may rise or fall and may turn round within the scores, as in common
use of the formula; evaluation notes where it does. The middle lies within the scores or
5/k beyond, and k is at least a tenth over their range: outside of that the curve is an
exponential, a parabola or a cubic, which the limits come within 1e-4 of. What matters
is the largest k. Plain least squares from many random starts on noisy scores finds a
step between two neighbours. The limit is therefore relative to how close the scores
lie: k times the shortest interval that holds a quarter of them is at most
``STEEPEST`` times what it is for a normal distribution of standard deviation 1. Four
fifths of the rise then extend over a ninth of the scores or more, where they are
densest. The standard deviation is no measure: on metrics that saturate, most scores lie
within a few hundredths of it, and the interquartile range is none for scores that pile
up at both ends.

The number was chosen on TID2013's 11 official metrics (3,000 images each, and each of
24 distortions), on 15 sharpness indices of KonIQ-10k (10,073 photographs, and samples
of 200), and on 200 synthetic sets, of noisy metrics and of saturating ones:

- Of the 26 whole sets, the best fit without a limit is reached to 1e-5 of the
  correlation in 25, with a k of at most 5.2 in these units. In the other (PSNR over
  three channels, whose values bunch for additive noise), a step gains .0023.
- Fitted to half of a set and tested on the other, the error on the other half is, with
  limits of 2.5, 5, 10, 15, 30 and 100, for the parts of TID2013 -.66, -.39, -.15, 0,
  +.23 and +.33 per cent beside that of 15, for samples of KonIQ-10k -.68, -.36, -.04,
  0, +.05 and +.19, for noisy sets -.70, -.43, -.12, 0, +.08 and +.20, and for
  saturating ones +1.04, -.54, -.27, 0, +.53 and +.52.
- Where the best of 30 to 120 random starts of plain least squares stays within the
  limits, this fit is not below it by more than 1e-5 (191 of the sets). Where noise
  leaves many peaks, some two sets in 400 are below the best within the limits, by .004.

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
from jiqa.evaluation.statistics.logistic_newton import explained_part
from jiqa.evaluation.statistics.logistic_search import search

#: Largest steepness k of the tanh, for normally distributed scores with standard
#: deviation 1; see above for others.
STEEPEST = 7.5
_ROWS = 32  # columns at once


@dataclass(frozen=True)
class BestFits:
    """The fits of standardised rows, in units of their scores.

    Attributes:
        steepness: k of the tanh ``[rows]``.
        middle: c ``[rows]``.
        correlation: of the mapped with the subjective scores ``[rows]``.
        ended: whether the search converged ``[rows]``.
    """

    steepness: np.ndarray
    middle: np.ndarray
    correlation: np.ndarray
    ended: np.ndarray


@dataclass(frozen=True)
class LogisticFits:
    """Least squares fits of the five-parameter logistic.

    Attributes:
        parameters: b1 to b5 ``[..., 5]``; b4 is 0 without a tilt.
        correlation: Pearson correlation of the mapped with the subjective scores
            ``[...]``; NaN for constant columns and those with values that are not
            finite.
        ended: whether the search converged ``[...]``.
    """

    parameters: np.ndarray
    correlation: np.ndarray
    ended: np.ndarray


def fit_logistics(
    x: Any, y: Any, *, steepest: float = STEEPEST, tilted: bool = True
) -> LogisticFits:
    """Fit the logistic to every column of scores.

    Args:
        x: objective scores ``[..., N]``.
        y: subjective scores ``[N]``, finite and not all equal.
        steepest: limit of the steepness; see ``STEEPEST``.
        tilted: whether the curve has its straight term b4 x; without it, it is the
            four-parameter logistic.

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
    ended = np.zeros(len(rows), bool)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        z, centre, spread, good = standardised_rows(part)
        where = start + np.flatnonzero(good)
        best = best_fits(z, unit, steepest=steepest, tilted=tilted)
        bend, slope, level = _straight_part(z, unit, best, tilted)
        slope *= y.std() / spread
        found[where, 0] = 2 * bend * y.std()
        found[where, 1] = 2 * best.steepness / spread
        found[where, 2] = centre + spread * best.middle
        found[where, 3] = slope
        found[where, 4] = y.mean() + level * y.std() - slope * centre
        found[where, 5], ended[where] = best.correlation, best.ended
    found = found.reshape(*x.shape[:-1], 6)
    return LogisticFits(found[..., :5], found[..., 5], ended.reshape(x.shape[:-1]))


def standardised(y: np.ndarray) -> np.ndarray:
    """Standardise ``y [N]`` to mean 0 and standard deviation 1.

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
    """Return which rows ``[rows, N]`` are finite and not constant."""
    with np.errstate(invalid="ignore", over="ignore"):
        # A constant row may have a deviation, of rounding.
        spread, level = rows.std(1), np.abs(rows).max(1)
        return np.isfinite(spread) & (spread > 1e-12 * level)


def standardised_rows(
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardise those rows that vary to mean 0 and standard deviation 1.

    Returns:
        Standardised rows, their mean and standard deviation, and which rows they are,
        ``[rows]``.
    """
    good = varying(rows)
    rows = rows if good.all() else rows[good]
    centre, spread = rows.mean(1), rows.std(1)
    return (rows - centre[:, None]) / spread[:, None], centre, spread, good


def estimated(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Estimate the correlation that ``best_fits`` finds, from the grid alone."""
    slope, rest = _without_straight(z, y, True)
    gain = search_grid(z, rest, 1)[1]
    return np.sqrt(np.clip(slope**2 + gain, 0, 1))


def best_fits(
    z: np.ndarray, y: np.ndarray, *, steepest: float = STEEPEST, tilted: bool = True
) -> BestFits:
    """Return the best fit of each standardised row.

    Args:
        z: rows ``[rows, N]`` of mean 0 and standard deviation 1.
        y: what they are fitted to ``[N]``, standardised likewise.
        steepest: as for ``fit_logistics``.
        tilted: as for ``fit_logistics``.
    """
    slope, rest = _without_straight(z, y, tilted)
    peaks = search(z, rest, steepest, tilted=tilted)
    correlation = np.sqrt(np.clip(slope**2 + peaks.gain, 0, 1))
    k, c = np.exp(peaks.point[:, 0]), peaks.point[:, 1]
    return BestFits(k, c, correlation, peaks.ended)


def _without_straight(
    z: np.ndarray, y: np.ndarray, tilted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Slope of the straight part, and what it leaves over of ``y``."""
    if not tilted:
        return np.zeros(len(z)), np.broadcast_to(y, z.shape)
    slope = np.einsum("rn,n->r", z, y) / y.size
    return slope, y - slope[:, None] * z


def _straight_part(
    z: np.ndarray, y: np.ndarray, best: BestFits, tilted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor of the tanh, slope and level of the straight part."""
    slope, rest = _without_straight(z, y, tilted)
    point = np.stack([np.log(best.steepness), best.middle], 1)
    part, level, tilt = explained_part(z, point, rest, tilted=tilted)
    return part, slope - part * tilt, -part * level

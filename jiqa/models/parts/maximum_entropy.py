"""Histograms of subjective scores from their mean, or from mean and deviation.

Of all distributions with these moments the one of largest entropy: NIMA is trained so
on data sets that do not publish their votes. On the host, in NumPy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from jiqa.checks import expected

#: Newton steps allowed; moments far inside take 5 to 10.
_STEPS = 100


def maximum_entropy(
    values: ArrayLike, mean: float, deviation: float | None = None
) -> np.ndarray:
    """Probabilities ``[N]`` of largest entropy with the moments given.

    They are p_k = exp(a s_k + b s_k^2) / Z, b = 0 without a deviation; a and b minimise
    log Z less their product with the moments, which is convex. Newton's method with
    halved steps, to a gradient under 1e-10.

    Args:
        values: s_k ``[N]``, ascending; at least two.
        mean: within ``values``; at either end all mass lies there.
        deviation: standard deviation of single ratings. On few values not every one
            is possible: with the mean between two of them no distribution is narrower
            than on those two, and none wider than on the two ends. One outside, or
            nearer to a limit than 1 % of the way between them, is moved there: at a
            limit itself the exponents are infinite.

    Raises:
        ValueError: a mean outside the values or no number.
    """
    s = np.asarray(values, np.float64)
    if not s[0] <= mean <= s[-1]:
        raise ValueError(expected("mean", f"{s[0]:g} to {s[-1]:g}", f"{mean}"))
    if mean in (s[0], s[-1]):
        return (s == mean).astype(np.float64)
    # From -1 to 1, where the squares' and the values' curvatures are alike.
    centre, half = (s[0] + s[-1]) / 2, (s[-1] - s[0]) / 2
    t, m = (s - centre) / half, (mean - centre) / half
    if deviation is None:
        return _newton(t[:, None], np.array([m]))
    variance = _possible(t, m, (deviation / half) ** 2)
    if variance is None:
        return _newton(t[:, None], np.array([m]))
    return _newton(np.stack([t, t * t], 1), np.array([m, variance + m * m]))


def _possible(t: np.ndarray, mean: float, variance: float) -> float | None:
    """Return the nearest variance possible on ``t``; ``None`` if there is only one."""
    above = int(np.searchsorted(t, mean, "right"))
    low = (t[above] - mean) * (mean - t[above - 1])
    high = (t[-1] - mean) * (mean - t[0])
    edge = 0.01 * (high - low)
    return float(np.clip(variance, low + edge, high - edge)) if edge > 1e-12 else None


def _newton(features: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Probabilities proportional to exp(features @ x) with these mean features."""
    x = np.zeros(len(moments))

    def at(x: np.ndarray) -> tuple[float, np.ndarray]:
        exponents = features @ x
        top = exponents.max()
        p = np.exp(exponents - top)
        return float(top + np.log(p.sum()) - moments @ x), p / p.sum()

    value, p = at(x)
    for _ in range(_STEPS):
        gradient = p @ features - moments
        if np.abs(gradient).max() < 1e-10:
            return p
        away = features - p @ features
        step = np.linalg.solve(away.T @ (away * p[:, None]), gradient)
        size = 1.0
        while True:
            new, q = at(x - size * step)
            if new <= value or size < 1e-10:
                break
            size /= 2
        x, value, p = x - size * step, new, q
    return p


def histograms(
    values: ArrayLike, means: ArrayLike, deviations: ArrayLike | None = None
) -> np.ndarray:
    """``maximum_entropy`` row by row ``[B, N]``; NaN for a mean that is not known.

    A deviation that is not known (NaN) is left out of its row.
    """
    s, m = np.asarray(values, np.float64), np.asarray(means, np.float64)
    d = np.full(len(m), np.nan) if deviations is None else np.asarray(deviations, float)
    rows = [
        np.full(len(s), np.nan)
        if np.isnan(mean)
        else maximum_entropy(s, mean, None if np.isnan(spread) else spread)
        for mean, spread in zip(m, d, strict=True)
    ]
    return np.stack(rows)

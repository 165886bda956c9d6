"""Curves from the scores of several methods to the scale of the subjective scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jiqa.evaluation.statistics.correlations import replace_infinite
from jiqa.evaluation.statistics.logistic import FitError, fit_logistic
from jiqa.ops.logistic import logistic_curve


@dataclass(frozen=True)
class Curves:
    """The five-parameter logistic of each method, see ``statistics.logistic``.

    A score beyond those that a curve was fitted to, an infinite one too, counts as the
    outermost of them: the curve's straight part says nothing out there.

    Attributes:
        parameters: b1 to b5 of each method [m, 5].
        low: smallest finite score that it was fitted to [m].
        high: largest [m].
        notes: where no logistic could be fitted, what replaces it; else empty.
    """

    parameters: np.ndarray
    low: np.ndarray
    high: np.ndarray
    notes: tuple[str, ...]

    def __call__(self, raw: Any, xp: Any = np) -> Any:
        """Map scores ``[..., m]``; NaN, a missing score, stays NaN.

        Args:
            raw: scores as the methods give them, in whose precision all is computed.
            xp: ``numpy``, or ``jax.numpy`` inside a compiled program.
        """
        return logistic_curve(raw, self.parameters, self.low, self.high, xp)

    def ends(self) -> tuple[float, float]:
        """Return the smallest and largest value that any of the curves takes."""
        places = np.linspace(self.low, self.high, 2001)
        values = self(places)
        return float(values.min()), float(values.max())

    def to_json(self) -> list[dict[str, Any]]:
        """Return one record a method, for ``from_json``."""
        return [
            {"parameters": list(map(float, b)), "low": float(low), "high": float(high)}
            | ({"note": note} if note else {})
            for b, low, high, note in zip(
                self.parameters, self.low, self.high, self.notes, strict=True
            )
        ]

    @classmethod
    def from_json(cls, records: Sequence[Mapping[str, Any]]) -> Curves:
        """Read what ``to_json`` returned."""
        return cls(
            np.array([r["parameters"] for r in records], np.float64).reshape(-1, 5),
            np.array([r["low"] for r in records], np.float64),
            np.array([r["high"] for r in records], np.float64),
            tuple(r.get("note", "") for r in records),
        )


def fit_curves(raw: ArrayLike, score: ArrayLike) -> Curves:
    """Fit each method's curve to the rows in which it has a score.

    Where no logistic can be fitted (``jiqa.evaluation.statistics.logistic.FitError``:
    fewer than ten rows, values that are all the same), the line of least squares takes
    its place, and where there is none either, the mean of the scores; ``notes`` says
    so.

    Args:
        raw: scores of the methods [n, m], NaN where one is missing; any direction.
        score: subjective scores [n].
    """
    raw, score = np.asarray(raw, np.float64), np.asarray(score, np.float64)
    fitted = [_fit(x[~np.isnan(x)], score[~np.isnan(x)], score.mean()) for x in raw.T]
    parameters, low, high, notes = zip(*fitted, strict=True)
    return Curves(np.array(parameters), np.array(low), np.array(high), tuple(notes))


def _fit(
    x: np.ndarray, y: np.ndarray, mean: float
) -> tuple[tuple[float, ...], float, float, str]:
    try:
        fit = fit_logistic(x, y)
        return fit.parameters, fit.low, fit.high, ""
    except FitError as error:
        why = str(error)
    x, _ = replace_infinite(x)
    if len(x) and np.ptp(x) > 0:
        slope, shift = np.polyfit(x, y, 1)
        line = (0.0, 0.0, 0.0, float(slope), float(shift))
        return line, float(x.min()), float(x.max()), f"{why}: a straight line"
    level = float(y.mean()) if len(y) else float(mean)
    place = float(x[0]) if len(x) else 0.0
    return (0.0, 0.0, 0.0, 0.0, level), place, place, f"{why}: the mean of the scores"

"""The monotone curve that takes a metric's values to the subjective scale.

Linear correlation and error are reported after such a mapping (VQEG, Final report from
the Video Quality Experts Group, 2000 and 2003; Sheikh, Sabir and Bovik, IEEE TIP
15(11), 2006). Two curves are in use:

``logistic-5``  b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5  (Sheikh 2006)
``logistic-4``  (b1 - b2) / (1 + exp(-(x - b3) / b4)) + b2  (VQEG)

The best curve is that of ``jiqa.evaluation.statistics.logistic_fit``, which says within
which limits it is sought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from jiqa.checks import expected
from jiqa.evaluation.statistics.correlations import plcc, replace_infinite, rmse
from jiqa.evaluation.statistics.logistic_fit import fit_logistics, varying
from jiqa.ops.logistic import logistic_about

#: Parameters of the curve, or ``None`` for the values as they are.
Curve = Literal[5, 4] | None

#: Fewer rows a parameter than this, and the curve follows the noise; a choice of ours.
ROWS_PER_PARAMETER = 2


class FitError(ValueError):
    """No curve can be fitted; the message says why."""


@dataclass(frozen=True)
class Fit:
    """A fitted curve, callable on values of the metric.

    Attributes:
        kind: ``"logistic-5"``, ``"logistic-4"`` or ``"none"`` (values as they are).
        parameters: b1, b2, ... of the formula above, for the x given.
        n: rows it was fitted to.
        infinite: how many of them were infinite and taken as ``low`` or ``high``.
        low: smallest finite x among the rows.
        high: largest finite x among the rows.
        plcc: Pearson's correlation of curve and scores; ``None`` for a flat curve.
        rmse: error on the subjective scale.
        course: ``"rising"`` or ``"falling"`` from ``low`` to ``high``, or ``"bent"``
            where the five-parameter curve turns round within the data.
        converged: whether the search ended at a minimum.
        message: how the search ended.
    """

    kind: str
    parameters: tuple[float, ...]
    n: int
    infinite: int
    low: float
    high: float
    plcc: float | None
    rmse: float
    course: str
    converged: bool
    message: str

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Predict subjective scores, shape of x; infinite x count as the extremes."""
        x = self._finite(x)
        b = self.parameters
        if self.kind == "none":
            return x
        if self.kind == "logistic-4":
            return (b[0] - b[1]) * expit((x - b[2]) / b[3]) + b[1]
        return logistic_about(x, b, (self.low + self.high) / 2)

    def jacobian(self, x: ArrayLike) -> np.ndarray:
        """Return derivatives of the prediction by the parameters [n, parameters]."""
        x = self._finite(x)
        b = self.parameters
        if self.kind == "none":
            return np.empty((*x.shape, 0))
        if self.kind == "logistic-4":
            upper = expit((x - b[2]) / b[3])
            bend = (b[0] - b[1]) * upper * (1 - upper) / b[3]
            columns = [upper, 1 - upper, -bend, -bend * (x - b[2]) / b[3]]
        else:
            upper = expit(b[1] * (x - b[2]))
            bend = b[0] * upper * (1 - upper)
            columns = [upper - 0.5, bend * (x - b[2]), -bend * b[1], x, np.ones_like(x)]
        return np.stack(columns, -1)

    def _finite(self, x: ArrayLike) -> np.ndarray:
        x = np.asarray(x, np.float64)
        return np.where(np.isinf(x), np.where(x > 0, self.high, self.low), x)


def fit_logistic(x: ArrayLike, y: ArrayLike, *, mapping: Curve = 5) -> Fit:
    """Fit the curve by least squares; the same data give the same curve.

    Args:
        x: a metric's values [n]; infinite ones count as the largest finite one.
        y: subjective scores [n], either direction.
        mapping: 5 or 4 parameters, or ``None`` to take x itself as the prediction.

    Raises:
        FitError: fewer than two rows a parameter, x or y all the same, or no finite x.
    """
    if mapping not in (5, 4, None):
        raise ValueError(expected("mapping", "5, 4 or None", repr(mapping)))
    x, infinite = replace_infinite(x)
    y = np.asarray(y, np.float64)
    fewest = ROWS_PER_PARAMETER * (mapping or 1)
    if len(x) < fewest:
        raise FitError(f"expected at least {fewest} rows for a curve, got {len(x)}")
    if infinite == len(x):
        raise FitError("all values are infinite")
    for name, values in (("values", x), ("scores", y)):
        if not varying(values[None])[0]:
            raise FitError(f"the {name} are all {values[0]:g}")
    if mapping is None:
        return _describe("none", (), x, y, infinite, True, "values as they are")
    return _fit(x, y, mapping, infinite)


def monotonic_beside(fit: Fit, x: ArrayLike, y: ArrayLike) -> Fit | None:
    """Fit a monotonic curve to what ``fit`` was fitted to, if it turns round there.

    A curve that turns round predicts a worse score for a better value somewhere, which
    no metric means. The four-parameter logistic cannot; it fits a little less well.

    Returns:
        That curve; ``None`` where ``fit`` is monotonic or no other can be fitted.
    """
    if fit.course != "bent":
        return None
    try:
        return fit_logistic(x, y, mapping=4)
    except FitError:
        return None


def _fit(x: np.ndarray, y: np.ndarray, mapping: int, infinite: int) -> Fit:
    """Fit the curve by least squares, in the parameters of its formula."""
    found = fit_logistics(x, y, tilted=mapping == 5)
    b1, b2, b3, b4, b5 = (float(b) for b in found.parameters)
    parameters = (b1, b2, b3, b4, b5)
    if mapping == 4:
        parameters = (b5 + b1 / 2, b5 - b1 / 2, b3, 1 / b2)
    ended = bool(found.ended)
    message = "at the least error" if ended else "stopped before the least error"
    return _describe(f"logistic-{mapping}", parameters, x, y, infinite, ended, message)


def _describe(
    kind: str,
    parameters: tuple[float, ...],
    x: np.ndarray,
    y: np.ndarray,
    infinite: int,
    converged: bool,
    message: str,
) -> Fit:
    known: dict[str, Any] = {
        "kind": kind,
        "parameters": parameters,
        "n": len(x),
        "infinite": infinite,
        "low": float(x.min()),
        "high": float(x.max()),
        "converged": converged and bool(np.isfinite(parameters).all()),
        "message": message,
    }
    curve = Fit(**known, plcc=None, rmse=np.nan, course="")
    predicted = curve(x)
    steps = np.diff(curve(np.linspace(x.min(), x.max(), 1001)))
    slack = 1e-9 * np.ptp(predicted)
    course = (
        "rising"
        if (steps >= -slack).all()
        else "falling"
        if (steps <= slack).all()
        else "bent"
    )
    return Fit(**known, plcc=plcc(predicted, y), rmse=rmse(predicted, y), course=course)

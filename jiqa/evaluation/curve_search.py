"""The best logistic curve through standardised data, found without guessed starts.

height (1 / (1 + exp(-slope (u - bend))) - 1/2) + tilt u + shift

is linear in all but slope and bend. Those two are laid out on a grid and the best
places of it refined by least squares; height, tilt and shift follow from each slope and
bend (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973, with
Kaufman's Jacobian, BIT 15, 1975).

Left to itself the best curve is often a limit of the formula (a step, a cubic, an
exponential) with parameters that grow without end. Slope and bend therefore stay in a
range beyond which the curve hardly changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize
from scipy.special import expit

#: Slopes of the grid, and quantiles of x at which it bends.
_SLOPES = 10
_QUANTILES = np.array([0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.98])

#: Largest slope, per interquartile range: the curve then takes a tenth of it for four
#: fifths of its height. Sharper ones step between two neighbouring images.
_SHARPEST = 50

#: Places of the grid that are refined.
_STARTS = 2

#: A curve with less power than this beside the line is rounding.
_FLAT = 1e-18

#: Rows that the grid looks at; the refinement takes all.
_GRID_ROWS = 1000


class CurveSearch:
    """Least squares over the logarithm of the slope and the place of the bend."""

    def __init__(self, u: np.ndarray, v: np.ndarray, *, tilted: bool) -> None:
        """Take standardised values.

        Args:
            u: values of the metric [n], not all the same.
            v: scores [n].
            tilted: whether the curve has a tilt (five parameters) or not (four).
        """
        line = np.stack([np.ones_like(u), u], -1) if tilted else np.ones((len(u), 1))
        # What height and bend cannot change is projected out once.
        self._line, self._turn = np.linalg.qr(line)
        self._u, self._v = u, v
        self._rest = self._off_line(v)
        low, high = u.min(), u.max()
        reach = high - low
        middle_half = np.subtract(*np.quantile(u, [0.75, 0.25])) or reach
        self._slopes = 0.25 / reach, _SHARPEST / min(middle_half, reach)
        self._bends = low - reach, high + reach

    def starts(self) -> list[np.ndarray]:
        """The best places of the grid that do not touch each other."""
        thin = slice(None, None, -(-len(self._u) // _GRID_ROWS))
        order = np.argsort(self._u, kind="stable")
        # The largest stays in, so that the few are not all the same.
        order = np.union1d(order[thin], order[-1:])
        small = self if len(order) == len(self._u) else self._thinned(order)
        low, high = np.log(self._slopes)
        slopes = np.linspace(low, high, _SLOPES + 2)[1:-1]
        bends = np.quantile(small._u, _QUANTILES)
        gain = np.array([[small.gain(s, b) for b in bends] for s in slopes])
        starts = []
        for _ in range(_STARTS):
            i, j = np.unravel_index(np.argmax(gain), gain.shape)
            starts.append(np.array([slopes[i], bends[j]]))
            gain[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = -np.inf
        return starts

    def _thinned(self, rows: np.ndarray) -> CurveSearch:
        return CurveSearch(
            self._u[rows], self._v[rows], tilted=self._line.shape[1] == 2
        )

    def gain(self, log_slope: float, bend: float) -> float:
        """Sum of squares that the bend explains beyond the line."""
        curve = self._off_line(self._logistic(log_slope, bend) - 0.5)
        power = curve @ curve
        return float((curve @ self._rest) ** 2 / power) if power > _FLAT else 0.0

    def refine(self, start: np.ndarray) -> Any:
        """Least squares from one start."""
        solved: dict[bytes, Any] = {}

        def at(place: np.ndarray) -> Any:
            # Residuals and derivatives are asked for one after the other.
            key = place.tobytes()
            if key not in solved:
                solved.clear()
                solved[key] = self._solve(place)
            return solved[key]

        derivatives: Any = lambda place: at(place)[1]  # noqa: E731
        return optimize.least_squares(
            lambda place: at(place)[0],
            start,
            derivatives,
            bounds=tuple(zip(np.log(self._slopes), self._bends, strict=True)),
            method="dogbox",
        )

    def curve(self, place: np.ndarray) -> tuple[float, float, float, float, float]:
        """Slope, bend, height, tilt and shift of the best curve with that bend."""
        height = self._solve(place)[2]
        left = self._v - height * (self._logistic(*place) - 0.5)
        line = np.linalg.solve(self._turn, self._line.T @ left)
        shift, tilt = (*line, 0.0)[:2]
        return float(np.exp(place[0])), float(place[1]), height, tilt, shift

    def _solve(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Residuals, their derivatives by log slope and bend, and the height."""
        upper = self._logistic(*place)
        curve = self._off_line(upper - 0.5)
        power = float(curve @ curve)
        height = float(curve @ self._rest) / power if power > _FLAT else 0.0
        steep = np.exp(place[0]) * upper * (1 - upper)
        moved = np.stack([steep * (self._u - place[1]), -steep], -1)
        moved = self._off_line(moved)
        if power > _FLAT:
            moved -= np.outer(curve, curve @ moved) / power
        return height * curve - self._rest, height * moved, height

    def _logistic(self, log_slope: float, bend: float) -> np.ndarray:
        return expit(np.exp(log_slope) * (self._u - bend))

    def _off_line(self, values: np.ndarray) -> np.ndarray:
        return values - self._line @ (self._line.T @ values)

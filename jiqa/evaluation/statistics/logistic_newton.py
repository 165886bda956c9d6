"""Newton's method on the variance that the bend of a logistic explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Smallest steepness times the range of the scores: the mapping then is a cubic, or a
#: quadratic, to a thousandth of its bend.
_LEAST_STEEP = 0.1
#: How far beyond the scores the middle of the tanh may lie, in units of its argument:
#: there it is an exponential to less than a ten thousandth.
_BEYOND = 5.0
_FAR = 90.0  # an exponent beyond which a term counts for nothing, and slows sums down
_MOST_ITERATIONS = 40
#: Of a correlation squared: the least rise worth a step, and the least that rounding
#: can deny.
_SMALLEST_RISE, _SURE_RISE = 1e-9, 1e-7
_FLAT = 1e-20  # share of a tanh that lines leave over, below which rounding speaks


@dataclass(frozen=True)
class Limits:
    """Limits of the search.

    Attributes:
        low: smallest score of each row ``[rows]``.
        high: largest ``[rows]``.
        gentlest: logarithm of the smallest steepness ``[rows]``.
        steepest: logarithm of the largest ``[rows]``.
    """

    low: np.ndarray
    high: np.ndarray
    gentlest: np.ndarray
    steepest: np.ndarray

    @classmethod
    def of(cls, z: np.ndarray, steepest: np.ndarray) -> Limits:
        """Return the limits of rows of scores ``[rows, N]`` and largest steepness."""
        low, high = z.min(1), z.max(1)
        gentlest = np.log(_LEAST_STEEP / (high - low))
        return cls(low, high, gentlest, np.maximum(np.log(steepest), gentlest))

    def of_rows(self, rows: np.ndarray) -> Limits:
        """Return those of some rows."""
        return Limits(
            self.low[rows], self.high[rows], self.gentlest[rows], self.steepest[rows]
        )

    def bounded(self, point: np.ndarray) -> np.ndarray:
        """Clip log k and c ``[rows, 2]`` to the limits."""
        log_k = np.clip(point[:, 0], self.gentlest, self.steepest)
        beyond = _BEYOND * np.exp(-log_k)
        middle = np.clip(point[:, 1], self.low - beyond, self.high + beyond)
        return np.stack([log_k, middle], axis=1)


def ascend(
    z: np.ndarray,
    rest: np.ndarray,
    begin: np.ndarray,
    steepest: np.ndarray,
    *,
    tilted: bool,
    steps: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb from a start to a maximum of the explained variance, for every row.

    Args:
        z: standardised scores ``[rows, N]``.
        rest: what the straight part leaves over of the subjective scores,
            ``[rows, N]``.
        begin: logarithm of the steepness k, and middle c, ``[rows, 2]``.
        steepest: limit of the steepness ``[rows]``.
        tilted: whether the straight part is a line, or only a level.
        steps: how many at most, where the search need not come to an end.

    Returns:
        Logarithm of k, and c ``[rows, 2]``, the variance of ``rest`` explained
        ``[rows]``, and whether the search converged ``[rows]``.
    """
    limits = Limits.of(z, steepest)
    point = limits.bounded(begin)
    value, slope, bend = _explained(z, rest, point, tilted)
    reach = np.ones(len(z))
    going = np.arange(len(z))
    for _ in range(steps or _MOST_ITERATIONS):
        if not going.size:
            break
        within = limits.of_rows(going)
        trial, promise, length = _next(
            point[going], slope[going], bend[going], reach[going], within
        )
        trial = within.bounded(trial)
        found = _explained(z, rest, trial, tilted)
        up = found[0] > value[going]
        reach[going] = np.where(up, np.minimum(2 * reach[going], 2.0), length / 4)
        better = going[up]
        point[better] = trial[up]
        value[better], slope[better], bend[better] = (part[up] for part in found)
        more = promise > np.where(up, _SMALLEST_RISE, _SURE_RISE)
        if not more.all():
            going, z, rest = going[more], z[more], rest[more]
    ended = np.ones(len(point), bool)
    ended[going] = False
    return point, value, ended


def explained_part(
    z: np.ndarray, point: np.ndarray, rest: np.ndarray, *, tilted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor of the tanh in the fit, and the line in the tanh: level and slope."""
    t, _ = _bent(_argument(z, point), point)
    floor = _FLAT * _dot(t, t)
    level, tilt = _take_line(t, z, tilted)
    level -= _sign(point)
    return _dot(t, rest) / np.maximum(_dot(t, t), floor), level, tilt


def _argument(z: np.ndarray, point: np.ndarray) -> np.ndarray:
    return np.exp(point[:, :1]) * (z - point[:, 1:])


def _sign(point: np.ndarray) -> np.ndarray:
    return np.where(point[:, 1] < 0, -1.0, 1.0)


def _bent(u: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tanh(u), plus 1 where its middle is positive and less 1 else, and its slope.

    Where most scores lie far to one side, that keeps the digits which the tanh loses.
    """
    sign = _sign(point)[:, None]
    t = np.minimum((-2 * sign) * u, _FAR)
    np.exp(t, out=t)
    t += 1
    np.divide(2 * sign, t, out=t)
    return t, (2 * sign - t) * t


def _take_line(
    t: np.ndarray, z: np.ndarray, tilted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Subtract from ``t``, in-place, what the straight part explains of it."""
    level, tilt = t.mean(1), np.zeros(len(t))
    t -= level[:, None]
    if tilted:
        tilt = _dot(t, z) / z.shape[1]
        t -= tilt[:, None] * z
    return level, tilt


def _explained(
    z: np.ndarray, rest: np.ndarray, point: np.ndarray, tilted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variance of ``rest`` that tanh(k (z - c)) explains beyond the straight part.

    With t what the straight part leaves over of the tanh, it is the square of
    <t, rest> over <t, t>.

    Returns:
        The value ``[rows]``, and in log k and c, the latter in units of 1 / k, its
        gradient ``[rows, 2]`` and its second derivatives ``[rows, 3]``: twice log k,
        mixed, twice c.
    """
    size = z.shape[1]
    u = _argument(z, point)
    t, a = _bent(u, point)
    ua, ta = u * a, (t - _sign(point)[:, None]) * a
    floor = _FLAT * _dot(t, t)
    _take_line(t, z, tilted)
    left = np.maximum(_dot(t, t), floor)
    factor = _dot(t, rest) / left
    residual = rest - factor[:, None] * t
    # Derivatives of the tanh are u a and -a: their products with t, the residual and
    # each other, of which the straight part explains nothing.
    by_t = np.stack([_dot(ua, t), -_dot(a, t)], 1)
    by_residual = np.stack([_dot(ua, residual), -_dot(a, residual)], 1)
    level = np.stack([ua.mean(1), -a.mean(1)], 1)
    square = np.stack([_dot(ua, ua), -_dot(ua, a), _dot(a, a)], 1)
    i, j = [0, 0, 1], [0, 1, 1]
    inner = square - size * (level[:, i] * level[:, j])
    if tilted:
        tilt = np.stack([_dot(ua, z), -_dot(a, z)], 1)
        inner -= tilt[:, i] * tilt[:, j] / size
    ta *= residual
    ta_residual = ta.sum(1)
    ta *= u
    mixed = 2 * ta.sum(1)
    twice = -2 * _dot(ta, u)
    second = by_residual[:, [0, 1, 1]]
    second[:, 2] = -2 * ta_residual
    second[:, 0] += twice
    second[:, 1] += mixed
    lost = by_residual - factor[:, None] * by_t
    bend = lost[:, i] * lost[:, j] / left[:, None] + factor[:, None] * second
    bend -= np.square(factor)[:, None] * inner
    value = np.square(factor) * left / size
    return value, 2 * factor[:, None] * by_residual / size, 2 * bend / size


def _next(
    point: np.ndarray,
    slope: np.ndarray,
    bend: np.ndarray,
    reach: np.ndarray,
    limits: Limits,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the next position to try, the promised rise of the step, and its length.

    With the middle of the tanh beyond the scores and moving away, an exponential
    remains and little of c, in proportion to w = exp(-2 k |c|); with a tanh that is
    nearly straight and getting straighter, a cubic remains and little of k, in
    proportion to w = k^2. The step then is one in w, which may be the last, since the
    explained variance is smooth at w = 0.
    """
    straight = (point[:, 0] < 0) & (slope[:, 0] < 0)
    beyond = (point[:, 1] > limits.high).astype(int) - (point[:, 1] < limits.low)
    beyond = np.where(slope[:, 1] * beyond > 0, beyond, 0)
    # log w, twice log k or minus twice k |c|, is a coordinate times this.
    twice = np.stack([np.where(straight, 2.0, 0), -2.0 * beyond], 1)
    curved = twice != 0
    scale = np.where(curved, 1 / np.where(curved, twice, 1), 1)
    bend = bend * np.stack([scale[:, 0] ** 2, scale.prod(1), scale[:, 1] ** 2], 1)
    # At a limit of the steepness, c alone is left to go.
    stuck = straight & (point[:, 0] <= limits.gentlest)
    stuck |= (slope[:, 0] > 0) & (point[:, 0] >= limits.steepest)
    slope = slope * scale
    bend[:, [0, 2]] -= np.where(curved, slope, 0)
    slope[stuck, 0], bend[stuck, 1] = 0, 0
    step, promise = _step(slope, bend, reach)
    length = np.abs(step).max(1)
    step = np.where(curved, np.log(np.clip(1 + step, 0.01, 3)), step) * scale
    step[:, 1] *= np.exp(-point[:, 0])
    return point + step, promise, length


def _step(
    slope: np.ndarray, bend: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's step uphill within ``reach``, and the rise that it promises.

    Where the function curves upward, it goes as far as it may.
    """
    s, m, d = bend.T
    half, turn = (s - d) / 2, np.arctan2(2 * m, s - d) / 2
    size = np.hypot(half, m)
    along = np.stack([np.cos(turn), np.sin(turn)], 1)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    step, promise = np.zeros_like(slope), np.zeros(len(slope))
    for axis, curve in ((along, (s + d) / 2 + size), (across, (s + d) / 2 - size)):
        rise = np.einsum("ri,ri->r", slope, axis)
        top = np.abs(rise) / np.maximum(-curve, 1e-300)
        length = np.copysign(np.minimum(top, reach), rise)
        step += length[:, None] * axis
        promise += (rise + curve * length / 2) * length
    return step, promise


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner products of rows; without BLAS, whose threads would be too many."""
    return np.einsum("rn,rn->r", a, b)

"""The search for the best logistic of standardised scores, for many rows at once.

A curve has two parameters that are searched for, the steepness k and the middle c of
its tanh. Starts come from a grid; those that are ahead after a few steps of Newton's
method are followed to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jiqa.evaluation.statistics.logistic_grid import search_grid
from jiqa.evaluation.statistics.logistic_newton import ascend

#: Share of the scores in the interval that the limit of steepness is measured in, and
#: the length of that interval for a normal distribution of standard deviation 1.
_HELD, _NORMAL_WIDTH = 0.25, 0.6373
#: Scores closer than this, of a standard deviation, count as equal.
_LEAST_WIDTH = 1e-3

#: Starts of each row, their first steps, and how many are followed from there: no two
#: that are closer than ``_APART`` in log k and k c, and none that explains less than
#: a share of what the foremost does.
_STARTS, _FIRST_STEPS, _KEPT = 8, 4, 3
_APART, _HOPELESS = 0.3, 0.6
#: More scores than this take the first steps as means of neighbours.
_FEW = 300
_ROWS = 32  # at once: a few megabytes


@dataclass(frozen=True)
class Peaks:
    """The best position of every row.

    Attributes:
        point: logarithm of k, and c ``[rows, 2]``.
        gain: variance explained beyond the straight part ``[rows]``.
        ended: whether the search converged ``[rows]``.
    """

    point: np.ndarray
    gain: np.ndarray
    ended: np.ndarray


def search(z: np.ndarray, rest: np.ndarray, steepest: float, *, tilted: bool) -> Peaks:
    """Find the best steepness and middle of each row.

    Args:
        z: rows ``[rows, N]`` of mean 0 and standard deviation 1.
        rest: what the straight part leaves over of the subjective scores,
            ``[rows, N]``.
        steepest: limit of the steepness in units of ``unit_width``.
        tilted: whether the straight part is a line, or only a level.
    """
    limit = steepest / unit_width(z)
    begin = search_grid(z, rest, _STARTS, tilted=tilted)[0]
    begin, kept = _foremost(z, rest, begin, limit, tilted)
    row, number = np.nonzero(kept)
    point, gain, ended = _climbed(z, rest, row, begin[row, number], limit, tilted)
    tried = np.full(kept.shape, -1.0)
    tried[row, number] = gain
    order = np.zeros(kept.shape, np.int64)
    order[row, number] = np.arange(len(row))
    best = order[np.arange(len(z)), tried.argmax(1)]
    return Peaks(point[best], gain[best], ended[best])


def unit_width(z: np.ndarray) -> np.ndarray:
    """Shortest interval with a quarter of the scores ``[rows, N]``, normal ones' as 1.

    Where a quarter of the scores are equal, equal ones count once.
    """
    width = _shortest(np.sort(z, axis=1))
    for row in np.flatnonzero(width < _LEAST_WIDTH):
        width[row] = max(_shortest(np.unique(z[row])[None])[0], _LEAST_WIDTH)
    return width / _NORMAL_WIDTH


def _shortest(ordered: np.ndarray) -> np.ndarray:
    size = ordered.shape[1]
    held = min(max(1, int(np.ceil(_HELD * size))), size - 1)
    return (ordered[:, held:] - ordered[:, :-held]).min(1)


def _foremost(
    z: np.ndarray, rest: np.ndarray, begin: np.ndarray, limit: np.ndarray, tilted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the starts that lead after the first steps.

    Returns:
        The positions ``[rows, kept, 2]``, and which of them are worth the way
        ``[rows, kept]``.
    """
    rows, starts = begin.shape[:2]
    centre, spread = np.zeros((rows, 1)), np.ones((rows, 1))
    if z.shape[1] > _FEW:
        z, rest, centre, spread = _condensed(z, rest, tilted)
    # In units of the condensed scores, and back.
    log_k, middle = begin[..., 0] + np.log(spread), (begin[..., 1] - centre) / spread
    point, gain, _ = _climbed(
        z,
        rest,
        np.repeat(np.arange(rows), starts),
        np.stack([log_k, middle], -1).reshape(-1, 2),
        limit * spread[:, 0],
        tilted,
        _FIRST_STEPS,
    )
    point, kept = _apart(point.reshape(begin.shape), gain.reshape(rows, starts))
    log_k, middle = point[..., 0] - np.log(spread), point[..., 1] * spread + centre
    return np.stack([log_k, middle], -1), kept


def _condensed(
    z: np.ndarray, rest: np.ndarray, tilted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Means of neighbours, standardised; their mean and deviation ``[rows, 1]``."""
    order = z.argsort(1, kind="stable")
    edges = np.linspace(0, z.shape[1], _FEW + 1).astype(int)
    z, rest = (
        np.add.reduceat(np.take_along_axis(v, order, 1), edges[:-1], 1) / np.diff(edges)
        for v in (z, rest)
    )
    centre, spread = z.mean(1, keepdims=True), z.std(1, keepdims=True)
    z = (z - centre) / spread
    rest = rest - rest.mean(1, keepdims=True)
    if tilted:
        rest -= np.einsum("rn,rn->r", z, rest)[:, None] / _FEW * z
    return z, rest, centre, spread


def _apart(point: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the best of positions ``[rows, starts, 2]`` that are not the same one."""
    rows, points, gains = np.arange(len(point)), [], []
    for _ in range(min(_KEPT, point.shape[1])):
        best = gain.argmax(1)
        points.append(point[rows, best])
        gains.append(gain[rows, best])
        away = np.abs(point - points[-1][:, None])
        away[..., 1] *= np.exp(points[-1][:, :1])
        gain = np.where((away < _APART).all(-1), -1.0, gain)
    ahead = np.stack(gains, 1)
    return np.stack(points, 1), ahead >= _HOPELESS * ahead[:, :1]


def _climbed(
    z: np.ndarray,
    rest: np.ndarray,
    row: np.ndarray,
    begin: np.ndarray,
    limit: np.ndarray,
    tilted: bool,
    steps: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run ``ascend`` from each start ``[starts, 2]`` of the row beside it."""
    found = []
    for first in range(0, len(row), _ROWS):
        some = slice(first, first + _ROWS)
        r = row[some]
        found.append(
            ascend(z[r], rest[r], begin[some], limit[r], tilted=tilted, steps=steps)
        )
    point, gain, ended = (np.concatenate(v) for v in zip(*found, strict=True))
    return point, gain, ended

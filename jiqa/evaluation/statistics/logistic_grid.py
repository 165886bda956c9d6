"""Initial values for fitting a logistic: a grid, over scores sorted into bins.

What a fit needs of the scores, for given steepness and middle, are sums over them. Over
bins those are products of small matrices, for all columns and points of the grid.
"""

from __future__ import annotations

import functools

import numpy as np

_BINS = 128
_HALF = 1.5  # half of the bins lie within this many standard deviations
_SLOPES = (0.15, 0.4, 1.0, 2.5, 6.0, 15.0)
_SPACING = 1.2  # between neighbouring middles, in units of the argument of tanh
#: Rows in one product: few enough for BLAS to start no threads, which on
#: busy cores cost more than they bring.
_ROWS = 8


@functools.cache
def _centres() -> np.ndarray:
    u = (np.arange(_BINS) + 0.5) / _BINS * 2 - 1
    return _HALF * u / (1 - np.abs(u))


@functools.cache
def _middles(k: float) -> tuple[np.ndarray, np.ndarray]:
    """Middles that are tried at a steepness, and their tanh at the bins, by column."""
    end = 5 + 6 / k
    middles = np.linspace(-end, end, 2 * int(np.ceil(end * k / _SPACING)) + 1)
    return middles, np.tanh(k * (_centres()[:, None] - middles))


def search_grid(
    z: np.ndarray, rest: np.ndarray, count: int, *, tilted: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Find the best grid points: peaks over steepness, in each half of the middles.

    Args:
        z: standardised scores ``[rows, N]``.
        rest: what the straight part leaves over of the subjective scores,
            ``[rows, N]``.
        count: how many points.
        tilted: whether the straight part is a line, or only a level.

    Returns:
        Logarithm of the steepness, and middle, ``[rows, count, 2]``, best first, and
        about what variance of ``rest`` the best explains ``[rows]``.
    """
    number, target = _binned(z, rest)
    centres = _centres()
    # The bins replace the scores, so the line is fitted to them once more.
    mean = (number * centres).sum(-1, keepdims=True)
    offset = centres - mean
    spread = (number * offset**2).sum(-1, keepdims=True)
    target = target - number * target.sum(-1, keepdims=True)
    if tilted:
        slope = (target * offset).sum(-1, keepdims=True) / spread
        target -= number * slope * offset
    points, gains = [], []
    for k in _SLOPES:
        middles, bent = _middles(k)
        left = number @ bent**2 - (number @ bent) ** 2
        if tilted:
            left -= ((number * offset) @ bent) ** 2 / spread
        gain = np.square(target @ bent) / np.maximum(left, 1e-9)
        gain = gain.reshape(-1, len(middles))[: len(z)]
        centre = len(middles) // 2
        for half, first in ((gain[:, :centre], 0), (gain[:, centre:], centre)):
            gains.append(half.max(1))
            middle = middles[first + half.argmax(1)]
            points.append(np.stack([np.full(len(z), np.log(k)), middle], 1))
    gain = np.stack(gains).reshape(-1, 2, len(z))
    best = _peaks_first(gain).reshape(-1, len(z))[:count]
    start = np.take_along_axis(np.stack(points), best[..., None], 0)
    return start.swapaxes(0, 1), gain.max((0, 1))


def _peaks_first(gain: np.ndarray) -> np.ndarray:
    """Order of ``[steepness, half, rows]``: first what no neighbour exceeds."""
    above = np.pad(gain, ((1, 1), (0, 0), (0, 0)), constant_values=-1)
    peak = (gain >= above[:-2]) & (gain >= above[2:])
    ranked = (gain + np.where(peak, 10, 0)).reshape(-1, gain.shape[-1])
    return np.argsort(-ranked, axis=0, kind="stable")


def _binned(z: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the scores in each bin, and its part of the mean of ``rest``.

    Both are ``[., 8, bins]``: rows are added up to the next multiple of eight.
    """
    rows, size = z.shape
    groups = -(-rows // _ROWS)
    bins = z / (np.abs(z) + _HALF)
    bins = ((bins + 1) * (_BINS / 2)).astype(np.int64)
    bins += np.arange(0, rows * _BINS, _BINS)[:, None]
    shape, length = (groups, _ROWS, _BINS), groups * _ROWS * _BINS
    number = np.bincount(bins.ravel(), minlength=length).reshape(shape)
    target = np.bincount(bins.ravel(), rest.ravel(), length).reshape(shape)
    number[number.sum(-1) == 0] = 1  # a row that was added
    return number / size, target / size

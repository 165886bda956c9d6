"""Rank correlations of many resamples at once, without drawing a single row.

A bootstrap resample of clusters is a weight per cluster: how often it was drawn. A
midrank is a sum of such weights over rows, and the number of concordant pairs is one of
products of two. So both are computed once per cluster, and the weights of all resamples
applied as matrix products. With more clusters than resamples (every image a
cluster) the weights of the resamples replace the clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Numbers in a working array: small enough to stay in a processor's cache for long.
_CHUNK = 1 << 20


def resampled_srcc(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Spearman's correlation of every resample; equal to ranking the drawn rows.

    Args:
        x: values [n], infinities allowed.
        y: scores [n].
        clusters: the cluster of each row, 0 to c - 1 [n].
        draws: how often each resample holds each cluster [r, c].

    Returns:
        [r]; NaN where a resample has only one value of x or of y.
    """
    tied = _Ties.of(x), _Ties.of(y)
    (r, c), n = draws.shape, len(x)
    if c * c <= 8 * n:
        one_hot = _one_hot(clusters, c)
        ranks = [t.midranks(one_hot) - one_hot.sum(1, keepdims=True) / 2 for t in tied]
        xy, xx, yy = (_cubic_form(a, b, clusters, draws) for a, b in _products(ranks))
        return _normalised(xy, xx, yy)
    out = np.empty(r)
    for part in _parts(r, n):
        weights = draws[part].astype(np.float64)[:, clusters]
        # Midranks less 1/2 have the mean N/2, whatever the ties.
        half = weights.sum(1, keepdims=True) / 2
        ranks = [t.midranks(weights) - half for t in tied]
        xy, xx, yy = (
            np.einsum("rn,rn->r", weights * a, b) for a, b in _products(ranks)
        )
        out[part] = _normalised(xy, xx, yy)
    return out


def resampled_krcc(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Kendall's tau-b of every resample; arguments as for ``resampled_srcc``.

    Knight's relation (JASA 61, 1966): the discordant pairs are those that are neither
    tied nor concordant. Copies of a row in one resample are tied in both.
    """
    (r, c), n = draws.shape, len(x)
    tied = [_Ties.of(x), _Ties.of(y)]
    tied.append(_Ties.of(tied[0].group * (tied[1].count + 1) + tied[1].group))
    below = _Below(tied[0], tied[1])
    if c < r:
        one_hot = _one_hot(clusters, c)
        forms = [sums_by_cluster(below.sums(one_hot.T), clusters)]
        forms += [sums @ sums.T for sums in (t.sums(one_hot) for t in tied)]
        drawn = draws.astype(np.float64)
        found = [np.einsum("rc,rc->r", drawn @ form, drawn) for form in forms]
        return _tau(drawn @ one_hot.sum(1), *found)
    out = np.empty(r)
    for part in _parts(r, n):
        weights = draws[part].astype(np.float64)[:, clusters]
        found = below.sums(np.ascontiguousarray(weights.T))
        concordant = np.einsum("nr,rn->r", found, weights)
        sums = (t.sums(weights) for t in tied)
        squares = (np.einsum("rg,rg->r", s, s) for s in sums)
        out[part] = _tau(weights.sum(1), concordant, *squares)
    return out


def _tau(
    size: np.ndarray,
    concordant: np.ndarray,
    in_x: np.ndarray,
    in_y: np.ndarray,
    in_both: np.ndarray,
) -> np.ndarray:
    """Tau-b from the rows, the concordant pairs and the sums of squares of ties."""
    every = size * (size - 1) / 2
    in_x, in_y, in_both = ((squares - size) / 2 for squares in (in_x, in_y, in_both))
    untied = every - in_x - in_y + in_both
    spread = np.sqrt(every - in_x) * np.sqrt(every - in_y)
    return _quotient(2 * concordant - untied, spread)


def sums_by_cluster(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Sum of the rows of each cluster [c, k] of values [n, k]; no cluster is empty."""
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    return np.add.reduceat(values[order], starts, axis=0)


@dataclass(frozen=True)
class _Ties:
    """Rows by value: groups of equal ones, in rising order.

    Attributes:
        group: the group of each row [n].
        order: rows, group after group [n].
        starts: where each group starts in ``order``.
    """

    group: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> _Ties:
        _, group = np.unique(values, return_inverse=True)
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        return cls(group, order, starts)

    @property
    def count(self) -> int:
        return len(self.starts)

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Weight of each group [k, groups] of weights [k, n]."""
        sorted_weights = weights[:, self.order]
        if self.count == len(self.order):
            return sorted_weights
        return np.add.reduceat(sorted_weights, self.starts, axis=1)

    def midranks(self, weights: np.ndarray) -> np.ndarray:
        """Weight below each row, and half of that tied with it [k, n]."""
        sums = self.sums(weights)
        return (np.cumsum(sums, axis=1) - sums / 2)[:, self.group]


def _cubic_form(
    a: np.ndarray, b: np.ndarray, clusters: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """Weighted sum over rows of two ranks that are linear in the same weights.

    Args:
        a: what each cluster adds to the first rank of each row [c, n].
        b: the same of the second.
        clusters: [n].
        draws: [r, c].

    Returns:
        sum_i w(i) (w a)_i (w b)_i for every resample [r].
    """
    c = len(a)
    form = np.empty((c, c, c))
    for cluster in range(c):
        rows = clusters == cluster
        np.dot(a[:, rows], b[:, rows].T, out=form[cluster])
    total = np.empty(len(draws))
    for part in _parts(len(draws), c * c):
        weights = draws[part].astype(np.float64)
        forms = (weights @ form.reshape(c, -1)).reshape(-1, c, c)
        forms = (forms @ weights[:, :, None])[:, :, 0]
        total[part] = np.einsum("ra,ra->r", forms, weights)
    return total


def _products(ranks: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    x, y = ranks
    return [(x, y), (x, x), (y, y)]


def _normalised(xy: np.ndarray, xx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    # Rounding may leave a trace of a variance that is 0.
    xx, yy = (np.where(v > 1e-9 * v.max(initial=0), v, 0) for v in (xx, yy))
    return _quotient(xy, np.sqrt(xx) * np.sqrt(yy))


class _Below:
    """For every row, the weight of the rows that are smaller in both x and y.

    One pass per binary digit of y's rank, from the highest: of two rows that agree in
    the digits before, the one with 0 is smaller in y than the one with 1. Rows stay in
    the order of x within equal digits, so a running sum counts those smaller in x.
    """

    def __init__(self, x: _Ties, y: _Ties) -> None:
        self._passes = []
        order = x.order
        places = np.arange(len(order))
        for digit in reversed(range(max(1, int(y.count - 1).bit_length()))):
            prefix = y.group[order] >> (digit + 1)
            sort = np.argsort(prefix, kind="stable")
            order, prefix = order[sort], prefix[sort]
            ones = ((y.group[order] >> digit) & 1).astype(bool)
            block = np.diff(prefix, prepend=-1) != 0
            tie = block | (np.diff(x.group[order], prepend=-1) != 0)
            starts = [
                np.maximum.accumulate(np.where(first, places, 0))[ones]
                for first in (tie, block)
            ]
            self._passes.append((order, ones, *starts))

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Weight below each row [n, k] of weights [n, k]."""
        out = np.zeros(weights.shape)
        for order, ones, tie, block in self._passes:
            zeros = weights[order]
            zeros[ones] = 0
            before = np.cumsum(zeros, axis=0)
            before -= zeros
            out[order[ones]] += before[tie] - before[block]
        return out


def _one_hot(clusters: np.ndarray, count: int) -> np.ndarray:
    return (np.arange(count)[:, None] == clusters).astype(np.float64)


def _parts(resamples: int, rows: int) -> Iterator[slice]:
    step = max(16, _CHUNK // max(1, rows))
    return (slice(i, i + step) for i in range(0, resamples, step))


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    quotient = np.full(len(a), np.nan)
    np.divide(a, b, out=quotient, where=b > 0)
    return np.clip(quotient, -1, 1)

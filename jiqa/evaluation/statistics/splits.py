"""Repeated train/test splits for trained models: no content in both parts.

Versions of one photograph are alike, so a split by image lets a model recognise what it
should judge. References are split instead, many times over, and the median is reported:
10 splits of 80 to 20 per cent by DBCNN, 100 or 1,000 by others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jiqa.checks import expected
from jiqa.evaluation.statistics.bootstrap import cluster_numbers
from jiqa.evaluation.statistics.correlations import krcc, plcc, replace_infinite, srcc
from jiqa.evaluation.statistics.logistic import Curve, FitError, fit_logistic

Split = tuple[np.ndarray, ...]


def reference_disjoint_splits(
    references: Sequence[object],
    *,
    fractions: Sequence[float] = (0.8, 0.2),
    repeats: int = 10,
    seed: int = 0,
) -> list[Split]:
    """Split rows so that no reference is in two parts.

    Args:
        references: the reference of each row [n]; a row without one (``None`` or
            empty) counts as a separate reference.
        fractions: share of the references in each part, adding up to 1.
        repeats: how many splits.
        seed: equal seeds give equal splits, whatever the order of the rows of a
            reference; more repeats leave the first ones as they are.

    Returns:
        For every repeat the rows of each part, in rising order.

    Raises:
        ValueError: fractions that are not positive or do not add up to 1, or fewer
            references than parts.
    """
    if any(f <= 0 for f in fractions) or abs(sum(fractions) - 1) > 1e-6:
        wanted = "positive numbers that add up to 1"
        raise ValueError(expected("fractions", wanted, f"{tuple(fractions)}"))
    if references and all(references):
        # By name, so that the order of the rows does not matter.
        _, clusters = np.unique([str(r) for r in references], return_inverse=True)
    else:
        clusters = cluster_numbers(references)
    count = int(clusters.max(initial=-1)) + 1
    if count < len(fractions):
        raise ValueError(
            f"{count} references are too few for a split into {len(fractions)} parts"
        )
    edges = _edges(count, fractions)
    splits = []
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(count)
        splits.append(
            tuple(
                np.flatnonzero(np.isin(clusters, order[start:end]))
                for start, end in pairwise(edges)
            )
        )
    return splits


def _edges(count: int, fractions: Sequence[float]) -> list[int]:
    """Return where the splits begin and end, by largest remainder; none is empty."""
    exact = np.array(fractions) * count
    sizes = np.maximum(np.floor(exact + 1e-9).astype(int), 1)
    while sizes.sum() < count:
        sizes[np.argmax(exact - sizes)] += 1
    while sizes.sum() > count:
        sizes[np.argmax(sizes)] -= 1
    return [0, *np.cumsum(sizes).tolist()]


@dataclass(frozen=True)
class Spread:
    """A figure over the repeats.

    Attributes:
        median: what is reported.
        std: standard deviation over the repeats (n - 1); ``None`` for a single one.
        low: 2.5 % quantile.
        high: 97.5 % quantile.
        values: every repeat's, ``None`` where not defined; these are left out above.
    """

    median: float | None
    std: float | None
    low: float | None
    high: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Protocol:
    """Figures of a trained model over repeated splits.

    Attributes:
        srcc: Spearman's correlation on the test rows.
        krcc: Kendall's tau-b.
        plcc: Pearson's correlation after the mapping, fitted to each test part.
        plcc_unfitted: without it.
        rows: test rows of every repeat.
        failed: test rows without a prediction (NaN) of every repeat; left out.
    """

    srcc: Spread
    krcc: Spread
    plcc: Spread
    plcc_unfitted: Spread
    rows: tuple[int, ...]
    failed: tuple[int, ...]


def repeat_protocol(
    scores: ArrayLike,
    splits: Sequence[Split],
    predict: Callable[[np.ndarray, np.ndarray], ArrayLike] | Sequence[ArrayLike],
    *,
    sign: int = 1,
    mapping: Curve = 5,
) -> Protocol:
    """Train and test on every split, or evaluate what was predicted for it.

    Args:
        scores: subjective scores [n].
        splits: train rows first and test rows last, see ``reference_disjoint_splits``;
            parts between them (validation) are the caller's.
        predict: ``predict(train_rows, test_rows)`` gives the predictions of the test
            rows, trained on the train rows; or a sequence with the predictions of the
            test rows of each split.
        sign: -1 for predictions that should fall as the scores rise; multiplies the
            rank correlations and the unfitted PLCC.
        mapping: curve for the fitted PLCC.

    Raises:
        ValueError: not as many predictions as test rows, or as splits.
    """
    scores = np.asarray(scores, np.float64)
    if not callable(predict) and len(predict) != len(splits):
        wanted = f"one set of predictions per split, {len(splits)}"
        raise ValueError(expected("predict", wanted, f"{len(predict)}"))
    found: dict[str, list[float | None]] = {
        name: [] for name in ("srcc", "krcc", "plcc", "plcc_unfitted")
    }
    rows, failed = [], []
    for number, split in enumerate(splits):
        train, test = split[0], split[-1]
        given: Any = predict(train, test) if callable(predict) else predict[number]
        predicted = np.asarray(given, np.float64)
        if predicted.shape != test.shape:
            where, got = f"predictions of split {number}", f"shape {predicted.shape}"
            raise ValueError(
                expected(where, f"one for each of {len(test)} test rows", got)
            )
        known = ~np.isnan(predicted)
        x, y = predicted[known], scores[test][known]
        finite, _ = replace_infinite(x)
        found["srcc"].append(_times(sign, srcc(x, y)))
        found["krcc"].append(_times(sign, krcc(x, y)))
        found["plcc_unfitted"].append(_times(sign, plcc(finite, y)))
        try:
            found["plcc"].append(fit_logistic(x, y, mapping=mapping).plcc)
        except FitError:
            found["plcc"].append(None)
        rows.append(len(test))
        failed.append(int((~known).sum()))
    spreads = {name: _spread(values) for name, values in found.items()}
    return Protocol(**spreads, rows=tuple(rows), failed=tuple(failed))


def _times(sign: int, value: float | None) -> float | None:
    return None if value is None else sign * value


def _spread(values: Sequence[float | None]) -> Spread:
    known = np.array([v for v in values if v is not None])
    if not known.size:
        return Spread(None, None, None, None, tuple(values))
    low, high = np.quantile(known, [0.025, 0.975])
    std = float(known.std(ddof=1)) if len(known) > 1 else None
    return Spread(float(np.median(known)), std, float(low), float(high), tuple(values))

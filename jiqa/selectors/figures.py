"""Figures of how good choices of a method are, image by image.

Everything here is on mapped scores, on the subjective scale. An error is a method's
score minus the subjective one. The closed gap of a mean absolute error x is
(SBS - x) / (SBS - VBS): the share of what lies between the single best solver and the
virtual best one, the oracle, that a choice gains (Lindauer, van Rijn and Kotthoff, "The
algorithm selection competitions 2015 and 2017", Artificial Intelligence 272, 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jiqa.evaluation.statistics.correlations import srcc

#: What a line of ``figures`` holds, in this order.
COLUMNS = (
    *("name", "role", "srcc", "mae", "closed_gap", "images", "failed"),
    *("rank1", "rank2", "rank3", "chosen"),
)


def single_best(mapped: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the method that is best on average, for each image [n].

    It is the first of ``order`` that has a score of the image; -1 where none has.
    """
    there = ~np.isnan(mapped[:, order])
    return np.where(there.any(1), order[there.argmax(1)], -1)


def oracle(mapped: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the method of smallest error for each image [n]; -1 without one."""
    wrong = _wrong(mapped, score)
    return np.where(np.isfinite(wrong).any(1), wrong.argmin(1), -1)


def picked(mapped: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """Return the scores of the chosen methods [n]; NaN where the choice is -1."""
    rows = np.arange(len(mapped))
    return np.where(choice < 0, np.nan, mapped[rows, choice])


def rank_counts(mapped: np.ndarray, score: np.ndarray, ranks: int = 3) -> np.ndarray:
    """Count how often each method is nearest, second and third [m, ranks].

    Of equal errors the first method's counts as the smaller.
    """
    wrong = _wrong(mapped, score)
    places = np.argsort(np.argsort(wrong, 1, kind="stable"), 1)
    finite = np.isfinite(wrong)
    return np.stack([((places == r) & finite).sum(0) for r in range(ranks)], 1)


def closed_gap(mae: float, single: float, virtual: float) -> float | None:
    """Return (SBS - x) / (SBS - VBS): 0 for the single best, 1 for the oracle.

    Returns:
        ``None`` where the single best is as good as the oracle.
    """
    return (single - mae) / (single - virtual) if single > virtual else None


def figures(
    methods: Sequence[str],
    mapped: np.ndarray,
    score: np.ndarray,
    single: np.ndarray,
    predictions: Sequence[tuple[str, str, np.ndarray]],
    choice: np.ndarray,
) -> list[dict[str, Any]]:
    """Compute figures of every method, the single best, the oracle and all predictors.

    Args:
        methods: names [m].
        mapped: their scores on these images [n, m], NaN where one is missing.
        score: subjective scores [n].
        single: the choice of ``single_best`` in training [n].
        predictions: name, role and scores [n] of whatever else is compared.
        choice: the selector's choice [n], counted in the column ``chosen``; -1 for
            none.

    Returns:
        One line each: ``COLUMNS``. Correlations and errors are over the images that
        have a score; ``failed`` counts the others.
    """
    counts = rank_counts(mapped, score)
    lines = []
    for number, name in enumerate(methods):
        ranks = {f"rank{k + 1}": int(v) for k, v in enumerate(counts[number])}
        ranks["chosen"] = int((choice == number).sum())
        lines.append({**_line(name, "method", mapped[:, number], score), **ranks})
    lines.sort(key=lambda line: np.inf if line["mae"] is None else line["mae"])
    numbers = np.unique(single[single >= 0])
    named = methods[numbers[0]] if len(numbers) == 1 else "as training found it"
    alone, best = picked(mapped, single), picked(mapped, oracle(mapped, score))
    lines.append(_line(f"single best: {named}", "single best", alone, score))
    lines += [_line(*known, score) for known in predictions]
    lines.append(_line("oracle", "oracle", best, score))
    ends = [line["mae"] for line in lines if line["role"] in ("single best", "oracle")]
    for line in lines:
        line["closed_gap"] = None
        if line["mae"] is not None and None not in ends:
            line["closed_gap"] = closed_gap(line["mae"], *ends)
    return [{c: line.get(c) for c in COLUMNS} for line in lines]


def _wrong(mapped: np.ndarray, score: np.ndarray) -> np.ndarray:
    wrong = np.abs(mapped - score[:, None])
    return np.where(np.isnan(wrong), np.inf, wrong)


def _line(
    name: str, role: str, predicted: np.ndarray, score: np.ndarray
) -> dict[str, Any]:
    known = ~np.isnan(predicted)
    predicted_known, people = predicted[known], score[known]
    return {
        "name": name,
        "role": role,
        "srcc": srcc(predicted_known, people),
        "mae": float(np.abs(predicted_known - people).mean()) if known.any() else None,
        "images": int(known.sum()),
        "failed": int((~known).sum()),
    }

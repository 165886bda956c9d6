"""Figures from rows: every metric against subjective scores, with its uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jiqa.checks import expected
from jiqa.evaluation import rows as long_rows
from jiqa.evaluation.metric_figures import Settings, compute_figures
from jiqa.evaluation.metric_tests import compare_metrics
from jiqa.evaluation.rows import Block, group_rows
from jiqa.evaluation.statistics.correlations import srcc
from jiqa.evaluation.statistics.logistic import Curve, Fit
from jiqa.io.json_files import write_json
from jiqa.io.write_table import Row, write_rows

Direction = Literal["higher", "lower"]

#: Columns of the summary, in this order.
COLUMNS = (
    *("data", "split", "metric", "direction", "distortion", "n", "failed"),
    *("references", "srcc", "srcc_low", "srcc_high", "krcc", "krcc_low", "krcc_high"),
    *("plcc", "plcc_low", "plcc_high", "rmse", "rmse_low", "rmse_high"),
    *("plcc_unfitted", "outlier_ratio", "mapping", "parameters", "note"),
)

#: What ``write_evaluation`` writes.
FILES = ("rows.parquet", "summary.csv", "summary.json", "significance.json")


@dataclass(frozen=True)
class Evaluation:
    """The result of ``evaluate``.

    Attributes:
        rows: the rows it is computed from.
        summary: one dictionary a data set, split, metric and distortion (``"all"`` is
            all images together), with the keys of ``COLUMNS``.
        significance: one dictionary a data set and split; see ``compare_metrics``.
        fits: the curve fitted to all images of a (data, split, metric), where one is.
    """

    rows: Sequence[Row]
    summary: list[dict[str, Any]]
    significance: list[dict[str, Any]]
    fits: dict[tuple[str, str, str], Fit]


def evaluate(
    rows: Sequence[Row],
    *,
    directions: Mapping[str, Direction],
    score_direction: Mapping[str, Direction],
    mapping: Curve = 5,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    observers: Mapping[str, int] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Compare every metric with the subjective scores of every data set and split.

    SRCC, KRCC and the unfitted PLCC carry a sign: positive where the metric points the
    way that it declares (a metric of direction ``"lower"`` falls as observers judge
    better), negative where it points the other way. PLCC and RMSE are those of the
    fitted curve, which may rise or fall, so that PLCC is never negative; the note says
    when the curve runs against the declared direction. The curve of a distortion is
    fitted to the images of that distortion.

    Infinite values rank above (below) all others; in fits and linear correlations they
    stand at the largest (smallest) finite value, and the note says how many. A failed
    row is counted and left out. What is not defined is ``None`` and the note says why.

    Args:
        rows: long rows, see ``jiqa.evaluation.rows``. Their order does not matter.
        directions: whether higher or lower values of a metric are better. For a metric
            that is not there the sign of its SRCC over all data decides, and the note
            says so.
        score_direction: whether higher or lower scores are better, by data set.
        mapping: parameters of the logistic curve, or ``None`` to compare the values as
            they are; then RMSE, outlier ratio and F-test have a meaning only for a
            metric on the subjective scale.
        resamples: bootstrap resamples for the intervals; 0 for none.
        seed: of the resamples.
        confidence: coverage of the intervals.
        observers: ratings per image by data set, where ``deviation`` is the spread of
            single ratings; without it, the deviation is taken as that of the mean
            score. Matters to the pair analysis only.
        advance: called after each metric of each data set and split.

    Raises:
        ValueError: rows that contradict each other, a data set without a score
            direction, or a direction that is none.
    """
    blocks = group_rows(rows)
    _check(directions, score_direction, [b.data for b in blocks])
    inferred = _infer(blocks, directions, score_direction)
    known: dict[str, Direction] = {**inferred, **directions}
    settings = Settings(mapping, resamples, seed, confidence)
    summary: list[dict[str, Any]] = []
    significance = []
    fits: dict[tuple[str, str, str], Fit] = {}
    for block in blocks:
        better = 1 if score_direction[block.data] == "higher" else -1
        signs = [better * (1 if known[m] == "higher" else -1) for m in block.metrics]
        for metric, sign in zip(block.metrics, signs, strict=True):
            for distortion in ("all", *block.kinds()):
                figures, fit = compute_figures(
                    block, metric, distortion, sign, settings
                )
                if metric in inferred:
                    figures["note"].append("direction inferred from the sign of SRCC")
                if fit and distortion == "all":
                    fits[block.data, block.split, metric] = fit
                figures |= {
                    "data": block.data,
                    "split": block.split,
                    "metric": metric,
                    "direction": known[metric],
                    "distortion": distortion,
                    "note": "; ".join(figures["note"]),
                }
                summary.append({c: figures[c] for c in COLUMNS})
            advance()
        curves = [fits.get((block.data, block.split, m)) for m in block.metrics]
        error = block.deviation
        if observers and block.data in observers:
            error = error / np.sqrt(observers[block.data])
        significance.append(
            compare_metrics(block, curves, np.array(signs), error, seed=seed)
        )
    return Evaluation(rows, summary, significance, fits)


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write ``FILES`` into a folder; a missing one is made.

    Infinity is ``inf`` in CSV and 1e999 in JSON, a missing figure an empty cell or
    ``null``.
    """
    write_rows(folder / "rows.parquet", long_rows.COLUMNS, evaluation.rows)
    for name in ("summary.csv", "summary.json"):
        write_rows(folder / name, COLUMNS, evaluation.summary)
    path = folder / "significance.json"
    write_json(path, evaluation.significance, indent=None, allow_nan=False)


def _check(
    directions: Mapping[str, str], score_direction: Mapping[str, str], data: list[str]
) -> None:
    for what, given in (("metric", directions), ("data set", score_direction)):
        for name, direction in given.items():
            if direction not in ("higher", "lower"):
                where = f"{what} of {name}"
                raise ValueError(
                    expected(where, "'higher' or 'lower'", repr(direction))
                )
    lacking = [d for d in data if d not in score_direction]
    if lacking:
        raise ValueError(
            "score_direction: expected 'higher' or 'lower', whichever is better, "
            f"for {', '.join(map(repr, lacking))} too"
        )


def _infer(
    blocks: Iterable[Block],
    directions: Mapping[str, Direction],
    score_direction: Mapping[str, Direction],
) -> dict[str, Direction]:
    """Infer directions of metrics that are not declared, by SRCC weighted with n."""
    total: dict[str, float] = {}
    for block in blocks:
        better = 1 if score_direction[block.data] == "higher" else -1
        for metric, values in zip(block.metrics, block.values, strict=True):
            if metric not in directions:
                rows = ~np.isnan(values)
                found = srcc(values[rows], block.score[rows]) or 0.0
                total[metric] = total.get(metric, 0) + better * rows.sum() * found
    return {m: "lower" if t < 0 else "higher" for m, t in total.items()}

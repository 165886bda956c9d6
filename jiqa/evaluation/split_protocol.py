"""The protocol of repeated splits on long rows: median and spread of every metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from jiqa.evaluation.rows import Block, group_rows
from jiqa.evaluation.statistics.logistic import Curve
from jiqa.evaluation.statistics.splits import (
    Protocol,
    Split,
    reference_disjoint_splits,
    repeat_protocol,
)
from jiqa.io.write_table import Row

_FIGURES = ("srcc", "krcc", "plcc", "plcc_unfitted")

#: What a line of ``split_protocol`` holds, in this order. A figure is the median.
COLUMNS = (
    *("data", "split", "metric", "splits", "test_share", "rows", "failed"),
    *(f"{name}{part}" for name in _FIGURES for part in ("", "_std", "_low", "_high")),
    "note",
)

#: Share of the references in the test part of a split, as in most papers.
TEST_SHARE = 0.2


def split_protocol(
    rows: Iterable[Row],
    *,
    directions: Mapping[str, str],
    score_direction: Mapping[str, str],
    splits: int | Literal["own"] = 10,
    seed: int = 0,
    mapping: Curve = 5,
) -> list[dict[str, Any]]:
    """Compute figures of every metric on the test parts of repeated splits.

    A trained model and a metric that never saw the data are comparable only on the
    same test parts, so all metrics get the same splits.

    Args:
        rows: one an image and metric, see ``grouping.COLUMNS``.
        directions: which values are better, by metric.
        score_direction: which subjective scores are better, by data set.
        splits: how many, disjoint by reference, a fifth of the references to test on;
            ``"own"`` takes the splits that the rows name, such as the predictions of a
            model trained anew for each.
        seed: of the splits.
        mapping: curve before PLCC, fitted to each test part.

    Returns:
        One line a data set, split and metric: ``COLUMNS``.
    """
    blocks = [b for b in group_rows(rows) if b.images]
    if splits == "own":
        return _own_splits(blocks, directions, score_direction, mapping)
    lines = []
    for block in blocks:
        note = ""
        drawn: list[Split] = []
        try:
            drawn = reference_disjoint_splits(
                block.references,
                fractions=(1 - TEST_SHARE, TEST_SHARE),
                repeats=splits,
                seed=seed,
            )
        except ValueError as error:
            note = str(error)
        if not any(block.references):
            note = "no references are known: split by image"
        for number, metric in enumerate(block.metrics):
            sign = _sign(block.data, metric, directions, score_direction)
            values = [block.values[number, split[-1]] for split in drawn]
            found = repeat_protocol(
                block.score, drawn, values, sign=sign, mapping=mapping
            )
            names = {"data": block.data, "split": block.split, "metric": metric}
            lines.append({**names, **_line(found, TEST_SHARE, note)})
    return lines


def _own_splits(
    blocks: Sequence[Block],
    directions: Mapping[str, str],
    score_direction: Mapping[str, str],
    mapping: Curve,
) -> list[dict[str, Any]]:
    """Take each block as a test split; those of one data set and metric go together."""
    parts: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = defaultdict(
        list
    )
    for block in blocks:
        for metric, values in zip(block.metrics, block.values, strict=True):
            parts[block.data, metric].append((block.score, values))
    lines = []
    for (data, metric), tested in parts.items():
        ends = np.cumsum([0, *(len(score) for score, _ in tested)])
        places = [(np.arange(0), np.arange(a, b)) for a, b in pairwise(ends)]
        found = repeat_protocol(
            np.concatenate([score for score, _ in tested]),
            places,
            [values for _, values in tested],
            sign=_sign(data, metric, directions, score_direction),
            mapping=mapping,
        )
        note = "a single split: no spread" if len(tested) == 1 else ""
        names = {"data": data, "split": "own", "metric": metric}
        lines.append({**names, **_line(found, None, note)})
    return lines


def _sign(
    data: str,
    metric: str,
    directions: Mapping[str, str],
    score_direction: Mapping[str, str],
) -> int:
    return 1 if directions[metric] == score_direction[data] else -1


def _line(found: Protocol, share: float | None, note: str) -> dict[str, Any]:
    unfitted = sum(value is None for value in found.plcc.values)
    if unfitted:
        more = f"no fit in {unfitted} of {len(found.rows)} splits"
        note = "; ".join(filter(None, (note, more)))
    figures: dict[str, Any] = {}
    for name in _FIGURES:
        spread = getattr(found, name)
        figures[name] = spread.median
        for part in ("std", "low", "high"):
            figures[f"{name}_{part}"] = getattr(spread, part)
    return {
        "splits": len(found.rows),
        "test_share": share,
        "rows": float(np.median(found.rows)) if found.rows else None,
        "failed": sum(found.failed),
        **figures,
        "note": note,
    }

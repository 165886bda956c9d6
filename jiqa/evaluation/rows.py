"""Long rows, one an image and metric, as arrays: one block a data set and split."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.evaluation.statistics.bootstrap import cluster_numbers
from jiqa.io.write_table import Row, number_or_nan

#: What a long row holds, in this order.
COLUMNS = (
    *("data", "split", "image", "reference", "distortion", "level"),
    *("metric", "value", "score", "deviation"),
    *("version", "weights", "seconds", "error"),
)


@dataclass(frozen=True)
class Block:
    """The rated images of one split of one data set, by name, and every metric on them.

    The order of the rows it was made of does not matter.

    Attributes:
        data: name of the data set.
        split: name of the split, or empty.
        metrics: names of the metrics [m], in the order of their first rows.
        images: names [n], sorted.
        references: key of each image's reference [n], empty without one.
        clusters: number of each image's reference [n], see ``cluster_numbers``.
        distortions: kind of distortion of each image [n], empty if not known.
        score: subjective scores [n].
        deviation: their deviations [n], NaN where there is none.
        values: values [m, n]; NaN where there is none.
        failed: whether the metric failed on the image [m, n].
        unrated: rows of each metric that have no subjective score and are left out [m].
    """

    data: str
    split: str
    metrics: tuple[str, ...]
    images: tuple[str, ...]
    references: tuple[str, ...]
    clusters: np.ndarray
    distortions: np.ndarray
    score: np.ndarray
    deviation: np.ndarray
    values: np.ndarray
    failed: np.ndarray
    unrated: np.ndarray

    def kinds(self) -> list[str]:
        """Names of the distortions, sorted; numbers by size."""
        names = {str(d) for d in self.distortions if d}
        return sorted(
            names, key=lambda d: (0, float(d), d) if _is_number(d) else (1, 0.0, d)
        )


def group_rows(rows: Iterable[Row]) -> list[Block]:
    """Sort rows into blocks, in the order of their first rows.

    Args:
        rows: dictionaries with at least ``image``, ``metric``, ``value`` and ``score``
            (``COLUMNS`` has all). A value that is ``None`` or NaN is a failure; a score
            that is ``None``, NaN or infinite is no rating.

    Raises:
        ValueError: a column is missing, an image has two rows of one metric or two
            different scores, or a distortion is called "all".
    """
    blocks: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        missing = [c for c in ("image", "metric", "value", "score") if c not in row]
        if missing:
            raise ValueError(
                f"a row has no {' and no '.join(missing)} (columns: {', '.join(row)})"
            )
        blocks[_text(row.get("data")), _text(row.get("split"))].append(row)
    return [_block(*names, members) for names, members in blocks.items()]


def _block(data: str, split: str, rows: list[Row]) -> Block:
    metrics = list(dict.fromkeys(str(row["metric"]) for row in rows))
    numbers = {m: i for i, m in enumerate(metrics)}
    unrated = np.zeros(len(metrics), np.int64)
    facts: dict[str, tuple[str, str, float, float]] = {}
    for row in rows:
        score = number_or_nan(row["score"])
        if not math.isfinite(score):
            unrated[numbers[row["metric"]]] += 1
            continue
        fact = (
            _text(row.get("reference")),
            _text(row.get("distortion")),
            score,
            number_or_nan(row.get("deviation")),
        )
        known = facts.setdefault(str(row["image"]), fact)
        if known[:3] != fact[:3]:
            raise ValueError(
                f"{row['image']} of {data or 'the data'} has reference, distortion and "
                f"score {known[:3]} in one row, but {fact[:3]} in another"
            )
        if fact[1] == "all":
            raise ValueError(
                'a distortion cannot be called "all", which stands for all together'
            )
    images = sorted(facts)
    places = {image: i for i, image in enumerate(images)}
    values = np.full((len(metrics), len(images)), np.nan)
    present = np.zeros(values.shape, bool)
    for row in rows:
        place = places.get(str(row["image"]))
        if place is None:
            continue
        cell = numbers[row["metric"]], place
        if present[cell]:
            raise ValueError(
                f"{row['metric']} has two rows for {row['image']} of "
                f"{data or 'the data'} {split}".rstrip()
            )
        present[cell] = True
        values[cell] = number_or_nan(row["value"])
    references, distortions, score, deviation = (
        zip(*(facts[i] for i in images), strict=True) if images else ((),) * 4
    )
    return Block(
        data,
        split,
        tuple(metrics),
        tuple(images),
        tuple(references),
        cluster_numbers(references),
        np.array(distortions, object),
        np.array(score, np.float64),
        np.array(deviation, np.float64),
        values,
        present & np.isnan(values),
        unrated,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

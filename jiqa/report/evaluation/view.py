"""An evaluation as the report shows it: a group a data set, a series a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from jiqa.evaluation.evaluate import Evaluation
from jiqa.evaluation.statistics.logistic import Fit, monotonic_beside

Row = Mapping[str, Any]

#: ``summary`` calls the line over all distortions so.
ALL = "all"


@dataclass(frozen=True)
class Series:
    """One metric on one data set and split.

    Attributes:
        metric: its label.
        overall: its line of the summary over all distortions.
        by_kind: its lines of the summary for each distortion.
        fit: from values to predicted subjective scores; ``None`` without a fit.
        rows: rows with a value and a subjective score.
        failed: rows without a value.
    """

    metric: str
    overall: Row
    by_kind: dict[str, Row]
    fit: Fit | None
    rows: list[Row]
    failed: list[Row]

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return {"higher": "↑", "lower": "↓"}.get(str(self.overall["direction"]), "")

    @cached_property
    def values(self) -> np.ndarray:
        """``[n]`` values of the metric; may be infinite."""
        return np.array([row["value"] for row in self.rows], np.float64)

    @cached_property
    def scores(self) -> np.ndarray:
        """``[n]`` subjective scores."""
        return np.array([row["score"] for row in self.rows], np.float64)

    @cached_property
    def predicted(self) -> np.ndarray:
        """``[n]`` scores that the fit predicts; NaN where it does not."""
        return self.predict(self.values)

    @cached_property
    def monotonic(self) -> Fit | None:
        """A monotonic fit where ``fit`` turns round within the data, else ``None``."""
        if self.fit is None or not len(self.values):
            return None
        return monotonic_beside(self.fit, self.values, self.scores)

    def predict(self, values: np.ndarray) -> np.ndarray:
        """The fit at ``values``; NaN without a fit or where it is not finite."""
        if self.fit is None or not len(values):
            return np.full(np.shape(values), np.nan)
        with np.errstate(all="ignore"):
            out = np.asarray(self.fit(values), np.float64)
        return np.where(np.isfinite(out), out, np.nan)


@dataclass(frozen=True)
class Group:
    """One data set and split.

    Attributes:
        data: name of the data set.
        split: name of the split, or ``""``.
        series: a ``Series`` a metric; the highest SRCC first.
        kinds: distortions, in the order of the rows.
        better: whether a higher subjective score means better, ``"higher"`` or
            ``"lower"``; ``""`` if it is not known.
        significance: the entry of ``Evaluation.significance``, or ``None``.
    """

    data: str
    split: str
    series: list[Series]
    kinds: list[str]
    better: str
    significance: Mapping[str, Any] | None = field(default=None)

    @property
    def title(self) -> str:
        """Data set and split in words."""
        return f"{self.data} · {self.split}" if self.split else self.data

    @property
    def labels(self) -> list[str]:
        """Labels of the metrics."""
        return [series.metric for series in self.series]

    @cached_property
    def images(self) -> int:
        """Number of images that have a row."""
        rows = (r for s in self.series for r in (*s.rows, *s.failed))
        return len({row["image"] for row in rows})

    @cached_property
    def failed(self) -> int:
        """Number of rows without a value."""
        return sum(len(series.failed) for series in self.series)


def number(value: Any) -> float:
    """A float; NaN for ``None``."""
    return np.nan if value is None else float(value)


def groups(
    evaluation: Evaluation, score_direction: Mapping[str, str] | None = None
) -> list[Group]:
    """Sort the rows of an ``Evaluation`` into groups and series.

    Args:
        evaluation: as ``jiqa.evaluation.evaluate`` makes it.
        score_direction: whether ``"higher"`` or ``"lower"`` scores are better, by data
            set.
    """
    overall: dict[tuple[str, str], dict[str, Row]] = {}
    by_kind: dict[tuple[str, str, str], dict[str, Row]] = {}
    for line in evaluation.summary:
        key = _place(line)
        if line["distortion"] == ALL:
            overall.setdefault(key, {})[line["metric"]] = line
        else:
            kinds = by_kind.setdefault((*key, line["metric"]), {})
            kinds[str(line["distortion"])] = line
    rows: dict[tuple[str, str, str], tuple[list[Row], list[Row]]] = {}
    kinds_of: dict[tuple[str, str], dict[str, None]] = {}
    for row in evaluation.rows:
        key = _place(row)
        good, failed = rows.setdefault((*key, str(row["metric"])), ([], []))
        if np.isnan(number(row["value"])):
            failed.append(row)
        elif np.isfinite(number(row["score"])):
            good.append(row)
        kinds_of.setdefault(key, {})[kind_of(row)] = None
    tests = {_place(entry): entry for entry in evaluation.significance}
    return [
        Group(
            data=key[0],
            split=key[1],
            series=[
                Series(
                    metric,
                    line,
                    by_kind.get((*key, metric), {}),
                    evaluation.fits.get((*key, metric)),
                    *rows.get((*key, metric), ([], [])),
                )
                for metric, line in sorted(lines.items(), key=_best_first)
            ],
            kinds=[k for k in kinds_of.get(key, {}) if k],
            better=(score_direction or {}).get(key[0], ""),
            significance=tests.get(key),
        )
        for key, lines in overall.items()
    ]


def _place(row: Row) -> tuple[str, str]:
    return text(row, "data"), text(row, "split")


def text(row: Row, column: str) -> str:
    """A column of a row as text; empty where the row has none."""
    value = row.get(column)
    return "" if value is None else str(value)


def kind_of(row: Row) -> str:
    """The distortion of a row; ``""`` where it names none."""
    return text(row, "distortion")


def _best_first(item: tuple[str, Row]) -> float:
    srcc = number(item[1]["srcc"])
    return np.inf if np.isnan(srcc) else -srcc

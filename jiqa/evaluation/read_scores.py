"""Several score tables, joined by image into the long rows that are evaluated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jiqa.errors import UsageError
from jiqa.evaluation.rows import COLUMNS
from jiqa.evaluation.score_table import SUBJECTIVE, ScoreTable, read_score_tables
from jiqa.io.names import composed, folded
from jiqa.io.read_table import is_leftover
from jiqa.io.table_columns import SYNONYMS, is_difference, number_of, read_number

#: Data set, split and image.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Scores:
    """Scores of all metrics on the rated images.

    Attributes:
        rows: long rows, one an image and metric; an image that a metric has no value of
            is a failed row.
        score_direction: by data set, from the column's name: scores called dmos are
            lower for better, all others higher.
        notes: what was left out, in sentences.
        columns: which column of each table was taken for what, and what was averaged.
    """

    rows: list[dict[str, Any]]
    score_direction: dict[str, Literal["higher", "lower"]]
    notes: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


def read_scores(
    paths: Sequence[Path | str],
    *,
    subjective: str | None = None,
    ignore: Sequence[str] = (),
    infinite: float | None = None,
) -> Scores:
    """Read tables and join them by image.

    An image is found by its name as written, else by the name without folders, else by
    that without regard to capitals, as long as only one fits. Metrics of one name in
    several tables are one metric where their images differ, such as the parts of a run.

    Args:
        paths: tables of which at least one has subjective scores.
        subjective: the column of subjective scores, see ``read_score_tables``.
        ignore: columns that are no metrics.
        infinite: a number that stands for infinity, such as 100000 in TID2013's
            tables (its negative for minus infinity); by itself no number does.

    Raises:
        UsageError: no subjective scores, no metric, no image in common, an image with
            two scores, or two values of one metric on one image.
    """
    fit = [path for path in paths if not is_leftover(path)] or paths
    notes = [f"{p}: passed over, no table" for p in paths if p not in fit]
    tables = read_score_tables(fit, subjective=subjective, ignore=ignore)
    rated = [t for t in tables if t.subjective]
    if not rated:
        others = [name for name in SYNONYMS["score"] if name not in SUBJECTIVE]
        wanted = subjective or ", ".join((*SUBJECTIVE, *others))
        raise UsageError(
            f"no subjective scores: expected a column {wanted} (--subjective COLUMN "
            "names another), got "
            + "; ".join(f"{', '.join(t.columns)} in {t.name}" for t in tables)
        )
    if not any(t.metrics or t.long for t in tables):
        raise UsageError(
            "no column holds scores of a metric: the columns are "
            + "; ".join(f"{', '.join(t.columns)} in {t.name}" for t in tables)
        )
    images = _rated_images(rated)
    finder = _Finder(images)
    cells: dict[str, dict[Key, dict[str, Any]]] = {}
    sources: dict[str, list[str]] = {}
    for table in tables:
        strange: dict[str, None] = {}
        for row in table.rows:
            image = row["image"]
            keys = finder.find(image, row.get("data", ""), row.get("split", ""))
            if not keys:
                strange[image] = None
                continue
            for key in keys:
                _fill(images[key], row)
            for metric, cell in _cells(table, row, infinite):
                for key in keys:
                    _add(cells.setdefault(metric, {}), key, cell, metric, table.name)
                if table.name not in sources.setdefault(metric, []):
                    sources[metric].append(table.name)
        if strange:
            notes.append(
                f"{len(strange)} images of {table.name} have no subjective score and "
                f"are left out, {next(iter(strange))} first"
            )
    if not cells:
        raise UsageError(
            "the tables have no image in common: there are subjective scores of images "
            f"such as {next(iter(images))[-1]}; {'; '.join(notes)}"
        )
    rows = [
        _row(fact, key, metric, found.get(key), sources[metric])
        for metric, found in cells.items()
        for key, fact in images.items()
    ]
    direction: dict[str, Literal["higher", "lower"]] = {
        fact["data"]: "lower" if is_difference(fact["column"]) else "higher"
        for fact in images.values()
    }
    return Scores(rows, direction, notes, [n for t in tables for n in t.notes])


def _rated_images(tables: Sequence[ScoreTable]) -> dict[Key, dict[str, Any]]:
    """Collect the facts about every rated image, by data set, split and name.

    An image may be in several splits, such as the test parts of repeated ones.
    """
    stem = tables[0].name.split(".")[0]
    images: dict[Key, dict[str, Any]] = {}
    scores: dict[tuple[str, str], float] = {}
    for table in tables:
        column = table.subjective or ""
        for row in table.rows:
            name = row["image"]
            score = number_of(row[column], f"{table.name}, {column} of {name}")
            if score is None or not math.isfinite(score):
                continue
            deviation = row.get(table.deviation or "", "")
            fact = {
                "data": row.get("data", "") or stem,
                "split": row.get("split", ""),
                "image": name,
                "score": score,
                "deviation": number_of(deviation, f"{table.name}, deviation of {name}"),
                "column": column,
            }
            images.setdefault((fact["data"], fact["split"], name), fact)
            known = scores.setdefault((fact["data"], name), score)
            if known != score:
                raise UsageError(
                    f"{name} has the score {known}, but {score} in {table.name}"
                )
    if not images:
        raise UsageError(
            f"{tables[0].name}: the column {tables[0].subjective} holds no scores"
        )
    # A table that names no split speaks of the images of one that does.
    named = {(data, name) for data, split, name in images if split}
    return {k: f for k, f in images.items() if k[1] or (k[0], k[2]) not in named}


def _fill(fact: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Fill in reference, distortion and level from the first table that has them."""
    for column in ("reference", "distortion"):
        fact[column] = fact.get(column) or row.get(column) or None
    if fact.get("level") is None:
        fact["level"] = _level(row.get("level", ""))


def _add(
    found: dict[Key, dict[str, Any]],
    key: Key,
    cell: dict[str, Any],
    metric: str,
    table: str,
) -> None:
    """Set a cell if it is empty; another value already there is an error."""
    known = found.setdefault(key, cell)
    if known["value"] is None:
        found[key] = cell
    elif cell["value"] not in (None, known["value"]):
        raise UsageError(
            f"{metric} of {key[-1]} is {known['value']} in one row, but "
            f"{cell['value']} in a row of {table}; rename one of the columns if these "
            "are two metrics"
        )


class _Finder:
    """Finds the rated image that a table's name means."""

    def __init__(self, images: Mapping[Key, Any]) -> None:
        self._by_name: list[dict[str, list[Key]]] = [{}, {}, {}]
        for key in images:
            for index, form in zip(self._by_name, _forms(key[-1]), strict=True):
                index.setdefault(form, []).append(key)

    def find(self, image: str, data: str, split: str) -> list[Key]:
        """Find one image; in all its splits if the row names none."""
        for index, form in zip(self._by_name, _forms(image), strict=True):
            fitting = [k for k in index.get(form, []) if not data or k[0] == data]
            if len({(k[0], k[-1]) for k in fitting}) == 1:
                in_split = [k for k in fitting if k[1] == split]
                return in_split or (fitting if not split or len(fitting) == 1 else [])
        return []


def _forms(name: str) -> tuple[str, str, str]:
    whole = composed(name)
    last = whole.replace("\\", "/").rsplit("/", 1)[-1]
    return whole, last, folded(last)


def _cells(
    table: ScoreTable, row: Mapping[str, str], infinite: float | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every metric of a row of a table, with its value or error."""
    if table.long:
        metrics = [(row["metric"], row["value"])]
    else:
        metrics = [(name, row[name]) for name in table.metrics]
    for metric, raw in metrics:
        error = row.get("error", "")
        try:
            value = read_number(raw)
        except ValueError:
            value, error = None, f"{table.name}: {raw!r} is not a number"
        if value is not None and infinite is not None and abs(value) == infinite:
            value = math.copysign(math.inf, value)
        if value is not None:
            error = ""
        elif not error:
            error = f"no value in {table.name}"
        seconds = row.get("seconds", "")
        cell = {
            "value": value,
            "version": row.get("version") or None,
            "weights": row.get("weights") or None,
            "seconds": number_of(seconds, f"{table.name}, seconds of {row['image']}"),
            "error": error,
        }
        yield metric, cell


def _row(
    fact: Mapping[str, Any],
    key: Key,
    metric: str,
    cell: Mapping[str, Any] | None,
    sources: Sequence[str],
) -> dict[str, Any]:
    missing = {"value": None, "error": f"no row in {', '.join(sources)}"}
    row = {**fact, "metric": metric, **(cell or missing)}
    return {c: row.get(c) for c in COLUMNS}


def _level(cell: str) -> int | float | str | None:
    """Return a level as a whole number where it is one."""
    try:
        number = read_number(cell)
    except ValueError:
        return cell
    return int(number) if number is not None and number.is_integer() else number

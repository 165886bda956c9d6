"""Score tables in users' formats, wide or long.

A wide table has one row an image and one column a metric, as ``jiqa score`` writes; a
long one has the columns ``metric`` and ``value`` and one row an image and metric, as
``jiqa evaluate`` writes. ``read_scores`` joins several of them. Files are read and
columns are named by ``jiqa.io``; here it is decided which columns are metrics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiqa.checks import expected
from jiqa.errors import LayoutError, UsageError
from jiqa.io import read_table as tables
from jiqa.io.table_columns import (
    SYNONYMS,
    Columns,
    find_columns,
    find_deviation,
    find_votes,
    is_no_metric,
    read_number,
)
from jiqa.io.table_ratings import averaged

#: What columns may mean here; see ``jiqa.io.table_columns.SYNONYMS``.
MEANINGS = (
    *("image", "reference", "distortion", "level", "data", "split", "error"),
    *("metric", "value", "version", "weights", "seconds", "rater"),
)

#: Columns that hold subjective scores, if none is named. Other synonyms of a score may
#: be names of metrics: they count only where no table has one of these.
SUBJECTIVE = ("mos", "dmos", "score")

#: Numbers that are no metric.
_OTHER = {"std", "deviation", *SUBJECTIVE}


@dataclass(frozen=True)
class ScoreTable:
    """One file.

    Attributes:
        name: the file's name.
        columns: its columns by our names where ``MEANINGS`` has one, else as they are.
        rows: one dictionary a row, by those names; cells as text.
        subjective: the column of subjective scores, or ``None``.
        deviation: the column of their deviations, or ``None``.
        metrics: columns that are metrics; empty for a long table.
        notes: sentences on which column was taken for what.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]
    subjective: str | None
    deviation: str | None
    metrics: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def long(self) -> bool:
        """Whether there is one row an image and metric."""
        return "metric" in self.columns and "value" in self.columns


def read_score_tables(
    paths: Sequence[Path | str],
    *,
    subjective: str | None = None,
    ignore: Sequence[str] = (),
) -> list[ScoreTable]:
    """Read files of which at least one should have subjective scores.

    Args:
        paths: see ``read_score_table``.
        subjective: the column of subjective scores; otherwise the only one of
            ``SUBJECTIVE`` in any table or, where no table has one, the only one of
            their synonyms.
        ignore: columns that are no metrics.

    Raises:
        UsageError: see ``read_score_table``.
    """
    found = [_read(Path(path)) for path in paths]
    out = [_told(table, subjective, ignore, SUBJECTIVE) for table in found]
    if subjective is None and not any(table.subjective for table in out):
        out = [_told(table, None, ignore, SYNONYMS["score"]) for table in found]
    return out


def read_score_table(
    path: Path | str, *, subjective: str | None = None, ignore: Sequence[str] = ()
) -> ScoreTable:
    """Read one file and find out what its columns are.

    Args:
        path: a file with one of ``jiqa.io.read_table.SUFFIXES``.
        subjective: the column of subjective scores; otherwise the only one of
            ``SUBJECTIVE``, if there is any.
        ignore: columns that are no metrics. Text is none, nor are names that begin with
            mos or dmos.

    Raises:
        UsageError: no such file, a format that is not known, no rows, no column of
            images, or several columns that may be subjective scores.
    """
    return _told(_read(Path(path)), subjective, ignore, SUBJECTIVE)


def _read(path: Path) -> tables.Table:
    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    if not tables.suffix_of(path):
        wanted = f"a name that ends in {', '.join(tables.SUFFIXES)}"
        raise UsageError(expected(f"{path}", wanted, path.suffix or "no suffix"))
    try:
        # A row that ends early is one of a file that was cut short.
        table = tables.read_table(path, short_rows=False)
    except LayoutError as error:
        raise UsageError(str(error)) from None
    if not table.rows:
        raise UsageError(f"{path}: the table has no rows")
    twice = sorted({c for c in table.columns if list(table.columns).count(c) > 1})
    if twice:
        raise UsageError(f"{path}: column {', '.join(twice)} occurs twice")
    return table


def _told(
    table: tables.Table,
    subjective: str | None,
    ignore: Sequence[str],
    scores: Sequence[str],
) -> ScoreTable:
    """Work out what the columns are; ``scores`` are names of subjective ones."""
    try:
        index = find_columns(table, MEANINGS).index
    except LayoutError as error:
        raise UsageError(str(error)) from None
    names = list(table.columns)
    for meaning, column in index.items():
        names[column] = meaning
    score = _subjective(table, names, subjective, scores)
    if score is not None:
        index = {**index, "score": names.index(score)}
        found = find_deviation(names, score)
        index |= {} if found is None else {"deviation": found}
    own, before = table, index
    try:
        table, columns, averages = averaged(table, Columns(index, {}))
    except LayoutError as error:
        raise UsageError(str(error)) from None
    names += table.columns[len(names) :]
    place = columns.index.get("deviation")
    deviation = None if place is None else names[place]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    votes = {names[column] for column in find_votes(table).values()}
    taken = {*MEANINGS, *ignore, *votes, score, deviation}
    metrics = [
        name
        for name in names
        if name not in taken and not _is_other(name) and _mostly_numbers(rows, name)
    ]
    if "metric" in names and "value" in names:
        metrics = []
    used = {*metrics, *MEANINGS, score, deviation}
    others = [name for name in names[: len(own.columns)] if name not in used]
    note = Columns(before, {}, others).note(own, metrics=metrics)
    return ScoreTable(
        table.path.name,
        tuple(names),
        rows,
        score,
        deviation,
        tuple(metrics),
        (note, averages) if averages else (note,),
    )


def _subjective(
    table: tables.Table, names: Sequence[str], named: str | None, scores: Sequence[str]
) -> str | None:
    """Return the column of subjective scores: as named, or the only candidate."""
    if named is not None:
        there = dict(zip(table.columns, names, strict=True))
        return there.get(named)
    exact = [n for n in names if n.lower() in SUBJECTIVE]
    wide = [n for n in names if tables.plain(n) in scores]
    there = exact or (wide if scores is not SUBJECTIVE else [])
    if len(there) > 1:
        raise UsageError(
            f"{table.path}: {' and '.join(there)} may be the subjective scores; choose "
            f"one by --subjective COLUMN (columns: {', '.join(table.columns)})"
        )
    return there[0] if there else None


def _is_other(column: str) -> bool:
    name = column.lower()
    if name in _OTHER or is_no_metric(column):
        return True
    return re.match(r"d?mos(_|$)", name) is not None


def _mostly_numbers(rows: Sequence[Mapping[str, str]], column: str) -> bool:
    """Whether half or more of the filled cells are numbers (true and false are not)."""
    filled = numbers = 0
    for row in rows:
        try:
            number = read_number(row[column])
        except ValueError:
            filled += 1
            continue
        filled += number is not None
        numbers += number is not None
    return filled > 0 and 2 * numbers >= filled

"""Score tables as other people write them: CSV, Parquet or JSON, wide or long.

A wide table has one row an image and one column a metric, as ``jiqa score`` writes; a
long one has the columns ``metric`` and ``value`` and one row an image and metric, as
``jiqa evaluate`` writes. ``merging`` joins several of them.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiqa.errors import UsageError
from jiqa.io.write_table import FORMATS

#: Names that columns go by, in lower case; the first is ours.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "distorted", "dist_img", "image_name", "filename", "file"),
    "reference": ("reference", "ref", "ref_img", "reference_image"),
    "distortion": ("distortion", "distortion_type", "dist_type", "type"),
    "level": ("level", "distortion_level", "dist_level"),
    "data": ("data", "dataset", "data_set"),
    "split": ("split", "subset"),
    "error": ("error",),
    "metric": ("metric",),
    "value": ("value",),
    "version": ("version",),
    "weights": ("weights",),
    "seconds": ("seconds",),
}

#: Columns that hold human scores, if none is named.
SUBJECTIVE = ("mos", "dmos", "score")

#: Numbers that are no metric.
_OTHER = {"width", "height", "std", "deviation", *SUBJECTIVE}

#: Cells that hold nothing.
_MISSING = {"", "na", "n/a", "nan", "none", "null", "-"}


@dataclass(frozen=True)
class Table:
    """One file.

    Attributes:
        name: the file's name.
        columns: its columns by our names where ``ALIASES`` has one, else as they are.
        rows: one dictionary a row, by those names.
        subjective: the column of human scores, or ``None``.
        deviation: the column of their deviations, or ``None``.
        metrics: columns that are metrics; empty for a long table.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    subjective: str | None
    deviation: str | None
    metrics: tuple[str, ...]

    @property
    def long(self) -> bool:
        """Whether there is one row an image and metric."""
        return "metric" in self.columns and "value" in self.columns


def read_table(
    path: Path | str,
    *,
    subjective: str | None = None,
    ignore: Sequence[str] = (),
) -> Table:
    """Read one file and find out what its columns are.

    Args:
        path: a .csv (also .tsv, and either with .gz), .parquet or .json file.
        subjective: the column of human scores; otherwise the only one of mos, dmos and
            score, if there is any.
        ignore: columns that are no metrics. Text is none, nor are names that begin with
            mos or dmos.

    Raises:
        UsageError: no such file, a format that is not known, no rows, no column of
            images, or several columns that may be human scores.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no table {path}: no such file")
    header, raw = _read(path)
    if not raw:
        raise UsageError(f"{path}: no rows")
    names = _our_names(header)
    found = f"{path}: its columns are {', '.join(header)}"
    if "image" not in names.values():
        raise UsageError(
            f"{found}; needed is one of {', '.join(ALIASES['image'])} with the "
            "names of the images"
        )
    score = _subjective(names, subjective, found)
    rows = [{names[h]: row.get(h) for h in header} for row in raw]
    columns = tuple(names.values())
    deviation = _deviation(columns, score)
    taken = {*ALIASES, *ignore, score, deviation}
    long = "metric" in columns and "value" in columns
    metrics = (
        ()
        if long
        else tuple(
            c
            for c in columns
            if c not in taken and not _is_other(c) and _mostly_numbers(rows, c)
        )
    )
    return Table(path.name, columns, rows, score, deviation, metrics)


def read_number(cell: Any) -> float | None:
    """A cell as a number, ``None`` for an empty one.

    Raises:
        ValueError: text that is no number.
    """
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _MISSING):
        return None
    number = float(cell)
    return None if math.isnan(number) else number


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    suffixes = [s.lower() for s in path.suffixes[-2:]]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    suffix = ("", *suffixes)[-2 if packed else -1]
    try:
        if suffix in (".csv", ".tsv"):
            return _read_csv(path, packed)
        if suffix == ".parquet" and not packed:
            import pyarrow.parquet as pq

            table = pq.read_table(path)
            return table.column_names, table.to_pylist()
        if suffix == ".json" and not packed:
            rows = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
                raise UsageError(f"{path}: needed is a JSON array of objects")
            return list(dict.fromkeys(k for row in rows for k in row)), rows
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"cannot read {path}: {error}") from None
    raise UsageError(
        f"cannot read {path}: needed is one of {', '.join(FORMATS)}, .tsv, .csv.gz"
    )


def _read_csv(path: Path, packed: bool) -> tuple[list[str], list[dict[str, Any]]]:
    with (gzip.open if packed else open)(
        path, "rt", newline="", encoding="utf-8-sig"
    ) as file:
        first = file.readline()
        file.seek(0)
        # The separator that splits the header most.
        separator = max(",;\t", key=first.count)
        reader = csv.DictReader(file, delimiter=separator, skipinitialspace=True)
        header = [h.strip() for h in reader.fieldnames or []]
        twice = sorted({h for h in header if header.count(h) > 1})
        if twice:
            raise UsageError(f"{path}: column {', '.join(twice)} is there twice")
        reader.fieldnames = header
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise UsageError(
                    f"{path} line {reader.line_num}: as many cells as the header's "
                    f"{len(header)} are needed"
                )
            rows.append(row)
    return header, rows


def _our_names(header: Sequence[str]) -> dict[str, str]:
    """Our name of each column; the first alias that is there wins."""
    lower = {h.lower(): h for h in reversed(header)}
    names = {h: h for h in header}
    for ours, aliases in ALIASES.items():
        there = next((lower[a] for a in aliases if a in lower), None)
        if there is not None:
            names[there] = ours
    return names


def _subjective(names: Mapping[str, str], wanted: str | None, found: str) -> str | None:
    if wanted is not None:
        return names.get(wanted)
    there = [n for n in names.values() if n.lower() in SUBJECTIVE]
    if len(there) > 1:
        raise UsageError(
            f"{found}; {' and '.join(there)} may be the human scores, name one "
            "(--subjective COLUMN)"
        )
    return there[0] if there else None


def _deviation(columns: Sequence[str], score: str | None) -> str | None:
    if score is None:
        return None
    lower = {c.lower(): c for c in columns}
    names = (f"{score.lower()}_std", f"{score.lower()}_sd", "deviation", "std")
    return next((lower[n] for n in names if n in lower), None)


def _is_other(column: str) -> bool:
    name = column.lower()
    return name in _OTHER or re.match(r"d?mos(_|$)", name) is not None


def _mostly_numbers(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether half or more of the filled cells are numbers (true and false are not)."""
    filled = numbers = 0
    for row in rows:
        cell = row[column]
        if isinstance(cell, bool):
            return False
        try:
            number = read_number(cell)
        except (TypeError, ValueError):
            filled += 1
            continue
        filled += number is not None
        numbers += number is not None
    return filled > 0 and 2 * numbers >= filled

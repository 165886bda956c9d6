"""The layout of a user data set: a table, and the images that it names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder
from jiqa.data.schema import Contents, Info, Record
from jiqa.data.user_tables.scale import read_side, table_scale
from jiqa.errors import LayoutError
from jiqa.io.read_table import Table, read_table
from jiqa.io.table_columns import Columns, find_columns, read_number

#: What columns may mean here; see ``jiqa.io.table_columns.SYNONYMS``.
MEANINGS = (
    *("image", "reference", "score", "deviation", "variance", "distortion", "level"),
    *("split", "set", "direction", "error", "histogram"),
)

#: Endings of what counts as a table, and of what does in a folder without any of those.
SUFFIXES = (".csv", ".tsv", ".xlsx")
_OTHER_SUFFIXES = (".parquet", ".csv.gz", ".tsv.gz")

LAYOUT = """\
NAME.csv   one line per image; columns, under these names or similar ones:
    image  path from here, or from images/
    reference, score (or mos, dmos), deviation, distortion, level, split: optional
    score 1, score 2, ...: numbers of votes, optional
NAME.json  optional: {"direction": "higher" or "lower", "low": 0, "high": 100, ...}
images/    the images, if not beside the table"""


def read_own(root: Path, options: Mapping[str, str], base: Info) -> Contents:
    """Read a table and find its images.

    Args:
        root: the table, or a folder with one table.
        options: the user's options, which override the side file.
        base: known facts of the set, to which those of the table are added.

    Raises:
        LayoutError: no table, or several; a cell that cannot be read; missing images.
    """
    path = _table_in(root)
    folder = Folder(path.parent)
    table = read_table(path)
    columns = find_columns(table, MEANINGS, votes=True)
    side = read_side(path, options)
    references: dict[str, Path] = {}
    rows = [_Row(table, columns, n, row) for n, row in enumerate(table.rows)]
    failed = [row for row in rows if row.get("error")]
    records = [
        _record(row, folder, side, references) for row in rows if not row.get("error")
    ]
    if not records:
        folder.miss(f"a line in {path.name} below the header")
    folder.check(base.layout)
    scale = table_scale(table, columns, side, records)
    rated, votes = scale is not None, tuple(columns.votes)
    if not votes:
        longest = max(len(record.histogram) for record in records)
        votes = tuple(float(n + 1) for n in range(longest))
    info = Info(
        title=side.get("title") or base.title or path.stem,
        kind="full-reference" if references else "authentic" if rated else "pristine",
        layout=base.layout,
        citation=side.get("citation") or base.citation,
        homepage=side.get("homepage") or base.homepage,
        scales={"": scale} if scale else {},
        images=len(records),
        references=len(references),
        distortions=tuple(dict.fromkeys(r.distortion for r in records if r.distortion)),
        histogram=votes,
        licence=side.get("licence") or base.licence,
    )
    notes = _failed(failed)
    if not rated and columns.others:
        notes.append(f"no scores; ignored columns: {', '.join(columns.others)}")
    return Contents(records, references, notes, info)


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return path.name.lower().endswith((*SUFFIXES, *_OTHER_SUFFIXES))


def _table_in(root: Path) -> Path:
    if root.is_file():
        return root
    folder = Folder(root)
    tables = folder.images("", SUFFIXES)
    if not tables:
        tables = [p for p in folder.images("", (".parquet", ".gz")) if is_table(p)]
    if len(tables) == 1:
        return tables[0]
    names = ", ".join(path.name for path in tables) or "none"
    hint = "or give the path of one"
    raise LayoutError(
        expected(f"{folder.root}", "one table", names, hint) + f"\n{LAYOUT}"
    )


class _Row:
    """One row: its cells by meaning, and where it stands for messages."""

    def __init__(self, table: Table, columns: Columns, number: int, row: Sequence[str]):
        self.table, self.columns, self.row = table, columns, row
        self.position = number

    def get(self, meaning: str) -> str:
        return self.columns.get(self.row, meaning)

    def wrong(self, meaning: str, wanted: str) -> LayoutError:
        where = f"{self.table.where(self.position)}, {meaning}"
        return LayoutError(expected(where, wanted, repr(self.get(meaning))))

    def number(self, meaning: str) -> float | None:
        try:
            value = read_number(self.get(meaning))
        except ValueError:
            value = math.inf
        if value is not None and math.isinf(value):
            raise self.wrong(meaning, "a number")
        return value


def _failed(rows: Sequence[_Row]) -> list[str]:
    """The notes of a manifest on images that could not be made."""
    if not rows:
        return []
    failures = "; ".join(f"{row.get('image')}: {row.get('error')}" for row in rows)
    return [f"images that the table marks as failed: {len(rows)} ({failures})"]


def _record(
    row: _Row, folder: Folder, side: Mapping[str, Any], references: dict[str, Path]
) -> Record:
    name = row.get("image").replace("\\", "/")
    if not name:
        raise row.wrong("image", "a path")
    reference = row.get("reference").replace("\\", "/") or None
    if reference and reference not in references:
        places = (side.get("references"), side.get("images"), "references", "images")
        references[reference] = _locate(folder, reference, places)
    histogram = _histogram(row)
    score, deviation = row.number("score"), _deviation(row)
    if histogram and score is None:
        values = tuple(row.columns.votes) or range(1, len(histogram) + 1)
        score, spread = _moments(histogram, values)
        deviation = spread if deviation is None else deviation
    return Record(
        image=_locate(folder, name, (side.get("images"), "images")),
        name=name,
        reference=reference,
        score=score,
        deviation=deviation,
        histogram=histogram,
        distortion=_distortion(row),
        level=_level(row),
        split=re.sub(r"\W+", "_", row.get("split")),
    )


def _locate(folder: Folder, name: str, places: Sequence[str | None]) -> Path:
    exact = folder.root / name
    if exact.is_file():
        return exact
    inside = [f"{place}/{name}" for place in dict.fromkeys(places) if place]
    return folder.need(name, *inside)


def _deviation(row: _Row) -> float | None:
    deviation, variance = row.number("deviation"), row.number("variance")
    if deviation is None and variance is not None:
        if variance < 0:
            raise row.wrong("variance", "0 or more")
        return math.sqrt(variance)
    return deviation


def _level(row: _Row) -> int | None:
    level = row.number("level")
    if level is None:
        return None
    if level != int(level) or level < 0:
        raise row.wrong("level", "a whole number, 0 for no distortion")
    return int(level)


def _distortion(row: _Row) -> str:
    """The type; of a manifest with its generator's set before it."""
    if row.number("level") == 0:
        return ""
    kind, origin = row.get("distortion"), row.get("set")
    return f"{origin}/{kind}" if origin and kind and "/" not in kind else kind


def _histogram(row: _Row) -> tuple[float, ...]:
    cells = [row.row[place] for place in row.columns.votes.values()]
    if not cells:
        cells = re.split(r"[\s;,|]+", row.get("histogram").strip("[]() "))
    if not any(cells):
        return ()
    try:
        votes = [read_number(cell) if cell else 0.0 for cell in cells]
    except ValueError:
        votes = [None]
    counts = tuple(v for v in votes if v is not None and math.isfinite(v))
    if len(counts) < len(votes):
        raise row.wrong("histogram", "numbers of votes")
    return counts


def _moments(
    histogram: Sequence[float], values: Sequence[float] | range
) -> tuple[float | None, float | None]:
    total = math.fsum(histogram)
    if total <= 0:
        return None, None
    pairs = list(zip(values, histogram, strict=True))
    mean = math.fsum(v * n for v, n in pairs) / total
    return mean, math.sqrt(math.fsum((v - mean) ** 2 * n for v, n in pairs) / total)

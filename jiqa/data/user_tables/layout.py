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
from jiqa.io.names import as_text, find_file
from jiqa.io.read_table import Table, is_leftover, read_table
from jiqa.io.table_columns import Columns, find_columns, read_number
from jiqa.io.table_ratings import averaged, image_key
from jiqa.io.walk import is_clutter

#: What columns may mean here; see ``jiqa.io.table_columns.SYNONYMS``.
MEANINGS = (
    *("image", "reference", "score", "deviation", "variance", "distortion", "level"),
    *("split", "set", "direction", "error", "histogram", "rater", "count", "index"),
)

#: Meanings that a note does not name: nothing is read from their columns.
_UNUSED = ("rater", "count", "index", "error")

#: Endings of what counts as a table, and of what does in a folder without any of those.
SUFFIXES = (".csv", ".tsv", ".xlsx")
_OTHER_SUFFIXES = (".parquet", ".csv.gz", ".tsv.gz")

#: Names of missing images in a note.
_SHOWN = 5

LAYOUT = """\
NAME.csv   one line per image; columns, under these names or similar ones:
    image  path from here, or from images/
    reference, score (or mos, dmos), deviation, distortion, level, split: optional
    score 1, score 2, ...: numbers of votes, optional
NAME.json  optional: {"direction": "higher" or "lower", "low": 0, "high": 100, ...}
images/    the images, if not beside the table"""


def read_user_table(root: Path, options: Mapping[str, str], base: Info) -> Contents:
    """Read a table and find its images.

    Args:
        root: the table, or a folder with one table.
        options: the user's options, which override the side file.
        base: known facts of the set, to which those of the table are added.

    Raises:
        LayoutError: no table, or several; a cell that cannot be read; two different
            scores of an image; or none of the images is there. One that is missing is
            a record whose file does not exist.
    """
    path = _table_in(root)
    folder = Folder(path.parent)
    table = read_table(path)
    columns = find_columns(table, MEANINGS, votes=True)
    used = [meaning for meaning in columns.index if meaning not in _UNUSED]
    notes = [columns.note(table, used)]
    table, columns, averages = averaged(table, columns)
    notes += [averages] if averages else []
    side = read_side(path, options)
    references: dict[str, Path] = {}
    rows = [_Row(table, columns, n, row) for n, row in enumerate(table.rows)]
    failed = [row for row in rows if row.get("error")]
    images: dict[tuple[str, ...], _Row] = {}
    for row in rows:
        if not row.get("error"):
            images.setdefault(image_key(columns, row.row), row)
    finder = _Finder(folder, side)
    records = [_record(row, finder, references) for row in images.values()]
    if not records:
        folder.miss(f"a line in {path.name} below the header")
    if not finder.found:
        finder.miss_all()
    folder.check(base.layout)
    notes += finder.notes()
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
    if not rated:
        notes[0] += "; no scores"
    notes += _failed(failed)
    return Contents(records, references, notes, info)


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    name = path.name.lower()
    return not is_leftover(path) and name.endswith((*SUFFIXES, *_OTHER_SUFFIXES))


def _table_in(root: Path) -> Path:
    if root.is_file():
        return root
    folder = Folder(root)
    endings = [*SUFFIXES, ".parquet", ".gz"]
    found = [p for p in folder.images("", endings) if not is_clutter(p.name)]
    tables = [p for p in found if p.name.lower().endswith(SUFFIXES)]
    if not tables:
        tables = [p for p in found if is_table(p)]
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


def _record(row: _Row, finder: _Finder, references: dict[str, Path]) -> Record:
    name = as_text(row.get("image").replace("\\", "/"))
    if not name:
        raise row.wrong("image", "a path")
    reference = as_text(row.get("reference").replace("\\", "/")) or None
    if reference and reference not in references:
        references[reference] = finder.find(row.get("reference"), "references")
    histogram = _histogram(row)
    score, deviation = row.number("score"), _deviation(row)
    if histogram and score is None:
        values = tuple(row.columns.votes) or range(1, len(histogram) + 1)
        score, spread = _moments(histogram, values)
        deviation = spread if deviation is None else deviation
    return Record(
        image=finder.find(row.get("image"), "images"),
        name=name,
        reference=reference,
        score=score,
        deviation=deviation,
        histogram=histogram,
        distortion=_distortion(row),
        level=_level(row),
        split=re.sub(r"\W+", "_", row.get("split")),
    )


class _Finder:
    """Finds images, and keeps in mind which are not there: each is a failed row."""

    def __init__(self, folder: Folder, side: Mapping[str, Any]) -> None:
        self._folder, self._side = folder, side
        self.found = 0
        self._missing: dict[str, list[str]] = {}

    def find(self, name: str, kind: str) -> Path:
        """The file of a name, where ``kind`` are expected; a path even if none is."""
        wanted = name.replace("\\", "/")
        places = (self._side.get(kind), self._side.get("images"), kind, "images")
        inside = [f"{place}/{wanted}" for place in dict.fromkeys(places) if place]
        root = self._folder.root
        path = find_file(root, name) or self._folder.find(wanted, *inside)
        if path is None:
            self._missing[wanted] = inside
        else:
            self.found += 1
        return path or root / wanted

    def miss_all(self) -> None:
        """Note for ``Folder.check`` that no image at all is there."""
        for name, inside in self._missing.items():
            self._folder.need(name, *inside)

    def notes(self) -> list[str]:
        """A sentence on what is not there, or none."""
        if not self._missing:
            return []
        names = ", ".join(map(as_text, list(self._missing)[:_SHOWN]))
        more = ", ..." if len(self._missing) > _SHOWN else ""
        return [f"images that are not there: {len(self._missing)} ({names}{more})"]


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

"""One reader for every table that a user names: CSV, TSV, Excel, Parquet or JSON.

All cells come as text, so that a table means the same in each of these formats.
``table_columns`` finds the meaning of columns by their names; what follows from that is
up to the caller: images of a data set, scores of metrics, pairs of files.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.errors import LayoutError

#: Endings of files that hold text, and of all that are read.
_TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
SUFFIXES = (*_TEXT, ".xlsx", ".parquet", ".json")

#: A first line such as ``sep=;``.
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table as it was written, cells as text.

    Attributes:
        path: the file.
        columns: the names in the first line, as they stand there.
        rows: the others, each as long as ``columns``; empty ones are left out.
        lines: the number of each row in the file, the first line's being 1.
    """

    path: Path
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def where(self, row: int) -> str:
        """The name of a row in messages."""
        return f"{self.path}, line {self.lines[row]}"

    def records(self) -> list[dict[str, str]]:
        """The rows as dictionaries by the names of the columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def plain(name: str) -> str:
    """A column's name without case, spaces and signs: ``imagename``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def suffix_of(path: Path | str) -> str:
    """The ending of ``SUFFIXES`` that a file has, whatever its case, or ``""``."""
    name = str(path).lower()
    return next((s for s in SUFFIXES if name.endswith(s)), "")


def is_leftover(path: Path | str) -> bool:
    """Whether a file only looks like a table: ``~$x.xlsx``, ``._x.csv``.

    Excel writes the first beside a file that is open, macOS the second onto disks that
    know no attributes.
    """
    return Path(path).name.startswith(("~$", "._"))


def read_table(
    path: Path, *, short_rows: bool = True, long_rows: bool = False
) -> Table:
    """Read a table with a line of column names.

    Text may be UTF-8 or UTF-16, or what Windows wrote, its columns parted by commas,
    semicolons, tabs or bars, whichever parts the header into most, or what a first line
    ``sep=;`` says; it may be packed (.gz). Of an Excel file the first sheet counts.
    JSON is an array of objects. A file with another ending is read as text. Columns
    without a name are left out.

    Args:
        path: the file.
        short_rows: whether rows may end before the header does; what they lack is
            empty.
        long_rows: whether cells beyond the header are left out; otherwise they are an
            error.

    Raises:
        LayoutError: a file that does not open or is empty, or a row that is too short
            or too long.
    """
    if is_leftover(path):
        raise LayoutError(
            expected(f"{path}", "a table", "what a program left beside it")
        )
    cells = _cells(path)
    filled = [(n, row) for n, row in enumerate(cells, 1) if any(row)]
    if not filled:
        raise LayoutError(
            expected(f"{path}", "a line of column names", "an empty file")
        )
    header = filled[0][1]
    named = [index for index, name in enumerate(header) if name]
    width = named[-1] + 1
    rows = []
    for number, row in filled[1:]:
        too_long = not long_rows and any(row[len(header) :])
        if too_long or (len(row) < width and not short_rows):
            raise LayoutError(
                expected(
                    f"{path}, line {number}",
                    f"{width} cells, one per column",
                    f"{len(row)}",
                )
            )
        full = row + [""] * (width - len(row))
        rows.append([full[index] for index in named])
    columns = [header[index] for index in named]
    return Table(path, columns, rows, [number for number, _ in filled[1:]])


def _cells(path: Path) -> list[list[str]]:
    """All lines of a file of any format, the header among them."""
    suffix = suffix_of(path)
    if suffix == ".xlsx":
        return read_sheet(path)
    if suffix == ".parquet":
        return _parquet(path)
    if suffix == ".json":
        return _objects(path)
    return _lines(path)


def _lines(path: Path) -> list[list[str]]:
    text = read_text(path)
    rows: list[list[str]] = []
    named = _SEPARATOR.match(text)
    if named:  # a line that Excel writes, and reads, before the header
        separator, text = named[1], text[named.end() :]
        rows.append([])
    else:
        first = re.sub('"[^"]*"', "", text.lstrip().partition("\n")[0])
        separator = max(",;\t|", key=first.count)
    skipped = len(rows)
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            # A cell may hold line ends: keep rows at the numbers of their lines.
            rows += [[]] * (reader.line_num - 1 + skipped - len(rows))
            rows.append([cell.strip() for cell in row])
    except csv.Error as error:
        raise LayoutError(
            f"cannot read {path}, line {reader.line_num + skipped}: {error}"
        ) from None
    return rows


def read_sheet(path: Path, name: str | None = None) -> list[list[str]]:
    """The cells of a sheet of an Excel file as text, line by line.

    Args:
        path: the file.
        name: the sheet's name; by default the first sheet.

    Raises:
        LayoutError: no Excel file, or no such sheet.
    """
    import pandas

    try:
        with pandas.ExcelFile(path, "openpyxl") as book:
            sheets = [str(sheet) for sheet in book.sheet_names]
            wanted = sheets[0] if name is None else name
            if wanted not in sheets:
                raise LayoutError(
                    f"{path}: expected a sheet {wanted}, got {', '.join(sheets)}"
                )
            sheet = pandas.read_excel(book, wanted, header=None, dtype=object)
    except LayoutError:
        raise
    except Exception as error:  # a broken archive fails in any of several libraries
        raise LayoutError(
            f"{path}: cannot be opened as an Excel file: {error}"
        ) from error
    return [[_cell(cell) for cell in row] for row in sheet.to_numpy().tolist()]


def _parquet(path: Path) -> list[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Open it ourselves: Arrow takes "NAME=VALUE" in a path for a column.
        with path.open("rb") as file:
            table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise LayoutError(f"cannot read {path}: {error}") from None
    columns = [[_cell(cell) for cell in c.to_pylist()] for c in table.columns]
    return [table.column_names, *map(list, zip(*columns, strict=True))]


def _objects(path: Path) -> list[list[str]]:
    try:
        found = json.loads(read_text(path))
    except ValueError as error:
        if isinstance(error, LayoutError):
            raise
        raise LayoutError(f"cannot read {path}: {error}") from None
    if not isinstance(found, list) or not all(isinstance(x, dict) for x in found):
        raise LayoutError(f"{path}: expected a JSON array of objects")
    names = list(dict.fromkeys(key for line in found for key in line))
    return [names, *([_cell(line.get(name)) for name in names] for line in found)]


def _cell(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def read_text(path: Path) -> str:
    """A text file in UTF-16, in UTF-8, or in what Windows wrote.

    One that ends in .gz is unpacked. Where UTF-8 holds bytes that are none, such as
    jiqa writes for names of files, they come as ``os.fsdecode`` gives them.

    Raises:
        LayoutError: it cannot be opened, or ends within a character.
    """
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LayoutError(f"{path}: {reason}") from error
    wide = _utf16(data)
    if wide:
        try:
            return data.decode(wide)
        except UnicodeDecodeError as error:
            raise LayoutError(f"cannot read {path}: {error}") from None
    text = data.decode("utf-8-sig", "surrogateescape")
    strange = [c for c in set(text) if "\udc80" <= c <= "\udcff"]
    if strange and len(strange) == sum(not c.isascii() for c in set(text)):
        return data.decode("cp1252", errors="replace")
    return text


def _utf16(data: bytes) -> str:
    """The kind of UTF-16 that text is in, by its mark or its first letter, or ""."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(data) > 1 and bool(data[0]) != bool(data[1]):
        return "utf-16-be" if data[1] else "utf-16-le"
    return ""

"""Tables that people write themselves: any of several separators and encodings."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.errors import LayoutError

#: Endings of what counts as a table.
SUFFIXES = (".csv", ".tsv", ".xlsx")


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
        """What a message calls a row."""
        return f"{self.path}, line {self.lines[row]}"


def plain(name: str) -> str:
    """A column's name without case, spaces and signs: ``imagename``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read_table(path: Path) -> Table:
    """Read a table with a header line.

    Text may be UTF-8 or UTF-16 with a mark, its columns parted by commas, semicolons
    or tabs, whichever parts the header into most; of an Excel file the first sheet
    counts. Columns without a name and without a cell are left out.

    Raises:
        LayoutError: it does not open, is empty, or a row is longer than the header.
    """
    cells = _sheet(path) if path.suffix.lower() == ".xlsx" else _text(path)
    filled = [(n, row) for n, row in enumerate(cells, 1) if any(row)]
    if not filled:
        raise LayoutError(
            expected(f"{path}", "a line of column names", "an empty file")
        )
    columns = filled[0][1]
    while columns and not columns[-1]:
        columns = columns[:-1]
    rows = []
    for number, row in filled[1:]:
        if any(row[len(columns) :]):
            raise LayoutError(
                expected(
                    f"{path}, line {number}",
                    f"{len(columns)} cells, one per column",
                    f"{len(row)}",
                )
            )
        rows.append((row + [""] * len(columns))[: len(columns)])
    return Table(path, columns, rows, [number for number, _ in filled[1:]])


def _text(path: Path) -> list[list[str]]:
    text = read_text(path)
    first = text.lstrip().partition("\n")[0]
    parts = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=parts, skipinitialspace=True)
    rows: list[list[str]] = []
    for row in reader:
        # A cell may hold line ends: keep rows at the numbers of their lines.
        rows += [[]] * (reader.line_num - 1 - len(rows))
        rows.append([cell.strip() for cell in row])
    return rows


def _sheet(path: Path) -> list[list[str]]:
    import pandas

    try:
        sheet = pandas.read_excel(path, header=None, dtype=object, engine="openpyxl")
    except Exception as error:  # a broken archive fails in any of several libraries
        raise LayoutError(
            f"{path}: cannot be opened as an Excel file: {error}"
        ) from error
    return [[_cell(cell) for cell in row] for row in sheet.to_numpy().tolist()]


def _cell(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def read_text(path: Path) -> str:
    """A text file in UTF-16 with a mark, in UTF-8, or in what Windows wrote.

    Raises:
        LayoutError: it cannot be opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LayoutError(f"{path}: {error.strerror}") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")

"""The files that labels come in: tables of text, spreadsheets, MATLAB's."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text


def read_csv(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a table with a header line, columns as text, empty lines left out.

    Args:
        path: the file.
        needed: columns that have to be there.

    Raises:
        LayoutError: a column is missing, or a line is short.
    """
    reader = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
    columns = [c.strip() for c in reader.fieldnames or [] if c]
    missing = [c for c in needed if c not in columns]
    if missing:
        raise LayoutError(
            f"{path}: no column {' and no column '.join(missing)} (columns: "
            f"{', '.join(columns) or 'none'})"
        )
    rows = []
    for row in reader:
        clean = {k.strip(): v.strip() for k, v in row.items() if k and v is not None}
        if not any(clean.values()):
            continue
        empty = [c for c in needed if not clean.get(c)]
        if empty:
            raise LayoutError(
                f"{path}, line {reader.line_num}: {', '.join(empty)} is empty"
            )
        rows.append(clean)
    return rows


def read_sheet(path: Path, sheet: str, needed: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of a sheet of an Excel file, wherever on the sheet the header stands.

    Args:
        path: the file.
        sheet: the sheet's name.
        needed: columns that have to be there; rows without the first are left out.

    Raises:
        LayoutError: it is no Excel file, or the sheet or a column is missing.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with contextlib.closing(book):
            if sheet not in book.sheetnames:
                raise LayoutError(
                    f"{path}: no sheet {sheet} (sheets: {', '.join(book.sheetnames)})"
                )
            cells = list(book[sheet].iter_rows(values_only=True))
    except LayoutError:
        raise
    except Exception as error:  # a broken archive fails in any of several libraries
        raise LayoutError(
            f"{path}: cannot be opened as an Excel file: {error}"
        ) from error
    for count, line in enumerate(cells, 1):
        names = [str(cell).strip() for cell in line]
        if set(needed) <= set(names):
            rows = (dict(zip(names, row, strict=False)) for row in cells[count:])
            return [row for row in rows if row.get(needed[0]) not in (None, "")]
    raise LayoutError(
        f"{path}, sheet {sheet}: no line has the column names {', '.join(needed)}"
    )


def read_matlab(path: Path, *names: str) -> list[Any]:
    """Variables of a MATLAB file, as SciPy gives them.

    Raises:
        LayoutError: it is no such file (or of version 7.3), or lacks a variable.
    """
    import scipy.io

    try:
        variables = scipy.io.loadmat(path)
    except NotImplementedError as error:
        raise LayoutError(
            expected(
                f"{path}",
                "a MATLAB file before version 7.3, as in the archive",
                "version 7.3",
                "save it with -v7",
            )
        ) from error
    except Exception as error:  # SciPy raises nearly every type on broken files
        raise LayoutError(
            f"{path}: cannot be opened as a MATLAB file: {error}"
        ) from error
    missing = [name for name in names if name not in variables]
    if missing:
        inside = [name for name in variables if not name.startswith("__")]
        raise LayoutError(
            f"{path}: no variable {' and no variable '.join(missing)} (variables: "
            f"{', '.join(inside) or 'none'})"
        )
    return [variables[name] for name in names]


def texts(cells: Any) -> list[str]:
    """The strings of a MATLAB cell array or character matrix, however nested."""
    array = np.asarray(cells)
    if array.dtype.kind in "US":
        return [str(text).strip() for text in array.ravel()]
    return [text for cell in array.ravel() for text in texts(cell)]


def numbers(array: Any) -> list[float]:
    """The numbers of a MATLAB vector, whether it is a row or a column."""
    return [float(x) for x in np.asarray(array).ravel()]


def number(text: Any, where: str) -> float:
    """A finite number.

    Raises:
        LayoutError: it is none; says ``where``.
    """
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise LayoutError(expected(where, "a number", repr(text)))
    return value

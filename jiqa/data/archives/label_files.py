"""The files that labels come in: tables of text, spreadsheets, MATLAB's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_sheet as sheet_cells
from jiqa.io.read_table import read_table


def read_csv(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a table with a header line, columns as text, empty lines left out.

    Args:
        path: the file.
        needed: columns that have to be there.

    Raises:
        LayoutError: a column is missing, or a line is short.
    """
    table = read_table(path, long_rows=True)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise LayoutError(
            f"{path} has no column {' and no column '.join(missing)} (columns: "
            f"{', '.join(table.columns)})"
        )
    rows = table.records()
    for index, row in enumerate(rows):
        empty = [name for name in needed if not row[name]]
        if empty:
            raise LayoutError(f"{table.where(index)}: {', '.join(empty)} is empty")
    return rows


def read_sheet(path: Path, sheet: str, needed: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a sheet of an Excel file, wherever on the sheet the header stands.

    Args:
        path: the file.
        sheet: the sheet's name.
        needed: columns that have to be there; rows without the first are left out.

    Raises:
        LayoutError: it is no Excel file, or the sheet or a column is missing.
    """
    cells = sheet_cells(path, sheet)
    for count, names in enumerate(cells, 1):
        if set(needed) <= set(names):
            rows = (dict(zip(names, row, strict=True)) for row in cells[count:])
            return [row for row in rows if row[needed[0]]]
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
            f"{path} has no variable {' and no variable '.join(missing)} (variables: "
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
        LayoutError: it is not a finite number; the message names ``where``.
    """
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise LayoutError(expected(where, "a number", repr(text)))
    return value

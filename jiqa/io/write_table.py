"""Write rows to CSV, Parquet or JSON; infinity stays infinity in all three."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jiqa.errors import UsageError
from jiqa.io.atomic import replacing, write_text
from jiqa.io.names import as_text
from jiqa.version import __version__

FORMATS = (".csv", ".parquet", ".json")

#: Columns whose type does not depend on whether any row has a value.
_TEXT = {
    *("image", "reference", "error", "data", "split", "distortion", "metric"),
    *("version", "weights", "resized"),
}
_WHOLE = {"width", "height"}


def check_format(path: Path) -> None:
    """Raise ``UsageError`` unless the suffix is one that can be written."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"cannot write {path}: expected a name that ends in "
            f"{', '.join(FORMATS)}, got {path.suffix or 'no suffix'}"
        )


def make_folder(path: Path) -> None:
    """Make the folder of a file to be written, or raise ``UsageError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error}") from None


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write a table in the format of the suffix, complete or not at all."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        # File names that are not text come out as the bytes that they are.
        write_text(path, to_csv(columns, rows), "surrogateescape")
    elif suffix == ".json":
        write_text(path, to_json(columns, rows))
    else:
        with replacing(path) as draft:
            _write_parquet(draft, columns, rows)


def to_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """CSV text; infinity is ``inf``, a missing value an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row.get(c) for c in columns)
        writer.writerow(["" if is_missing(v) else v for v in cells])
    return file.getvalue()


def to_json(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A JSON array of objects.

    JSON has no word for infinity; 1e999 is a valid number that Python, JavaScript and
    NumPy read as infinity. A missing value is ``null``.
    """
    lines = (
        "{"
        + ", ".join(f"{json.dumps(c)}: {_number(row.get(c))}" for c in columns)
        + "}"
        for row in rows
    )
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def _number(value: Any) -> str:
    if is_missing(value):
        return "null"
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return json.dumps(value)


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = {c: [row.get(c) for row in rows] for c in columns}
    fields = [(c, getattr(pa, _kind(c, data[c]))()) for c in columns]
    for name, kind in fields:
        if kind == pa.string():
            data[name] = [v if v is None else as_text(str(v)) for v in data[name]]
    schema = pa.schema(fields, metadata={"jiqa": __version__})
    pq.write_table(pa.table(data, schema=schema), path)


def _kind(column: str, values: Sequence[Any]) -> str:
    """The type of a Parquet column: by name where it is known, else by its values."""
    if column in _TEXT or any(isinstance(v, str) for v in values):
        return "string"
    known = [v for v in values if v is not None]
    whole = bool(known) and all(isinstance(v, int) for v in known)
    return "int64" if column in _WHOLE or whole else "float64"


Row = dict[str, Any]


def is_missing(value: Any) -> bool:
    """Whether a cell holds no value."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number_or_nan(value: Any) -> float:
    """The number in a cell; NaN for a cell that holds none."""
    return math.nan if value is None else float(value)

"""The scale of a user table's scores: from its side file, or its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.data.archives.label_files import number
from jiqa.data.schema import Record, Scale
from jiqa.errors import LayoutError
from jiqa.io.json_files import read_json
from jiqa.io.read_table import Table
from jiqa.io.table_columns import Columns, is_difference

#: What the JSON file beside a table may say, and what each entry is.
SIDE = {
    "title": "the data set's name",
    "citation": "authors, title, venue, year",
    "homepage": "where it can be downloaded",
    "licence": "its terms",
    "name": "MOS or DMOS",
    "direction": "higher or lower: which scores mean better quality",
    "low": "the smallest score that the scale allows",
    "high": "the largest",
    "deviation": "ratings or mean: what the standard deviations refer to",
    "note": "anything else to know about the scores",
    "images": "folder with the images",
    "references": "folder with the references",
}

_ALLOWED = {
    "name": ("MOS", "DMOS"),
    "direction": ("higher", "lower"),
    "deviation": ("ratings", "mean"),
}


def read_side(table: Path, options: Mapping[str, str]) -> dict[str, Any]:
    """Read the JSON file beside ``table``, which ``options`` override.

    Raises:
        LayoutError: no JSON object, an entry that has no meaning, or a wrong value.
    """
    path = table.with_suffix(".json")
    side: Any = {}
    if path.is_file():
        try:
            side = read_json(path)
        except ValueError as error:
            raise LayoutError(str(error)) from error
    if not isinstance(side, dict) or not side.keys() <= SIDE.keys():
        got = ", ".join(map(str, side)) if isinstance(side, dict) else repr(side)
        wanted = f"an object with any of {', '.join(SIDE)}"
        raise LayoutError(expected(f"{path}", wanted, got))
    side |= {key: value for key, value in options.items() if key in SIDE}
    for key, allowed in _ALLOWED.items():
        if key in side and side[key] not in allowed:
            raise LayoutError(expected(key, " or ".join(allowed), repr(side[key])))
    for key in ("low", "high"):
        if key in side:
            # Options are text, also those that are numbers.
            side[key] = number(side[key], f"{path.stem}, {key}")
    return side


def table_scale(
    table: Table, columns: Columns, side: Mapping[str, Any], records: Sequence[Record]
) -> Scale | None:
    """The scale of a table's scores; ``None`` if it has none.

    The direction is that of the side file or the user's options, else that of a column
    ``direction``, the same in every row, else what the name of the scores' column
    means: lower is better for a DMOS, higher for any other. Ends of the range that are
    not given are those that occur.

    Raises:
        LayoutError: a column ``direction`` that does not say one thing.
    """
    scores = [r.score for r in records if r.score is not None]
    if not scores:
        return None
    index = columns.index.get("score")
    header = table.columns[index] if index is not None else "the votes"
    difference = is_difference(header)
    name = side.get("name") or ("DMOS" if difference else "MOS")
    direction = side.get("direction") or _direction_column(table, columns)
    notes = [side["note"]] if side.get("note") else []
    if not direction:
        direction = "lower" if difference else "higher"
        notes.append(
            f"{direction} scores are taken as better, by the name of {header!r}"
        )
    if "low" not in side or "high" not in side:
        notes.append("the range is that of the scores")
    deviates = any(r.deviation is not None for r in records)
    return Scale(
        name=name,
        direction=direction,
        low=float(side.get("low", min(scores))),
        high=float(side.get("high", max(scores))),
        deviation=side.get("deviation", "ratings") if deviates else "",
        note="; ".join(notes),
    )


def _direction_column(table: Table, columns: Columns) -> Any:
    stated = {columns.get(row, "direction").lower() for row in table.rows}
    if stated == {""}:
        return ""
    if len(stated) != 1 or not stated <= {"higher", "lower"}:
        raise LayoutError(
            expected(
                f"{table.path}, column direction",
                "higher in every row, or lower in every row",
                ", ".join(sorted(stated)),
            )
        )
    return stated.pop()

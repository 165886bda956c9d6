"""Tables with a row a rating, turned into the mean of each image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from jiqa.errors import LayoutError
from jiqa.io.names import composed
from jiqa.io.read_table import Table, plain
from jiqa.io.table_columns import SYNONYMS, Columns, read_number

#: Rows that agree in these are of one image.
_SAME = ("image", "reference", "data", "split", "set", "distortion", "level")


def averaged(table: Table, columns: Columns) -> tuple[Table, Columns, str]:
    """Give all rows of an image the mean of its ratings, and their deviation.

    Rows are ratings where a column names the rater, or where the scores are not called
    MOS or DMOS, which are means already. Metrics and failed rows are left as they are.

    Args:
        table: with or without several rows an image.
        columns: its columns; without ``image`` or ``score`` nothing is done.

    Returns:
        The table, as long as before; its columns, with a deviation (that of the
        ratings, with n - 1 in the denominator) if anything was averaged; and a sentence
        that says so, or an empty one.

    Raises:
        LayoutError: an image that has two different MOS, or a rating that is no number.
    """
    score = columns.index.get("score")
    if score is None or "image" not in columns.index or "metric" in columns.index:
        return table, columns, ""
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(table.rows):
        if not columns.get(row, "error"):
            groups.setdefault(image_key(columns, row), []).append(number)
    several = {key: rows for key, rows in groups.items() if len(rows) > 1}
    if not several:
        return table, columns, ""
    if "rater" not in columns.index and "mos" in plain(table.columns[score]):
        for rows in several.values():
            _check_same(table, columns, rows, score)
        return table, columns, ""
    return _with_means(table, columns, groups, score)


def image_key(columns: Columns, row: Sequence[str]) -> tuple[str, ...]:
    """What two rows of one image have in common."""
    return tuple(composed(columns.get(row, m)).replace("\\", "/") for m in _SAME)


def _with_means(
    table: Table, columns: Columns, groups: dict[tuple[str, ...], list[int]], score: int
) -> tuple[Table, Columns, str]:
    place = columns.index.get("deviation", len(table.columns))
    new = place == len(table.columns)
    rows = [[*row, ""] if new else list(row) for row in table.rows]
    counts = []
    for numbers in groups.values():
        ratings = [r for n in numbers if (r := _rating(table, n, score)) is not None]
        counts.append(len(ratings))
        if not ratings:
            continue
        mean = math.fsum(ratings) / len(ratings)
        spread = math.fsum((rating - mean) ** 2 for rating in ratings)
        deviation = math.sqrt(spread / (len(ratings) - 1)) if len(ratings) > 1 else None
        for number in numbers:
            rows[number][score] = repr(mean)
            rows[number][place] = "" if deviation is None else repr(deviation)
    names = [*table.columns, "deviation"] if new else table.columns
    least, most = min(counts), max(counts)
    each = f"{most}" if least == most else f"{least} to {most}"
    note = (
        f"{table.path.name}: {sum(counts)} ratings of {len(counts)} images are "
        f"averaged, {each} an image, by {table.columns[score]}"
    )
    found = dataclasses.replace(columns, index={**columns.index, "deviation": place})
    return dataclasses.replace(table, columns=names, rows=rows), found, note


def _rating(table: Table, row: int, score: int) -> float | None:
    cell = table.rows[row][score]
    try:
        rating = read_number(cell)
    except ValueError:
        rating = math.inf
    if rating is not None and math.isinf(rating):
        raise LayoutError(f"{table.where(row)}, score: expected a number, got {cell!r}")
    return rating


def _check_same(
    table: Table, columns: Columns, rows: Sequence[int], score: int
) -> None:
    """Refuse two means of one image; of a cell that is no number others complain."""
    first, *others = rows
    for other in others:
        one, two = (_number(table.rows[row][score]) for row in (first, other))
        if None not in (one, two) and one != two:
            raise LayoutError(
                f"{columns.get(table.rows[first], 'image')} has the score {one}, but "
                f"{two} in line {table.lines[other]} of {table.path.name}: expected "
                "one score an image, or ratings with a column that names the rater "
                f"({', '.join(SYNONYMS['rater'][:3])}, ...)"
            )


def _number(cell: str) -> float | None:
    try:
        return read_number(cell)
    except ValueError:
        return None

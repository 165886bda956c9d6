"""Scores as tables on a terminal, and the failures below them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.io.names import below_common_folder
from jiqa.io.write_table import Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: More rows than this are only summed up where a file holds them.
_SHOWN_ROWS = 60
#: The most failures that are listed where a table holds them all.
_SHOWN_FAILURES = 10
#: What a table adds to each of its columns: two blanks and a line.
_FRAME = 3


def show_scores(rows: list[Row], labels: list[str], output: Path | None) -> None:
    """Print a table: every row, or with many rows and a file the summary."""
    from rich.console import Console

    # Redirected output has no width; 80 columns would cut the names.
    console = Console(width=None if sys.stdout.isatty() else 160)
    if len(rows) <= _SHOWN_ROWS or output is None:
        names, folder = below_common_folder([row["image"] for row in rows])
        scores = [[format_score(row[label]) for label in labels] for row in rows]
        tables = fitting_tables(names, labels, scores, console.width)
        if folder:
            tables[-1].caption = f"images in {folder}"
        for table in tables:
            console.print(table)
    if output:
        _show_summary(console, rows, labels)
        console.print(f"{len(rows)} rows written to {output}", highlight=False)


def fitting_tables(
    images: Sequence[str],
    metrics: Sequence[str],
    scores: Sequence[Sequence[str]],
    width: int,
) -> list[Table]:
    """Tables no wider than so many letters, one below the other, that cut no score.

    Images or metrics are the rows, whichever needs fewer tables; of two ways alike,
    metrics are where there are more than six.

    Args:
        images: their names.
        metrics: their labels.
        scores: a text for each image and metric.
        width: of the terminal.
    """
    turned = [list(column) for column in zip(*scores, strict=True)]
    ways = [
        _tables("image", images, metrics, scores, width),
        _tables("metric", metrics, images, turned, width),
    ]
    if len(metrics) > 6:
        ways.reverse()
    return min(ways, key=len)


def _tables(
    corner: str,
    names: Sequence[str],
    heads: Sequence[str],
    cells: Sequence[Sequence[str]],
    width: int,
) -> list[Table]:
    from rich.markup import escape
    from rich.table import Table

    columns = [[row[n] for row in cells] for n in range(len(heads))]
    widths = [max(map(len, column), default=0) for column in columns]
    wanted = [
        max(own, min(len(head), width // 4)) + _FRAME
        for own, head in zip(widths, heads, strict=True)
    ]
    first = min(max(map(len, (corner, *names))), width // 3) + _FRAME + 1
    groups: list[list[int]] = [[]]
    left = width - first
    for index, need in enumerate(wanted):
        if need > left and groups[-1]:
            groups.append([])
            left = width - first
        groups[-1].append(index)
        left -= need
    tables = []
    for group in groups:
        table = Table()
        table.add_column(corner, overflow="fold")
        for index in group:
            table.add_column(
                escape(heads[index]),
                justify="right",
                overflow="fold",
                min_width=widths[index],
            )
        for name, row in zip(names, cells, strict=True):
            table.add_row(escape(name), *(row[index] for index in group))
        tables.append(table)
    return tables


def _show_summary(console: Console, rows: list[Row], labels: list[str]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("metric", "mean", "of", "smallest", "largest", "failed")
    for label in labels:
        values = [r[label] for r in rows if r[label] is not None]
        mean, of = mean_of(values)
        ends = (min(values), max(values)) if values else (None, None)
        table.add_row(
            escape(label),
            format_score(mean),
            of,
            *map(format_score, ends),
            str(len(rows) - len(values)),
        )
    console.print(table)


def mean_of(values: Sequence[float]) -> tuple[float | None, str]:
    """The mean of the finite values, and of how many: ``13 finite, 3 infinite``."""
    finite = [v for v in values if math.isfinite(v)]
    others = len(values) - len(finite)
    of = f"{len(finite)} finite, {others} infinite" if others else f"{len(finite)}"
    return (sum(finite) / len(finite) if finite else None), of


def say_failures(rows: Sequence[Row], *, all_listed: bool) -> None:
    """Print each failure once, to standard error.

    Args:
        rows: of the table.
        all_listed: whether a table, with a column for the reasons, is written: then
            the first few will do.
    """
    from jiqa.cli.common.parser import say_in_red

    failed = [row for row in rows if row["error"]]
    if not failed:
        return
    verb = "row" if len(rows) == 1 else "rows"
    lines = [f"{len(failed)} of {len(rows)} {verb} failed:"]
    shown = failed[:_SHOWN_FAILURES] if all_listed else failed
    lines += [f"  {row['image']}: {row['error']}" for row in shown]
    if len(failed) > len(shown):
        lines.append(f"  and {len(failed) - len(shown)} more, in the column error")
    say_in_red("\n".join(lines))


def format_score(value: float | None) -> str:
    """Format a score in six significant digits; infinity is ``inf``, none is ``-``."""
    return "-" if value is None else f"{value:.6g}"

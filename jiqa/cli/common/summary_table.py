"""The figures of an evaluation as tables on a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from jiqa.evaluation.extra_tests import ExtraTests


def show_summary(summary: list[dict[str, Any]]) -> None:
    """Print the overall figures, the best SRCC first, and the notes below."""
    # Redirected output has no width; 80 columns would cut the figures.
    console = Console(width=None if sys.stdout.isatty() else 160)
    overall = [row for row in summary if row["distortion"] == "all"]
    for data, split in dict.fromkeys((r["data"], r["split"]) for r in overall):
        rows = [r for r in overall if (r["data"], r["split"]) == (data, split)]
        rows.sort(key=lambda r: -2 if r["srcc"] is None else r["srcc"], reverse=True)
        title = escape(f"{data} {split}".strip())
        names = ("metric", "SRCC", "KRCC", "PLCC", "RMSE", "n", "failed")
        table = Table(*names, title=title, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            arrow = "↓" if row["direction"] == "lower" else "↑"
            table.add_row(
                f"{escape(row['metric'])} {arrow}",
                *(_with_interval(row, k) for k in ("srcc", "krcc", "plcc", "rmse")),
                str(row["n"]),
                str(row["failed"]),
            )
        mapping = rows[0]["mapping"]
        table.caption = f"95 % intervals; PLCC and RMSE after mapping: {mapping}"
        console.print(table)
        for text, metrics in _notes(rows).items():
            names = "all" if len(metrics) == len(rows) > 1 else ", ".join(metrics)
            console.print(f"{names}: {text}", markup=False, highlight=False)


def _with_interval(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    within = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return f"{row[name]:.4f}{within}".replace("[", r"\[")


def _notes(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for row in rows:
        for text in filter(None, row["note"].split("; ")):
            notes.setdefault(text, []).append(row["metric"])
    return notes


def show_extra_tests(found: ExtraTests, folder: Path | None) -> None:
    """Print the tables; of gMAD's pairs only how many there are."""
    console = Console(width=None if sys.stdout.isatty() else 160)

    def show(title: str, heads: tuple[str, ...], lines: list[list[str]]) -> None:
        table = Table(*heads, title=escape(title), title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for line in lines:
            table.add_row(*map(escape, line))
        console.print(table)

    for part, lines in _by_split(found.protocol).items():
        lines.sort(
            key=lambda ln: -2 if ln["srcc"] is None else ln["srcc"], reverse=True
        )
        show(
            f"{part}: median ± deviation over {lines[0]['splits']} splits",
            ("metric", "SRCC", "KRCC", "PLCC", "test images", "failed"),
            [
                [
                    line["metric"],
                    *(_spread(line, name) for name in ("srcc", "krcc", "plcc")),
                    _figure(line["rows"], "{:g}"),
                    str(line["failed"]),
                ]
                for line in lines
            ],
        )
    for part, lines in _by_split(found.waterloo).items():
        show(
            f"{part}: tests without human scores",
            ("metric", "D", "L", "P", "images", "ladders", "pairs"),
            [
                [
                    line["metric"],
                    *(_figure(line[name], "{:.4f}") for name in "dlp"),
                    *(
                        _figure(line[name], "{:,}")
                        for name in ("images", "ladders", "pairs")
                    ),
                ]
                for line in lines
            ],
        )
    for text, metrics in _extra_notes([*found.protocol, *found.waterloo]).items():
        console.print(f"{', '.join(metrics)}: {text}", markup=False, highlight=False)
    if found.gmad:
        where = f" in {folder / 'gmad.csv'}" if folder else ""
        print(f"{len(found.gmad)} gMAD pairs{where}")
    for note in found.notes:
        print(note)


def _by_split(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(f"{line['data']} {line['split']}".strip(), []).append(line)
    return found


def _extra_notes(lines: list[dict[str, Any]]) -> dict[str, dict[str, None]]:
    notes: dict[str, dict[str, None]] = {}
    for line in lines:
        for text in filter(None, line["note"].split("; ")):
            notes.setdefault(text, {})[line["metric"]] = None
    return notes


def _spread(line: dict[str, Any], name: str) -> str:
    deviation = line[f"{name}_std"]
    more = "" if deviation is None else f" ± {deviation:.4f}"
    return _figure(line[name], "{:.4f}") + more


def _figure(value: Any, form: str) -> str:
    return "-" if value is None else form.format(value)

"""The figures of an evaluation as a table for people."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show_summary(summary: list[dict[str, Any]]) -> None:
    """Print the overall figures, the best SRCC first, and the notes below."""
    # Redirected output has no width of its own; 80 columns would cut the figures.
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

"""The tables of an evaluation's report: cells with what is shown and what sorts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from jiqa.report.evaluation.metric_pairs import Comparison
from jiqa.report.evaluation.view import Group, Row, number, text

Cell = dict[str, Any]
Table = dict[str, Any]

#: Rows from which on a note that they share is said once.
_SAID_ONCE = 3

#: Images named for one reason of failure; the others are counted.
_MOST_NAMED = 100

#: Figures of the summary: key, heading, whether higher is better, format.
_FIGURES = (
    ("srcc", "SRCC", True, "{:.3f}"),
    ("krcc", "KRCC", True, "{:.3f}"),
    ("plcc", "PLCC", True, "{:.3f}"),
    ("rmse", "RMSE", False, "{:#.4g}"),
)
_MORE_FIGURES = (
    ("plcc_unfitted", "PLCC unfitted", True, "{:.3f}"),
    ("outlier_ratio", "outlier ratio", False, "{:.3f}"),
)

#: Headings of ``figure_cells``.
FIGURE_NAMES = tuple(head for _, head, _, _ in (*_FIGURES, *_MORE_FIGURES))


def table(
    name: str,
    heads: Sequence[Any],
    rows: Iterable[Sequence[Cell]],
    notes: Sequence[str] = (),
) -> Table:
    """A table for the template.

    Args:
        name: what a screen reader calls it.
        heads: headings, or pairs of heading and the order of the first click.
        rows: a cell a heading.
        notes: what is said below it once of many rows.
    """
    pairs = [(h, "ascending") if isinstance(h, str) else h for h in heads]
    listed = list(rows)
    # A column of text is set from the left.
    left = ["sort" not in c or c.get("wide") for c in (listed[0] if listed else [])]
    columns = [
        {"text": text, "first": first, "left": at == 0 or (left and left[at])}
        for at, (text, first) in enumerate(pairs)
    ]
    return {"name": name, "columns": columns, "rows": listed, "notes": list(notes)}


def note_cells(notes: Sequence[str]) -> tuple[list[Cell], list[str]]:
    """Cells for the notes of rows, and the notes that many of them have.

    A note that at least three rows have is said once, below the table; their cells
    have its number.
    """
    split = [list(filter(None, note.split("; "))) for note in notes]
    counts = Counter(part for parts in split for part in dict.fromkeys(parts))
    number = {
        part: f"[{n}]"
        for n, part in enumerate((p for p in counts if counts[p] >= _SAID_ONCE), 1)
    }
    cells = [
        text_cell("; ".join(number.get(part, part) for part in parts), wide=True)
        for parts in split
    ]
    return cells, [f"{mark} {part}" for part, mark in number.items()]


def text_cell(text: Any, **more: Any) -> Cell:
    """A cell that sorts by its text."""
    return {"text": str(text), **more}


def count_cell(value: Any) -> Cell:
    """A whole number."""
    return figure_cell(value, "{:.0f}")


def figure_cell(
    value: Any, form: str, low: Any = None, high: Any = None, best: bool = False
) -> Cell:
    """A number with its interval; a dash without one."""
    if np.isnan(number(value)):
        return {"text": "–", "sort": ""}
    cell: Cell = {"text": minus(form.format(value)), "sort": f"{value:.6g}"}
    cell["best"] = best
    if low is not None and high is not None:
        cell["interval"] = minus(f"{form.format(low)} to {form.format(high)}")
    return cell


def minus(text: str) -> str:
    """The sign that is as wide as a plus."""
    return text.replace("-", "−")


def figure_cells(line: Row, best: dict[str, float], more: bool = True) -> list[Cell]:
    """The figures of a line of the summary.

    Args:
        line: of the summary.
        best: the best value of each figure, to be marked.
        more: with those that have no interval.
    """
    cells = []
    for key, _, _, form in (*_FIGURES, *(_MORE_FIGURES if more else ())):
        low, high = line.get(f"{key}_low"), line.get(f"{key}_high")
        is_best = line[key] is not None and line[key] == best.get(key)
        cells.append(figure_cell(line[key], form, low, high, is_best))
    return cells


def _heads(more: bool = True) -> list[tuple[str, str]]:
    return [
        (head, "descending" if higher else "ascending")
        for _, head, higher, _ in (*_FIGURES, *(_MORE_FIGURES if more else ()))
    ]


def _best(lines: Sequence[Row]) -> dict[str, float]:
    """The best value of each figure, where there is more than one."""
    out = {}
    for key, _, higher, _ in (*_FIGURES, *_MORE_FIGURES):
        known = [line[key] for line in lines if line[key] is not None]
        if len(known) > 1:
            out[key] = max(known) if higher else min(known)
    return out


def overall_table(group: Group, links: Sequence[str]) -> Table:
    """Make a line a metric; ``links`` are the anchors in the page that it leads to."""
    best = _best([s.overall for s in group.series])
    cells, notes = note_cells([s.overall["note"] for s in group.series])
    rows = [
        [
            text_cell(series.metric, after=series.arrow, link=link),
            *figure_cells(series.overall, best),
            count_cell(series.overall["n"]),
            count_cell(series.overall["failed"]),
            text_cell(series.overall["mapping"]),
            note,
        ]
        for series, link, note in zip(group.series, links, cells, strict=True)
    ]
    heads = ["metric", *_heads(), "n", "failed", "mapping", "note"]
    return table(f"Metrics on {group.title}", heads, rows, notes)


def kinds_table(group: Group) -> Table | None:
    """A line a metric and distortion; ``None`` without distortions."""
    lines = [
        (series, kind, series.by_kind[kind])
        for series in group.series
        for kind in group.kinds
        if kind in series.by_kind
    ]
    cells, notes = note_cells([line["note"] for _, _, line in lines])
    rows = [
        [
            text_cell(series.metric, after=series.arrow),
            text_cell(kind),
            *figure_cells(line, {}, more=False),
            count_cell(line["n"]),
            count_cell(line["failed"]),
            note,
        ]
        for (series, kind, line), note in zip(lines, cells, strict=True)
    ]
    heads = ["metric", "distortion", *_heads(more=False), "n", "failed", "note"]
    name = f"By distortion on {group.title}"
    return table(name, heads, rows, notes) if rows else None


def across_table(found: Sequence[Group]) -> Table:
    """SRCC of each metric on each data set."""
    lines: dict[str, dict[int, Row]] = {}
    for index, group in enumerate(found):
        for series in group.series:
            lines.setdefault(series.metric, {})[index] = series.overall
    best = [_best([s.overall for s in group.series]) for group in found]
    rows = []
    for metric, by_group in lines.items():
        cells = [text_cell(metric)]
        for index in range(len(found)):
            line = by_group.get(index)
            cells.append(
                figure_cells(line, best[index])[0] if line else figure_cell(None, "")
            )
        rows.append(cells)
    heads = ["metric", *((group.title, "descending") for group in found)]
    return table("SRCC on every data set", heads, rows)


def agreement_table(group: Group, values: np.ndarray) -> Table:
    """SRCC between metrics as text."""
    names = group.labels
    rows = [
        [text_cell(name), *(figure_cell(v, "{:.2f}") for v in line)]
        for name, line in zip(names, values, strict=True)
    ]
    heads = ["metric", *((n, "descending") for n in names)]
    return table(f"SRCC between metrics on {group.title}", heads, rows)


def comparison_table(group: Group, test: Comparison) -> Table:
    """A comparison of metric with metric as text."""
    names = np.array(group.labels, object)
    other = ~np.eye(len(names), dtype=bool)
    rows = []
    for index, name in enumerate(names):
        cells = [text_cell(name), _any_figure(test.figures[index])]
        for sign in (1, -1, 0):
            found = names[(test.signs[index] == sign) & other[index]]
            cells.append(
                {
                    "text": f"{len(found)}"
                    + (f": {', '.join(found)}" * bool(len(found))),
                    "sort": str(len(found)),
                    "wide": True,
                }
            )
        rows.append(cells)
    heads = [
        "metric",
        (test.figure, "descending"),
        ("better than", "descending"),
        ("worse than", "ascending"),
        "no difference from",
    ]
    return table(f"{test.title} on {group.title}", heads, rows)


def _any_figure(value: Any) -> Cell:
    if isinstance(value, bool | np.bool_):
        return text_cell("yes" if value else "no")
    return figure_cell(value, "{:.3f}")


def failures_table(given: Iterable[Row]) -> tuple[int, Table]:
    """Number of rows without a value, and a line a metric and reason."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in given:
        if np.isnan(number(row["value"])):
            why = text(row, "error") or "no value and no reason given"
            title = " · ".join(filter(None, (text(row, "data"), text(row, "split"))))
            key = title, text(row, "metric"), why
            reasons.setdefault(key, []).append(PurePath(text(row, "image")).name)
    rows = []
    for (title, metric, why), images in reasons.items():
        more = f" and {len(images) - _MOST_NAMED} more"
        named = ", ".join(images[:_MOST_NAMED])
        rows.append(
            [
                text_cell(metric),
                text_cell(title),
                count_cell(len(images)),
                text_cell(why, wide=True),
                text_cell(named + more * (len(images) > _MOST_NAMED), wide=True),
            ]
        )
    heads = ["metric", "data set", ("rows", "descending"), "reason", "images"]
    return sum(map(len, reasons.values())), table("Failures", heads, rows)

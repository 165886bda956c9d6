"""The report of ``jiqa score`` and ``jiqa demo``: one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.core.metric import Info
from jiqa.io.decode import DecodeError, read_image
from jiqa.report import pictures
from jiqa.report.page import write_page

Row = dict[str, Any]

#: More rows than this are listed without a picture, so that the page stays small.
MOST_THUMBNAILS = 200

#: Fewer images than this say nothing about a correlation.
_FEWEST_FOR_CORRELATION = 8


def write_report(
    path: Path,
    *,
    title: str,
    command: str,
    columns: Sequence[tuple[str, Info]],
    rows: Sequence[Row],
    sections: Sequence[dict[str, Any]] = (),
) -> None:
    """Write the page.

    Args:
        path: file to write.
        title: heading.
        command: how the run was started, shown as it is.
        columns: label and ``Info`` of each metric column.
        rows: the table's rows.
        sections: extra sections in front of the table: dictionaries with ``title``,
            ``text``, and ``svg`` or ``figures`` (lists of ``title``, ``caption`` and
            ``pictures``, each with ``address``, ``name``, ``note``).
    """
    labels = [label for label, _ in columns]
    table = np.array([[_number(r[c]) for c in labels] for r in rows], np.float64)
    table = table.reshape(len(rows), len(labels))
    write_page(
        path,
        "scores.html.j2",
        title=title,
        command=command,
        columns=[
            {"label": label, "info": info, "arrow": _ARROW[info.direction]}
            for label, info in columns
        ],
        rows=[
            {
                **row,
                "name": Path(row["image"]).name,
                "picture": _picture(row) if i < MOST_THUMBNAILS else "",
                "cells": _cells(row, columns, table, i),
            }
            for i, row in enumerate(rows)
        ],
        failed=sum(bool(r["error"]) for r in rows),
        sections=[*sections, *_distributions(labels, table)],
    )


_ARROW = {"higher": "↑", "lower": "↓"}


def _number(value: Any) -> float:
    return np.nan if value is None else value


def _picture(row: Row) -> str:
    try:
        return pictures.thumbnail(read_image(row["image"]))
    except DecodeError:
        return ""


def _cells(
    row: Row, columns: Sequence[tuple[str, Info]], table: np.ndarray, index: int
) -> list[dict[str, Any]]:
    """Give each score with its rank among the images: 0 is the best, 1 the worst."""
    cells = []
    for column, (label, info) in enumerate(columns):
        value = row[label]
        known = table[~np.isnan(table[:, column]), column]
        place = None
        if value is not None and len(known) > 1:
            better = known > value if info.direction == "higher" else known < value
            place = float(np.sum(better)) / (len(known) - 1)
        cells.append(
            {
                "text": "–" if value is None else f"{value:.5g}",
                "sort": "" if value is None else repr(float(value)),
                "place": place,
            }
        )
    return cells


def _distributions(labels: list[str], table: np.ndarray) -> list[dict[str, Any]]:
    sections = []
    if len(table) > 30:
        sections.append(
            {
                "title": "Distribution of the scores",
                "text": f"Finite scores of {len(table)} images.",
                "svg": pictures.histograms(labels, table),
            }
        )
    complete = table[~np.isnan(table).any(axis=1)]
    varied = (
        [i for i in range(len(labels)) if len(set(complete[:, i])) > 1]
        if len(complete)
        else []
    )
    if len(complete) >= _FEWEST_FOR_CORRELATION and len(varied) > 1:
        sections.append(
            {
                "title": "Agreement of the metrics",
                "text": (
                    f"SRCC between metrics over the {len(complete)} images that have "
                    f"all scores ({len(table) - len(complete)} are left out). "
                    "Metrics of opposite direction correlate negatively."
                ),
                "svg": pictures.rank_correlations(
                    [labels[i] for i in varied], complete[:, varied]
                ),
            }
        )
    return sections

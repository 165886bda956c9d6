"""The report of ``jiqa score`` and ``jiqa demo``: one self-contained HTML page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.core.metric import Info
from jiqa.io.decode import DecodeError, read_image
from jiqa.io.names import below_common_folder
from jiqa.io.write_table import number_or_nan
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
    first: Sequence[str] = (),
    sections: Sequence[dict[str, Any]] = (),
) -> None:
    """Write the page.

    Args:
        path: file to write.
        title: heading.
        command: how the run was started, shown as it is.
        columns: label and ``Info`` of each metric column.
        rows: the table's rows.
        first: labels of a table of their own, before all others.
        sections: extra sections below the tables: dictionaries with ``title``,
            ``text``, and ``svg`` or ``figures`` (lists of ``title``, ``caption`` and
            ``pictures``, each with ``address``, ``name``, ``note``).
    """
    labels = [label for label, _ in columns]
    table = np.array([[number_or_nan(r[c]) for c in labels] for r in rows], np.float64)
    table = table.reshape(len(rows), len(labels))
    names, folder = below_common_folder([row["image"] for row in rows])
    album = _Album(rows)
    reasons, notes = _reasons(rows, folder)
    write_page(
        path,
        "scores.html.j2",
        title=title,
        command=command,
        columns=[
            {"label": label, "info": info, "arrow": _ARROW[info.direction]}
            for label, info in columns
        ],
        tables=score_tables(labels, len(rows), first),
        rows=[
            {
                "image": row["image"],
                "name": name,
                "picture": album.image(i),
                "reference": album.reference(i),
                "reference_name": _below(row.get("reference") or "", folder),
                "resized": row.get("resized"),
                "reason": reason,
                "cells": _cells(row, columns, table),
            }
            for i, (row, name, reason) in enumerate(
                zip(rows, names, reasons, strict=True)
            )
        ],
        folder=folder,
        reference=album.common
        and {**album.common, "shown": _below(album.common["name"], folder)},
        notes=notes,
        luma=[label for label, i in columns if _sees_luma_only(i)],
        failed=sum(bool(r["error"]) for r in rows),
        sections=[*sections, *_distributions(labels, table)],
    )


_ARROW = {"higher": "↑", "lower": "↓"}

#: Pixels that a page 1280 wide has for a table.
_WIDTH = 1180
#: Pixels of a name with its picture, of a letter, and around the text of a cell.
_NAME, _LETTER, _AROUND = 260, 7, 18
#: A table of so many images at most is turned if it has more metrics than this.
_FEW_IMAGES, _MANY_METRICS = 9, 10
#: Rows of one reason from which on it is a note above the table.
_REPEATED = 4


def score_tables(
    labels: Sequence[str], images: int, first: Sequence[str]
) -> list[dict[str, Any]]:
    """Divide the columns among tables that fit a page 1280 pixels wide.

    Returns:
        Of each table the ``title``, the indices of its ``columns``, and whether it is
        ``turned``: metrics are rows then.
    """
    listed = [n for n, label in enumerate(labels) if label in first]
    others = [n for n in range(len(labels)) if n not in listed]
    tables = []
    for title, group in (
        ("Recommended metrics" if others else "", listed),
        ("All other metrics" if listed else "", others),
    ):
        if images <= _FEW_IMAGES and len(group) > _MANY_METRICS:
            tables.append({"title": title, "columns": group, "turned": True})
            continue
        left = 0
        for index in group:
            # Headings break: a column is as wide as its numbers, or a longer word.
            letters = max(10, min(len(labels[index]) + 4, 16))
            need = letters * _LETTER + _AROUND
            if need > left:
                tables.append({"title": title, "columns": [], "turned": False})
                title, left = "", _WIDTH - _NAME
            tables[-1]["columns"].append(index)
            left -= need
    return tables


class _Album:
    """Thumbnails: of each image, and of references once where all have the same."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows, self._made = rows, dict[str, str]()
        names = {str(r["reference"]) for r in rows if r.get("reference")}
        self.common: dict[str, str] | None = None
        self._shared = len(names) == 1 and len(rows) > 1
        if self._shared:
            (name,) = names
            self.common = {"name": name, "picture": self._picture(name)}

    def image(self, index: int) -> str:
        """The address of an image's thumbnail; empty without one."""
        row = self._rows[index]
        return self._picture(row["image"]) if index < MOST_THUMBNAILS else ""

    def reference(self, index: int) -> str:
        """The address of its reference's, unless it is everybody's."""
        name = self._rows[index].get("reference")
        if self._shared or not name or index >= MOST_THUMBNAILS:
            return ""
        return self._picture(name)

    def _picture(self, name: str) -> str:
        if name not in self._made:
            try:
                self._made[name] = pictures.thumbnail(read_image(name))
            except DecodeError:
                self._made[name] = ""
        return self._made[name]


def _reasons(rows: Sequence[Row], folder: str) -> tuple[list[str], list[str]]:
    """Why each row failed, and what is said once of many."""
    texts = [_without_folder(row["error"], folder) for row in rows]
    counts = Counter(filter(None, texts))
    notes = [text for text, count in counts.items() if count >= _REPEATED]
    number = {text: n for n, text in enumerate(notes, 1)}
    reasons = [f"note {number[t]}" if t in number else t for t in texts]
    return reasons, [f"{text} ({counts[text]} images)" for text in notes]


def _without_folder(text: str, folder: str) -> str:
    return text.replace(f"{folder}{os.sep}", "") if folder not in ("", ".") else text


def _below(path: str, folder: str) -> str:
    """A path from the folder of the images, if it is not far from there."""
    try:
        relative = os.path.relpath(path, folder or ".") if path else ""
    except ValueError:  # on another drive
        return path
    return path if relative.count("..") > 2 else relative


def _sees_luma_only(info: Info) -> bool:
    return info.kind == "full-reference" and info.colour == "luma"


def _cells(
    row: Row, columns: Sequence[tuple[str, Info]], table: np.ndarray
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

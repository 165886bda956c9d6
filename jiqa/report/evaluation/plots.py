"""The plots of an evaluation, and their PNG and SVG files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from jiqa.evaluation.evaluate import Evaluation
from jiqa.io.atomic import replacing
from jiqa.report.evaluation import figures
from jiqa.report.evaluation.metric_pairs import agreement, comparisons
from jiqa.report.evaluation.view import Group, groups
from jiqa.report.plot_style import SAVE, style

#: Formats of the plots, and how each is written.
_FORMATS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"png": {"dpi": 150}, "svg": {"metadata": {"Date": None}}}
)


class Plot(NamedTuple):
    """A plot that has not been drawn yet.

    Attributes:
        name: stem of its file.
        title: heading in a page.
        description: what it shows, in words.
        draw: makes the figure, under ``drawing.style()``.
    """

    name: str
    title: str
    description: str
    draw: Callable[[], Any]


def write_plots(
    folder: Path,
    evaluation: Evaluation,
    *,
    score_direction: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write every plot of an ``Evaluation`` as PNG (150 dpi) and SVG.

    Args:
        folder: made if it is missing; each data set and split gets a folder in
            it.
        evaluation: as ``jiqa.evaluation.evaluate`` makes it.
        score_direction: whether ``"higher"`` or ``"lower"`` scores are better, by data
            set; for the labels.

    Returns:
        The files, in the order in which they were written.
    """
    written = []
    taken: set[str] = set()
    with style():
        for group in groups(evaluation, score_direction):
            inside = folder / _file_name(f"{group.data}-{group.split}", taken)
            names: set[str] = set()
            for plot in all_plots(group):
                stem = _file_name(plot.name, names)
                figure = plot.draw()
                for form, plain in _FORMATS.items():
                    path = inside / f"{stem}.{form}"
                    with replacing(path) as draft:
                        figure.savefig(draft, format=form, **plain, **SAVE)
                    written.append(path)
    return written


def _file_name(text: str, taken: set[str]) -> str:
    """Letters that every file system takes, and not one of those ``taken``."""
    stem = re.sub(r"(?:[^A-Za-z0-9._=]|\.\.)+", "-", text).strip("-.")[:80] or "plot"
    name, count = stem, 1
    while name.lower() in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name.lower())
    return name


def all_plots(group: Group) -> Iterator[Plot]:
    """Return every plot of a data set, those of the whole set first."""
    yield from overview_plots(group)
    yield from significance_plots(group)
    for series in group.series:
        yield Plot(
            f"scatter-{series.metric}",
            series.metric,
            "",
            lambda s=series: figures.scatter(group, s, legend=True),
        )


def overview_plots(group: Group) -> Iterator[Plot]:
    """SRCC with intervals; by distortion; between metrics. Those that have values."""
    known = [s for s in group.series if s.overall["srcc"] is not None]
    if known:
        yield Plot(
            "srcc",
            "SRCC with 95 % intervals",
            f"SRCC of {len(known)} metrics with the subjective scores.",
            lambda: figures.forest(known),
        )
    kinds = [k for k in group.kinds if any(k in s.by_kind for s in group.series)]
    if kinds:
        yield Plot(
            "by-distortion",
            "SRCC by distortion",
            f"SRCC of {len(group.series)} metrics on {len(kinds)} distortions.",
            lambda: figures.by_kind(group, kinds),
        )
    if len(group.series) > 1:
        table = agreement(group)
        off = table[~np.eye(len(table), dtype=bool)]
        if not np.isnan(off).all():
            names = [figures.label(s) for s in group.series]
            yield Plot(
                "agreement",
                "Agreement of the metrics",
                f"SRCC between {len(names)} metrics, from {np.nanmin(off):.2f} to "
                f"{np.nanmax(off):.2f}.",
                lambda: figures.heat_map(table, names, names),
            )


def significance_plots(group: Group) -> Iterator[Plot]:
    """The F-test and Krasula's two comparisons; those that were made."""
    for test in comparisons(group):
        yield Plot(
            test.name,
            test.title,
            f"{len(test.signs)} metrics compared in pairs: "
            f"{int(np.sum(test.signs > 0))} pairs differ significantly.",
            lambda test=test: figures.signs_plot(group, test.signs),
        )

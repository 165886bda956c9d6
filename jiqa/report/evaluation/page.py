"""The report of an evaluation: one self-contained HTML page.

It loads nothing from elsewhere, reads in light and dark and without colour, and its
tables sort with mouse and keyboard. ``evaluation_plots.write_plots`` writes the same
plots as files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.core.metric import Info
from jiqa.evaluation.evaluate import Evaluation
from jiqa.evaluation.extra_tests import ExtraTests
from jiqa.metrics import all_metrics
from jiqa.report.evaluation import tables
from jiqa.report.evaluation.extra_tests import (
    gmad_figures,
    protocol_table,
    waterloo_table,
)
from jiqa.report.evaluation.figures import axis_range, label, scatter
from jiqa.report.evaluation.metric_pairs import agreement, comparisons, no_comparison
from jiqa.report.evaluation.plots import Plot, overview_plots, significance_plots
from jiqa.report.evaluation.view import Group, Series, groups, text
from jiqa.report.evaluation.worst_images import Album, Pixels, worst
from jiqa.report.inline_svg import inline_svg, mark
from jiqa.report.page import write_page
from jiqa.report.plot_style import style


def write_report(
    path: Path,
    evaluation: Evaluation,
    *,
    title: str,
    command: str,
    thumbnails: Pixels | None = None,
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    score_direction: Mapping[str, str] | None = None,
    worst_count: int = 6,
    extra: ExtraTests | None = None,
) -> None:
    """Write the page.

    Args:
        path: file to write.
        evaluation: as ``jiqa.evaluation.evaluate`` makes it.
        title: heading.
        command: how the run was started, shown as it is.
        thumbnails: gives the pixels of a row's distorted image and of its reference
            (or ``None``); an ``OSError`` or ``DecodeError`` leaves the picture out.
        notes: sentences under the heading.
        settings: what else decides the figures (seed, resamples), by name.
        score_direction: whether ``"higher"`` or ``"lower"`` scores are better, by data
            set; for the labels.
        worst_count: largest residuals shown of each metric.
        extra: what there is beside correlations.
    """
    extra = extra or ExtraTests()
    found = groups(evaluation, score_direction)
    mappings = sorted({str(line["mapping"]) for line in evaluation.summary})
    album = Album(thumbnails)
    with style():
        sections = [_section(i, g, album, worst_count) for i, g in enumerate(found)]
    failed, failures = tables.failures_table(evaluation.rows)
    pairs = gmad_figures(extra, evaluation.rows, album)
    write_page(
        path,
        "evaluation.html.j2",
        title=title,
        command=command,
        notes=[*notes, *extra.notes],
        settings=[
            *([f"mapping before PLCC and RMSE: {', '.join(mappings)}"] * bool(found)),
            *(f"{name}: {value}" for name, value in (settings or {}).items()),
        ],
        sections=sections,
        across=tables.across_table(found) if len(found) > 1 else None,
        protocol=protocol_table(extra),
        waterloo=waterloo_table(extra),
        pairs=pairs,
        all_pairs=len(extra.gmad),
        failed=failed,
        failures=failures,
        metrics=_metrics(evaluation.rows),
        pictures=album.addresses,
        most_kinds=max((len(g.kinds) for g in found), default=0),
    )


def _section(index: int, group: Group, album: Album, count: int) -> dict[str, Any]:
    place = f"d{index}"
    links = [f"{place}-m{i}" for i in range(len(group.series))]
    plots = {p.name: _drawn(p, place) for p in overview_plots(group)}
    tests = [
        {
            "title": test.title,
            "text": test.text,
            "plot": drawn,
            "table": tables.comparison_table(group, test),
        }
        for test, drawn in zip(
            comparisons(group),
            [_drawn(p, place) for p in significance_plots(group)],
            strict=True,
        )
    ]
    return {
        "place": place,
        "title": group.title,
        "images": group.images,
        "references": _references(group),
        "failed": group.failed,
        "better": group.better,
        "overall": tables.overall_table(group, links),
        "by_kind": tables.kinds_table(group),
        "plots": plots,
        "agreement": tables.agreement_table(group, agreement(group))
        if "agreement" in plots
        else None,
        "tests": tests,
        "untested": no_comparison(group),
        "kinds": [
            {"index": i, "name": name, "mark": mark(i)}
            for i, name in enumerate(group.kinds)
        ],
        "cards": [
            _card(group, series, link, album, count)
            for series, link in zip(group.series, links, strict=True)
        ],
    }


def _references(group: Group) -> int:
    return max((s.overall["references"] or 0 for s in group.series), default=0)


def _drawn(plot: Plot, place: str) -> dict[str, str]:
    svg = inline_svg(plot.draw(), f"{place}-{plot.name}", plot.description)
    return {"title": plot.title, "text": plot.description, "svg": svg}


def _card(
    group: Group, series: Series, link: str, album: Album, count: int
) -> dict[str, Any]:
    low, high = axis_range(series.values)
    beyond = int(np.sum((series.values <= low) | (series.values >= high)))
    svg = ""
    if len(series.rows):
        shown = f"Subjective score against {series.metric}, {len(series.rows)} images."
        svg = inline_svg(scatter(group, series, legend=False), link, shown)
    parameters = series.overall["parameters"] or ()
    return {
        "place": link,
        "title": label(series, longest=200),
        "words": found.title if (found := _info(series.metric)) else "",
        "svg": svg,
        "figures": list(
            zip(
                tables.FIGURE_NAMES,
                tables.figure_cells(series.overall, {}),
                strict=True,
            )
        ),
        "n": series.overall["n"],
        "failed": series.overall["failed"],
        "fit": series.overall["mapping"],
        "parameters": tables.minus(", ".join(f"{p:.5g}" for p in parameters)),
        "note": series.overall["note"],
        "beyond": beyond,
        "infinite": int(np.isinf(series.values).sum()),
        "worst": worst(series, album, count),
    }


def _info(name: str) -> Info | None:
    """Return the registry's facts on a metric; a label with options is name(...)."""
    found = all_metrics().get(re.sub(r"\(.*\)$", "", name))
    return found.info if found else None


def _metrics(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Describe each metric from the rows and from the registry."""
    seen: dict[str, dict[str, Any]] = {}
    for row in rows:
        fresh = {"version": {}, "weights": {}, "seconds": []}
        entry = seen.setdefault(str(row["metric"]), fresh)
        for key in ("version", "weights"):
            if text(row, key):
                entry[key][text(row, key)] = None
        if row.get("seconds") is not None:
            entry["seconds"].append(row["seconds"])
    out = []
    for name, entry in seen.items():
        seconds = entry["seconds"]
        out.append(
            {
                "name": name,
                "info": _info(name),
                "versions": ", ".join(entry["version"]),
                "weights": ", ".join(entry["weights"]),
                "seconds": f"{np.mean(seconds):.3g}" if seconds else "–",
            }
        )
    return out

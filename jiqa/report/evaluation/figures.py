"""How each plot of an evaluation is drawn; call these under ``drawing.style()``."""

from __future__ import annotations

from typing import Any

import numpy as np

from jiqa.report.evaluation.view import Group, Series, kind_of
from jiqa.report.plot_style import INK, look, new_axis, printable

#: Larger tables are drawn without a number in each cell.
_MOST_NUMBERS = 3000


def scatter(group: Group, series: Series, *, legend: bool) -> Any:
    """Subjective score against value, with the fit, dashed a monotonic one beside it.

    The second is drawn where the first turns round within the data.

    Values beyond the axis, infinite or finite (see ``axis_range``), are drawn as open
    triangles at its edge.

    Args:
        group: the data set.
        series: the metric.
        legend: name the distortions beside the plot.
    """
    from jiqa.report.points import Points

    figure, axis = new_axis(4, 2.8)
    values, scores = series.values, series.scores
    low, high = axis_range(values)
    axis.set(xlim=(low, high), ylim=axis_range(scores, np.inf))
    inside = (values > low) & (values < high)
    kind = np.array([kind_of(row) for row in series.rows], object)
    for index, name in enumerate(group.kinds or [""]):
        here = inside & (kind == name)
        points = Points(values[here], scores[here], *look(index))
        points.set_gid(f"kind-{index}")
        axis.add_artist(points)
    for edge, marker, here in (
        (high, ">", values >= high),
        (low, "<", values <= low),
    ):
        if here.any():
            at = np.full(here.sum(), edge)
            axis.plot(at, scores[here], marker, mfc="none", mec=INK, ms=5, clip_on=0)
    if inside.any():
        x = np.linspace(values[inside].min(), values[inside].max(), 200)
        axis.plot(x, series.predict(x), color=INK, lw=1.4)
        if series.monotonic is not None:
            axis.plot(x, series.monotonic(x), color=INK, lw=1.4, ls="--")
    better = {"higher": " ↑", "lower": " ↓"}.get(group.better, "")
    axis.set_xlabel(label(series))
    axis.set_ylabel(f"subjective score{better}")
    axis.grid(alpha=0.25)
    if legend and group.kinds:
        axis.legend(
            [_handle(i) for i in range(len(group.kinds))],
            [printable(kind) for kind in group.kinds],
            loc="upper left",
            bbox_to_anchor=(1.02, 1.02),
            fontsize=7,
            ncols=-(-len(group.kinds) // 16),
            frameon=False,
        )
    return figure


def _handle(index: int) -> Any:
    from matplotlib.lines import Line2D

    colour, shape = look(index)
    marker = {"circle": "o", "up": "^", "down": "v", "diamond": "D", "plus": "+"}
    return Line2D([], [], color=colour, marker=marker.get(shape, "_"), ls="", ms=4)


def label(series: Series, longest: int = 32) -> str:
    """Name of a metric and which way is better."""
    return f"{printable(series.metric, longest)} {series.arrow}".rstrip()


def axis_range(values: np.ndarray, reach: float = 5.0) -> tuple[float, float]:
    """The range of the finite ``values`` and a little more; never empty.

    It ends where a few far values (1e5 for an infinite PSNR) would press all others
    together: ``reach`` times the width of the middle 80 % away from them.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    first, last = np.quantile(finite, (0.1, 0.9))
    if last > first:
        low = max(low, float(first - reach * (last - first)))
        high = min(high, float(last + reach * (last - first)))
    kept = finite[(finite >= low) & (finite <= high)]
    low, high = float(kept.min()), float(kept.max())
    margin = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return low - margin, high + margin


def forest(known: list[Series]) -> Any:
    """SRCC with its interval, a line a metric."""
    figure, axis = new_axis(6, 0.2 * max(len(known), 2))
    for at, series in enumerate(known):
        line = series.overall
        if line["srcc_low"] is not None and line["srcc_high"] is not None:
            axis.hlines(at, line["srcc_low"], line["srcc_high"], color=INK, lw=1.2)
        axis.plot(line["srcc"], at, "o", color="#0072B2", ms=4.5)
        axis.annotate(
            f"{line['srcc']:.3f}",
            (1.01, at),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
        )
    axis.set_yticks(range(len(known)), [label(s) for s in known], fontsize=8)
    axis.set_ylim(len(known) - 0.5, -0.5)
    axis.set_xlabel("SRCC with the subjective scores")
    axis.grid(alpha=0.25)
    return figure


def by_kind(group: Group, kinds: list[str]) -> Any:
    """SRCC, a line a metric and a column a distortion."""
    lines = [
        [s.overall["srcc"], *(s.by_kind.get(k, {}).get("srcc") for k in kinds)]
        for s in group.series
    ]
    rows = [label(s) for s in group.series]
    table = np.array(lines, np.float64)
    return heat_map(table, rows, ["all", *(printable(k) for k in kinds)])


def heat_map(table: np.ndarray, rows: list[str], columns: list[str]) -> Any:
    """Colours from 0 (dark) to 1 (bright); below 0 as 0, with the number."""
    cell = 0.24
    figure, axis = new_axis(cell * len(columns), cell * len(rows))
    image = axis.imshow(
        table, vmin=0, vmax=1, cmap="cividis", interpolation="none", aspect="auto"
    )
    axis.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    if table.size <= _MOST_NUMBERS:
        for (i, j), value in np.ndenumerate(table):
            shade = "#000000" if value > 0.5 else "#ffffff"
            text, shade = ("–", INK) if np.isnan(value) else (_short(value), shade)
            middle = {"ha": "center", "va": "center"}
            axis.text(j, i, text, color=shade, fontsize=6, **middle)
    width, height = figure.get_size_inches()
    beside = figure.add_axes((1 + 0.15 / width, 0, 0.12 / width, min(1, 3 / height)))
    figure.colorbar(image, cax=beside).ax.tick_params(labelsize=8)
    return figure


def _short(value: float) -> str:
    """Two digits: .85, -.13, 1.0."""
    return "1.0" if value > 0.995 else f"{value:.2f}".replace("0.", ".")


def signs_plot(group: Group, signs: np.ndarray) -> Any:
    """Who is significantly better, from ``Comparison.signs``."""
    from jiqa.report.points import Points

    names = [label(s) for s in group.series]
    size = 0.2 * max(len(names), 2)
    figure, axis = new_axis(size, size)
    for value, colour, shape, width in (
        (1, "#0072B2", "up", 8),
        (-1, "#D55E00", "bar", 6),
        (0, "#848484", "circle", 2.5),
    ):
        here = (signs == value) & ~np.eye(len(signs), dtype=bool)
        y, x = np.nonzero(here)
        axis.add_artist(Points(x, y, colour, shape, width))
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
    axis.grid(alpha=0.2)
    axis.set_title("▲ row better   – row worse   · no difference", fontsize=8)
    return figure

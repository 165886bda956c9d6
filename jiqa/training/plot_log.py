"""The curves of a run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jiqa.io.atomic import replacing
from jiqa.training.log import Line

#: Colours that can be told apart with any colour vision (Okabe and Ito 2008).
_TRAINING, _VALIDATION = "#0072B2", "#D55E00"


def draw_curves(lines: Sequence[Line], path: Path) -> None:
    """Draw every figure of a log over the updates, as a PNG.

    Args:
        lines: of the log.
        path: of the picture; written whole or not at all.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    series: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in lines:
        for name, value in line.items():
            if name not in ("step", "epoch", "seconds") and isinstance(value, float):
                points = series.setdefault(name, {}).setdefault(line["kind"], [])
                points.append((line["step"], value))
    if not series:
        return
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 9}):
        columns = min(3, len(series))
        rows = -(-len(series) // columns)
        figure = Figure(figsize=(4.2 * columns, 2.8 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, kinds) in zip(grid, series.items(), strict=False):
            for kind, points in kinds.items():
                colour = _TRAINING if kind == "training" else _VALIDATION
                marker = "" if kind == "training" else "o"
                x, y = zip(*points, strict=True)
                axes.plot(x, y, color=colour, marker=marker, ms=3, lw=1, label=kind)
            axes.set_title(name)
            axes.set_xlabel("update")
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False)
        for axes in grid[len(series) :]:
            axes.set_visible(False)
        with replacing(path) as draft:
            figure.savefig(draft, format="png", dpi=120)

"""Arrays and plots as data addresses and inline SVG, for self-contained pages."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

#: One colour a distortion, also where a metric has no value for the one before it.
_CYCLE = ("C0", "C1", "C2", "C3", "C4")


def data_address(data: bytes, kind: str) -> str:
    """``data:image/KIND;base64,...``."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def thumbnail(pixels: np.ndarray, width: int = 192) -> str:
    """A small JPEG of ``[H, W, C]``, uint8 or uint16."""
    from PIL import Image

    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((width, 10 * width))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return data_address(file.getvalue(), "jpeg")


def heat_map(
    values: np.ndarray, low: float, high: float, colours: str = "magma"
) -> str:
    """A PNG of ``[H, W]``; values from ``low`` to ``high`` run dark to bright."""
    import matplotlib.image

    file = io.BytesIO()
    matplotlib.image.imsave(file, values, vmin=low, vmax=high, cmap=colours)
    return data_address(file.getvalue(), "png")


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    import matplotlib

    file = io.StringIO()
    # Text stays text: smaller, searchable, in the page's font.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "jiqa"}):
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    text = file.getvalue()
    return text[text.index("<svg") :]


def _unique_ids(svg: str, prefix: str) -> str:
    """Inline drawings share one name space; keep their clip paths apart."""
    svg = re.sub(r'id="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    return re.sub(r"url\(#", f"url(#{prefix}-", svg)


def ladder_plots(
    curves: dict[str, Any],
    directions: dict[str, str],
    columns: int = 5,
) -> str:
    """Score against strength: one small plot a metric, one line a distortion.

    Args:
        curves: metric -> distortion -> scores at strength 0, 1, 2, ...
        directions: metric -> ``"higher"`` or ``"lower"`` is better.
        columns: plots side by side.
    """
    rows = -(-len(curves) // columns)
    figure = _figure(2.2 * columns, 1.75 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for axis, (metric, lines) in zip(axes, curves.items(), strict=False):
        for (label, scores), marker, colour in zip(
            lines.items(), "osD^v", _CYCLE, strict=False
        ):
            # Identical images may have no finite value (PSNR): the line starts later.
            points = [
                (i, s)
                for i, s in enumerate(scores)
                if s is not None and np.isfinite(s) and abs(s) < 1e4
            ]
            if points:
                x, y = zip(*points, strict=True)
                (handles[label],) = axis.plot(
                    x, y, color=colour, marker=marker, ms=3, lw=1.2
                )
        arrow = "↑" if directions[metric] == "higher" else "↓"
        axis.set_title(f"{metric} {arrow}", fontsize=9)
        axis.tick_params(labelsize=7)
        axis.set_xticks(range(max((len(s) for s in lines.values()), default=1)))
        axis.grid(alpha=0.3)
    for axis in axes[len(curves) :]:
        axis.set_axis_off()
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper center",
        ncols=5,
        fontsize=9,
    )
    figure.supxlabel("strength of the distortion (0: the reference itself)", fontsize=9)
    return _unique_ids(_svg(figure), "ladder")


def rank_correlations(labels: Sequence[str], table: np.ndarray) -> str:
    """Heat map of the SRCC between the columns of ``[images, metrics]``."""
    from scipy.stats import rankdata

    ranks = np.apply_along_axis(rankdata, 0, table)
    with np.errstate(invalid="ignore", divide="ignore"):
        srcc = np.corrcoef(ranks, rowvar=False)
    size = 2 + 0.28 * len(labels)
    figure = _figure(size + 0.6, size)
    axis = figure.subplots()
    image = axis.imshow(srcc, vmin=-1, vmax=1, cmap="RdBu_r")
    axis.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    figure.colorbar(image, ax=axis, shrink=0.7).ax.tick_params(labelsize=8)
    return _unique_ids(_svg(figure), "srcc")


def histograms(labels: Sequence[str], table: np.ndarray, columns: int = 5) -> str:
    """The distribution of each column of ``[images, metrics]`` (finite values)."""
    rows = -(-len(labels) // columns)
    figure = _figure(2.2 * columns, 1.6 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, label, values in zip(axes, labels, table.T, strict=False):
        axis.hist(values[np.isfinite(values)], bins=20)
        axis.set_title(label, fontsize=9)
        axis.tick_params(labelsize=7)
    for axis in axes[len(labels) :]:
        axis.set_axis_off()
    return _unique_ids(_svg(figure), "histograms")

"""Many small pictures with their names, as one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jiqa.io.atomic import replacing
from jiqa.report.plot_style import style


def save_grid(
    path: Path,
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int | None = None,
) -> None:
    """Write pictures side by side.

    Args:
        path: a PNG.
        pictures: each ``[H, W, C]``, uint8.
        titles: of each.
        columns: in a row; by default about as many as rows.
    """
    from matplotlib.figure import Figure

    wide = columns or int(np.ceil(np.sqrt(len(pictures))))
    high = -(-len(pictures) // wide)
    figure = Figure(figsize=(1.7 * wide, 1.9 * high), layout="constrained")
    with style():
        axes = figure.subplots(high, wide, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for axis, picture, title in zip(axes, pictures, titles, strict=False):
            grey = picture.shape[-1] == 1
            axis.imshow(picture[..., 0] if grey else picture, cmap="gray")
            axis.set_title(title, fontsize=8)
        with replacing(path) as draft:
            figure.savefig(draft, format="png", dpi=110)

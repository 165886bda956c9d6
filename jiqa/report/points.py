"""Thousands of points as one path, for scatter plots that stay small as SVG."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

from jiqa.report.plot_style import SHAPES


class Points(Artist):
    """The points of one class, clipped by their axis.

    One path takes a tenth of the text that as many markers would take in SVG. It is
    drawn in a group with this artist's ``gid``.
    """

    def __init__(
        self, x: Any, y: Any, colour: str, shape: str, size: float = 4
    ) -> None:
        """Take the points; the axis that they are added to needs limits for them.

        Args:
            x: ``[n]``, in data units.
            y: ``[n]``, in data units.
            colour: ``"#RRGGBB"``.
            shape: a key of ``drawing.SHAPES``.
            size: width of a point, in points.
        """
        super().__init__()
        points = np.column_stack([np.ravel(x), np.ravel(y)]).astype(np.float64)
        # From left to right the steps are short, and so is their text.
        self._points = points[np.lexsort((points[:, 1], points[:, 0]))]
        self._colour, self._size = colour, size
        self._outline, self._filled = SHAPES[shape]
        self.set_zorder(2)

    def get_tightbbox(self, renderer: RendererBase | None = None) -> None:
        """Return nothing, so that the layout ignores it: the axis clips it."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw all points with one call of ``renderer``."""
        if self.axes is None or not len(self._points):
            return
        size = float(np.asarray(renderer.points_to_pixels(self._size)))
        middles = self.axes.transData.transform(self._points)
        path = _outlines(middles, np.asarray(self._outline) * size, self._filled)
        dot = len(self._outline) == 1
        context = renderer.new_gc()
        context.set_clip_rectangle(self.axes.bbox)
        context.set_foreground(self._colour)
        # In points, unlike everything else here.
        pen = 1.0 if dot else 0.0 if self._filled else 0.3
        context.set_linewidth(pen * self._size)
        context.set_snap(False)
        context.set_capstyle("round" if dot else "butt")
        renderer.open_group("points", gid=self.get_gid())
        face = _rgb(self._colour) if self._filled else None
        renderer.draw_path(context, path, IdentityTransform(), face)
        renderer.close_group("points")
        context.restore()


def _outlines(middles: np.ndarray, outline: np.ndarray, closed: bool) -> Path:
    if len(outline) == 1:
        # Renderers skip a line of no length, but not a very short one.
        outline = np.array([[-0.01, 0], [0.01, 0]])
    if closed:
        outline = np.concatenate([outline, outline[:1]])
    vertices = (middles[:, None] + outline).reshape(-1, 2)
    codes = np.full(len(outline), Path.LINETO)
    # Four vertices without a face are two strokes.
    codes[:: 2 if len(outline) == 4 and not closed else len(outline)] = Path.MOVETO
    if closed:
        codes[-1] = Path.CLOSEPOLY
    return Path(vertices, np.tile(codes, len(middles)))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue

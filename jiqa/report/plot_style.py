"""The common style of an evaluation's plots: colours, shapes, fonts, figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Nearly black. A page replaces it by its text colour.
INK = "#010203"

#: Seven colours that any colour vision can tell apart and that show on
#: white and on black: M. Okabe and K. Ito, "Color Universal Design", 2008, with its
#: black and yellow replaced by a grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#848484")

#: Outlines of a point about (0, 0), one wide and high, and whether they are filled. A
#: single vertex is a dot of the pen; the others that are not filled are strokes, two
#: vertices each.
SHAPES: dict[str, tuple[tuple[tuple[float, float], ...], bool]] = {
    "circle": (((0, 0),), False),
    "up": (((-0.5, -0.4), (0.5, -0.4), (0, 0.5)), True),
    "plus": (((-0.5, 0), (0.5, 0), (0, 0.5), (0, -0.5)), False),
    "diamond": (((-0.5, 0), (0, -0.5), (0.5, 0), (0, 0.5)), True),
    "down": (((-0.5, 0.4), (0, -0.5), (0.5, 0.4)), True),
    "bar": (((-0.5, 0), (0.5, 0)), False),
}


def look(index: int) -> tuple[str, str]:
    """Colour and shape of the class ``index``; the first 42 differ from each other."""
    return COLOURS[index % len(COLOURS)], list(SHAPES)[index % len(SHAPES)]


def printable(text: Any, longest: int = 32) -> str:
    """``text`` on one line without what no font draws, cut to ``longest``."""
    line = "".join(c if c.isprintable() else "?" for c in str(text))
    return line if len(line) <= longest else line[: longest - 1] + "…"


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings while the figures of a report are made and saved."""
    import matplotlib

    inked = "text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color"
    settings: Any = {
        **dict.fromkeys((*inked, "ytick.color"), INK),
        # Text stays text: smaller, searchable, in the page's font.
        "svg.fonttype": "none",
        "svg.hashsalt": "jiqa",
        # A name such as a$b$ is no formula.
        "text.parse_math": False,
        "font.size": 9,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def new_axis(width: float, height: float) -> tuple[Any, Any]:
    """A figure that knows no window, and its axis of a size in inches.

    What stands around the axis takes the room it needs when the figure is saved with
    ``SAVE``, so that no label is cut however long it is.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_axes((0, 0, 1, 1))


#: How to save a figure.
SAVE: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.04}

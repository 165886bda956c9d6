"""Contact sheets: one picture of a data set's images from best to worst, scored."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.io.decode import DecodeError, read_image

_GAP, _LINE, _TITLE = 10, 15, 22
_INK, _PALE, _PAPER, _BLANK = "#1a1a1a", "#666666", "#ffffff", "#dddddd"


@dataclass(frozen=True)
class Cell:
    """One picture of the sheet.

    Attributes:
        entry: the image.
        heading: the line above its facts: its score, or what it is.
    """

    entry: Entry
    heading: str


def contact_sheet(
    dataset: Dataset, *, rows: int = 6, columns: int = 5, side: int = 224
) -> Any:
    """Draw a sheet of a set.

    With references, a row is one of them, followed by its images from best to worst;
    without, the images go from best to worst over all rows. What is shown is spread
    evenly: over the references in their order, over the images in the order of their
    scores (of the set, where there are none).

    Args:
        dataset: an opened set.
        rows: of pictures, at most.
        columns: of pictures, at most; at least 2.
        side: pixels that a picture's longer side is reduced to.

    Returns:
        A Pillow image, RGB.

    Raises:
        ValueError: fewer than 1 row or 2 columns.
    """
    from PIL import Image, ImageDraw

    if rows < 1 or columns < 2:
        wanted = "at least 1 row and 2 columns"
        raise ValueError(expected("rows, columns", wanted, f"{rows} and {columns}"))
    grid = choose(dataset, rows, columns)
    heights = [_height(line, side) for line in grid]
    tops = [3 * _TITLE]
    for height in heights:
        tops.append(tops[-1] + height + 3 * _LINE + _GAP)
    width = _GAP + max(map(len, grid), default=2) * (side + _GAP)
    sheet = Image.new("RGB", (width, tops[-1]), _PAPER)
    pen = ImageDraw.Draw(sheet)
    title = f"{dataset.info.title} ({dataset.name})"
    pen.text((_GAP, _GAP), title, _INK, _font(_TITLE - 6))
    pen.text((_GAP, _GAP + _TITLE), _scale_line(dataset), _PALE, _font(12))
    for line, top, height in zip(grid, tops, heights, strict=False):
        for x, cell in enumerate(line):
            corner = _GAP + x * (side + _GAP), top
            _draw(sheet, pen, dataset, cell, corner, (side, height))
    return sheet


def choose(dataset: Dataset, rows: int, columns: int) -> list[list[Cell]]:
    """The cells of a sheet, row by row."""
    entries = [e for e in dataset.entries() if not e.hidden_reference]
    if not dataset.references:
        shown = _spread(_ranked(dataset, entries), rows * columns)
        cells = [Cell(e, _score(e)) for e in shown]
        return [cells[n : n + columns] for n in range(0, len(cells), columns)]
    images = defaultdict(list)
    for entry in entries:
        images[entry.reference].append(entry)
    return [
        [Cell(dataset.references[key], "reference")]
        + [Cell(e, _score(e)) for e in _spread(_ranked(dataset, own), columns - 1)]
        for key, own in _spread(
            [(k, images[k]) for k in dataset.references if images[k]], rows
        )
    ]


def _ranked(dataset: Dataset, entries: Sequence[Entry]) -> list[Entry]:
    """From best to worst; as they come where there are no scores."""
    scale = dataset.scale
    if scale is None:
        return list(entries)
    rated = [(e.score, e) for e in entries if e.score is not None]
    rated.sort(key=lambda pair: pair[0], reverse=scale.direction == "higher")
    return [e for _, e in rated]


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most ``count`` of the items at equal steps, the first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def _height(line: Sequence[Cell], side: int) -> int:
    """Rows of pixels that the pictures of a line need."""
    shapes = [cell.entry.shape for cell in line]
    ratios = [s.height / max(s.height, s.width) for s in shapes if s]
    return round(side * max(ratios, default=0.25))


def _score(entry: Entry) -> str:
    if entry.score is None:
        return "not rated"
    spread = "" if entry.deviation is None else f" ± {entry.deviation:.2f}"
    return f"{entry.score:.2f}{spread}"


def _scale_line(dataset: Dataset) -> str:
    entries = [e for e in dataset.entries() if not e.hidden_reference]
    parts = [f"{len(entries):,} images"]
    if dataset.references:
        parts.append(f"{len(dataset.references):,} references")
    if dataset.scale:
        scale = dataset.scale
        parts.append(f"{scale.name} {scale.low:g} to {scale.high:g}")
        parts.append(f"{scale.direction} is better: best first")
    return " · ".join(parts)


def _draw(
    sheet: Any,
    pen: Any,
    dataset: Dataset,
    cell: Cell,
    corner: tuple[int, int],
    box: tuple[int, int],
) -> None:
    (x, y), (side, height) = corner, box
    picture, problem = _picture(dataset, cell.entry, side)
    if picture is None:
        pen.rectangle((x, y, x + side - 1, y + height - 1), fill=_BLANK)
        for number, line in enumerate(textwrap.wrap(problem, side // 7)):
            pen.text((x + 6, y + 6 + number * _LINE), line, _INK, _font(11))
    else:
        below = y + height - picture.height
        sheet.paste(picture, (x + (side - picture.width) // 2, below))
    what = cell.entry.distortion
    if what and cell.entry.level:
        what = f"level {cell.entry.level} of {what}"
    for number, (text, colour) in enumerate(
        [(cell.heading, _INK), (what or cell.entry.name, _PALE)]
        + ([(cell.entry.name, _PALE)] if what else [])
    ):
        where = x, y + height + 2 + number * _LINE
        pen.text(where, _cut(pen, text, side), colour, _font(12 if number == 0 else 11))


def _picture(dataset: Dataset, entry: Entry, side: int) -> tuple[Any, str]:
    """The reduced picture, or why there is none."""
    from PIL import Image

    try:
        pixels = read_image(dataset.image(entry))
    except DecodeError as error:
        return None, str(error)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    picture = picture.convert("RGB")
    scale = side / max(picture.size)
    size = [max(1, round(n * scale)) for n in picture.size]
    kind = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    return picture.resize((size[0], size[1]), kind), ""


def _cut(pen: Any, text: str, width: int) -> str:
    """``text``, shortened to fit."""
    if pen.textlength(text, _font(11)) <= width:
        return text
    while text and pen.textlength(text + "…", _font(11)) > width:
        text = text[:-1]
    return text + "…"


def _font(size: int) -> Any:
    """A font with Greek letters and dashes, the same on every machine."""
    import matplotlib
    from PIL import ImageFont

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)

"""Maps of the images that score worst, for a report of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.core.bound_metric import BoundMetric
from jiqa.core.images import to_float
from jiqa.io.decode import read_image
from jiqa.io.light import read_light
from jiqa.progress import Progress, silent
from jiqa.registry import load


@dataclass(frozen=True)
class Mapped:
    """An image with maps of what metrics see.

    Attributes:
        name: of the image.
        pixels: ``[H, W, C]`` of 8 or 16 bits; ``None`` if it is no such image.
        maps: by the label of the metric, ``[h, w]``.
    """

    name: str
    pixels: np.ndarray | None
    maps: Mapping[str, np.ndarray]


def with_maps(choices: Sequence[BoundMetric]) -> list[BoundMetric]:
    """Those of the metrics that have maps, and give a score as they are called."""
    return [
        c
        for c in choices
        if c.metric.info.maps and c.options.get("output", "score") == "score"
    ]


def worst(
    rows: Sequence[Mapping[str, Any]], choice: BoundMetric, count: int
) -> list[Mapping[str, Any]]:
    """The rows of the images that a metric scores worst, the worst first.

    Rows that failed, have no reference or were resized are left out.

    Args:
        rows: of the table of scores.
        choice: the metric.
        count: how many, at most.
    """
    sign = 1 if choice.metric.info.direction == "higher" else -1
    known = [
        row
        for row in rows
        if not row["error"] and row.get("reference") and not row.get("resized")
    ]
    return sorted(known, key=lambda row: sign * row[choice.label])[:count]


def maps_of(
    rows: Sequence[Mapping[str, Any]],
    choices: Sequence[BoundMetric],
    *,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    progress: Progress = silent,
) -> list[Mapped]:
    """Compute the maps of images, file by file.

    Args:
        rows: each with ``image`` and ``reference``, files of one size.
        choices: metrics that have maps.
        weights_folder: where to look first for learned weights.
        background: grey level in [0, 1] behind transparent pixels.
        progress: see ``jiqa.progress``.

    Raises:
        DecodeError: a file that cannot be read.
    """
    metrics = {
        c.label: load(
            c.name, weights_folder=weights_folder, **{**c.options, "output": "map"}
        )
        for c in choices
    }
    light = any(c.metric.info.takes_light for c in choices)
    read = read_light if light else read_image
    found = []
    with progress("drawing maps", len(rows)) as advance:
        for row in rows:
            pixels = [
                read(row[k], background=background) for k in ("reference", "image")
            ]
            most = max(x.shape[-1] for x in pixels)
            pair = [np.repeat(to_float(x), most // x.shape[-1], -1) for x in pixels]
            maps = {label: np.asarray(m(*pair)) for label, m in metrics.items()}
            shown = None if light else pixels[1]
            found.append(Mapped(str(row["image"]), shown, maps))
            advance()
    return found

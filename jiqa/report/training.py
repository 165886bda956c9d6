"""The page of a finished training run: figures, curves, predictions, worst pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.data.splits import select
from jiqa.io.decode import DecodeError, read_image
from jiqa.io.json_files import read_json
from jiqa.report.inline_svg import inline_svg
from jiqa.report.page import write_page
from jiqa.report.pictures import data_address, thumbnail
from jiqa.report.plot_style import COLOURS, INK, new_axis, style
from jiqa.training.config import read_config
from jiqa.training.predictions import figure_text, read_predictions
from jiqa.training.trained import Trained

#: The page in a run's folder.
FILE = "report.html"


def write_training_page(
    trained: Trained,
    *,
    command: str = "",
    data_dir: Path | str | None = None,
    worst: int = 8,
) -> Path:
    """Write ``report.html`` into the folder of a run.

    Args:
        trained: the run.
        command: how it was started, shown as it is.
        data_dir: where prepared sets are, whose pictures are shown.
        worst: images shown whose predictions are farthest from their scores.

    Returns:
        The page's path.
    """
    folder = trained.folder
    config, facts = read_config(folder), read_json(folder / "run.json")
    rows = read_predictions(folder)
    known = [r for r in rows if np.isfinite(r["score"]) and np.isfinite(r["predicted"])]
    curves = folder / "curves.png"
    page = folder / FILE
    write_page(
        page,
        "training.html.j2",
        title=f"jiqa train {config.model}",
        command=command,
        steps=trained.steps,
        best=trained.best,
        divisions=trained.divisions,
        decided=trained.decided,
        sources=facts["data"],
        figures=figure_lines(trained),
        curves=data_address(curves.read_bytes(), "png") if curves.is_file() else "",
        scatter=_scatter(known) if known else "",
        count=len(known),
        unread=trained.unread,
        worst=_worst(known, _judged(facts["data"]), data_dir, worst),
        settings={n: getattr(config, n) for n in config.applying},
        name=trained.name,
    )
    return page


def figure_lines(trained: Trained) -> list[dict[str, str]]:
    """Return a line for the run and for each baseline, as texts.

    Each has ``name``, ``figures``, and ``n`` with the number of images.
    """
    named = {trained.name: trained.figures, **trained.baselines}
    lines = []
    for name, figures in named.items():
        texts = []
        for key, value in figures.items():
            if not isinstance(value, float) or key.endswith(("_low", "_high")):
                continue
            texts.append(figure_text(figures, key))
        count = f"{figures.get('n', 0)}"
        lines.append({"name": name, "figures": ", ".join(texts) or "–", "n": count})
    return lines


def _scatter(rows: Sequence[Mapping[str, Any]]) -> str:
    x = np.array([row["predicted"] for row in rows])
    y = np.array([row["score"] for row in rows])
    ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    with style():
        figure, axis = new_axis(4, 4)
        axis.plot(ends, ends, color=INK, lw=0.8)
        axis.plot(x, y, ".", color=COLOURS[0], ms=5)
        axis.set_xlabel("predicted")
        axis.set_ylabel("subjective score")
        axis.grid(alpha=0.25)
        text = f"Subjective score against prediction, {len(rows)} images."
        return inline_svg(figure, "scatter", text)


def _judged(sources: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of the prepared set that the predictions are of.

    It is not made from a table's path again: that would wait for other processes, and
    this one writes alone.
    """
    held = sources.get("validation", {"images": 0})
    source = held if held["images"] else sources["training"]
    return source["spec"].partition(" (")[0]


def _worst(
    rows: Sequence[Mapping[str, Any]],
    data: str,
    data_dir: Path | str | None,
    count: int,
) -> list[dict[str, Any]]:
    """Return the images with the largest errors, with their pictures if they exist."""
    order = sorted(rows, key=lambda row: -abs(row["predicted"] - row["score"]))
    try:
        dataset, entries = select(data, data_dir)
    except (ValueError, OSError):
        return []  # the data have gone since
    found = {entry.name: entry for entry in entries}
    shown = []
    for row in order[:count]:
        picture = ""
        try:
            if row["image"] in found:
                image = read_image(dataset.image(found[row["image"]]))
                picture = thumbnail(image)
        except (OSError, DecodeError):
            pass  # its row stays, without a picture
        error = row["predicted"] - row["score"]
        texts = {k: f"{row[k]:.4g}" for k in ("score", "predicted")}
        shown.append(
            {**texts, "image": row["image"], "error": f"{error:+.3g}", "src": picture}
        )
    return shown

"""Images that were made for metrics, as files and on one page."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.synthesis.ascent import Ascent
from jiqa.analysis.synthesis.scores import Picture
from jiqa.io.atomic import replacing
from jiqa.io.json_files import write_json
from jiqa.io.write_table import write_rows
from jiqa.report.inline_svg import inline_svg
from jiqa.report.overlays import as_bytes, full_colour, save_picture
from jiqa.report.page import write_page
from jiqa.report.pictures import data_address
from jiqa.report.plot_style import COLOURS, new_axis, style

#: The page in the folder.
FILE = "report.html"
#: The longer side of its pictures in pixels, at most.
_SIDE = 768


def write_synthesis(
    folder: Path,
    *,
    title: str,
    lead: Sequence[str],
    remarks: Sequence[str],
    reference: np.ndarray,
    pictures: Sequence[Picture],
    origin: str,
    texts: Mapping[str, str],
    course: Sequence[dict[str, Any]],
    plots: Sequence[str],
    how: str,
    facts: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray] | None = None,
    command: str = "",
) -> Path:
    """Write images, their scores, the course and the page that shows them.

    ``NAME.png`` for each picture, ``values.npz`` with the images as they were found,
    ``course.csv``, ``report.html`` and, last, ``scores.json``.

    Args:
        folder: made if it is not there.
        title: of the page.
        lead: sentences below it.
        remarks: what a reader should know before believing it.
        reference: what differences are from ``[H, W, C]`` in [0, 1].
        pictures: the images that were made.
        origin: what ``reference`` is.
        texts: what is said below a picture, by its name.
        course: rows of the table.
        plots: drawings, as SVG.
        how: how the images were made.
        facts: what ``scores.json`` says besides the pictures.
        arrays: what else ``values.npz`` holds.
        command: how it was asked for.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for made in pictures:
        save_picture(folder / f"{made.name}.png", made.pixels)
    with replacing(folder / "values.npz") as draft, draft.open("wb") as file:
        images = {"reference": reference, **{p.name: p.image for p in pictures}}
        np.savez_compressed(file, allow_pickle=False, **images, **(arrays or {}))
    columns = list(dict.fromkeys(key for row in course for key in row))
    write_rows(folder / "course.csv", columns, course)
    labels = list(pictures[0].scores)
    write_page(
        folder / FILE,
        "synthesis.html.j2",
        title=title,
        command=command,
        lead=lead,
        remarks=remarks,
        pictures=[
            _shown("reference", as_bytes(reference), texts.get("reference", "")),
            *(_shown(p.name, p.pixels, texts.get(p.name, "")) for p in pictures),
        ],
        origin=origin,
        differences=[
            _enlarged(p.name, p.image - reference)
            for p in pictures
            if (p.image != reference).any()
        ],
        columns=_columns(labels),
        rows=[_row(made, labels) for made in pictures],
        plots=plots,
        how=how,
    )
    said = [_facts(made) for made in pictures]
    write_json(folder / "scores.json", {**facts, "images": said}, indent=1)
    return folder / FILE


def course_rows(
    courses: Mapping[str, Ascent], held: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Rows of ``course.csv``, one for each step that was tried.

    Args:
        courses: of each image by name.
        held: the metric that was held, by name of the image.
    """
    rows = []
    for name, course in courses.items():
        for number, score in enumerate(course.scores):
            row = {
                "image": name,
                "step": number,
                "score": float(score),
                "length": float(course.lengths[number]),
                "taken": int(course.taken[number]),
            }
            if held:
                row |= {"held": held[name], "held_score": float(course.held[number])}
            rows.append(row)
    return rows


def plot_lines(
    name: str,
    lines: Mapping[str, Iterable[float]],
    across: str,
    up: str,
    first: int = 0,
) -> str:
    """Draw values step by step, one line each, as SVG.

    Args:
        name: of the drawing, one of its page.
        lines: the values by label.
        across: what the steps are.
        up: what the values are.
        first: number of the first step.
    """
    with style():
        figure, axis = new_axis(5.2, 2.8)
        for number, (label, values) in enumerate(lines.items()):
            dashes = "-" if number % 2 == 0 else "--"
            y = list(values)
            x = range(first, first + len(y))
            axis.plot(x, y, dashes, color=COLOURS[number], label=label)
        axis.set_xlabel(across)
        axis.set_ylabel(up)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, frameon=False)
        return inline_svg(figure, name, f"{up} against {across}.")


def _shown(name: str, pixels: np.ndarray, text: str = "") -> dict[str, str]:
    """A picture without loss: what matters in it is fine."""
    from PIL import Image

    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"address": data_address(file.getvalue(), "png"), "name": name, "text": text}


def _enlarged(name: str, difference: np.ndarray) -> dict[str, str]:
    """A difference around middle grey, as strong as can be shown."""
    gain = 0.5 / (full_colour(difference) or 1.0)
    times = f"{gain:.2g} times as strong"
    return _shown(name, as_bytes(0.5 + gain * difference), times)


def _columns(labels: Sequence[str]) -> list[str]:
    heads = ("PSNR in dB", *labels)
    return ["image", *(c for h in heads for c in (h, f"{h}, 8 bits"))]


def _row(made: Picture, labels: Sequence[str]) -> list[str]:
    scores = (
        f"{value:.6g}"
        for label in labels
        for value in (made.scores[label], made.scores_saved[label])
    )
    return [made.name, _decibels(made.psnr), _decibels(made.psnr_saved), *scores]


def _decibels(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "∞"


def _facts(made: Picture) -> dict[str, Any]:
    return {
        "image": made.name,
        "file": f"{made.name}.png",
        "psnr": made.psnr,
        "psnr_8_bits": made.psnr_saved,
        "scores": dict(made.scores),
        "scores_8_bits": dict(made.scores_saved),
    }

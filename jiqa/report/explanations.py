"""Explanations of single images as files: overlays, arrays, scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jiqa.analysis.explain.explain_score import Explanation
from jiqa.analysis.explain.gradients import harm
from jiqa.analysis.explain.prediction_difference import Relevance
from jiqa.io.atomic import replacing
from jiqa.io.json_files import write_json
from jiqa.report.explanation_page import FILE, write_explanation_page
from jiqa.report.overlays import overlay, save_picture


def write_explanation(
    folder: Path,
    found: Explanation,
    *,
    names: Sequence[str] = (),
    command: str = "",
) -> Path:
    """Write which pixels a score depends on.

    ``report.html``, one page that shows it all; ``gradient.png``, ``integrated.png``
    and, of a metric that has a map, ``map.png``, not smoothed: red where the score was
    worsened, blue where it was bettered; ``values.npz`` with the numbers,
    ``scores.json`` with the scores.

    Args:
        folder: made if it is not there.
        found: of ``jiqa.analysis.explain_score``.
        names: of the images, for the page.
        command: how it was asked for, for the page.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"gradient": found.gradient, "integrated": found.integrated.values}
    for name, values in arrays.items():
        picture = overlay(found.image, harm(values, found.direction))
        save_picture(folder / f"{name}.png", picture)
    if found.map is not None:
        arrays["map"] = found.map
        distance = found.map.max() - found.map if found.map_rises else found.map
        save_picture(folder / "map.png", overlay(found.image, distance))
    with replacing(folder / "values.npz") as draft, draft.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    facts = {
        "metric": found.metric,
        "direction": found.direction,
        "score": found.integrated.score,
        "baseline": found.baseline,
        "baseline_score": found.integrated.baseline_score,
        "steps": found.steps,
        "gap": found.integrated.gap,
        "unexplained": found.integrated.unexplained,
    }
    write_explanation_page(folder / FILE, found, names=names, command=command)
    write_json(folder / "scores.json", facts, indent=1)  # last: it is finished
    return folder / FILE


def write_relevance(
    folder: Path, image: np.ndarray, found: Relevance, names: Sequence[str]
) -> None:
    """Write which parts of an image raise values, and which lower them.

    An overlay for each value, named after it, and ``values.npz``.

    Args:
        folder: made if it is not there.
        image: ``[H, W, C]`` in [0, 1].
        found: of ``jiqa.analysis.prediction_difference``.
        names: of the values ``[K]``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        stem = "".join(c if c.isalnum() else "-" for c in name)
        picture = overlay(image, found.values[..., index])
        save_picture(folder / f"{stem}.png", picture)
    with replacing(folder / "values.npz") as draft, draft.open("wb") as file:
        np.savez_compressed(
            file,
            values=found.values.astype(np.float32),
            of_image=found.of_image,
            names=np.array(names),
        )

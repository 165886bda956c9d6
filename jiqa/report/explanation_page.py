"""The page of one explained score: the images, where the score changes, a legend."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.explain_score import Explanation
from jiqa.analysis.explain.gradients import harm
from jiqa.report.overlays import as_bytes, full_colour, overlay, scale_bar, smoothed
from jiqa.report.page import write_page
from jiqa.report.pictures import data_address, thumbnail

#: The page in the folder of an explanation.
FILE = "report.html"
#: Width of its pictures in pixels.
_WIDTH = 768
#: A larger share of the change that is in no pixel is remarked on.
_REMARKABLE = 0.01

_BASELINES = {
    "reference": "the reference",
    "black": "a black image",
    "grey": "a grey image",
    "blur": "the blurred image",
}


def baseline_words(found: Explanation) -> str:
    """Name the image that the way to the score began from."""
    return _BASELINES.get(found.baseline, found.baseline)


def explained_words(found: Explanation) -> str:
    """Say which share of the change of the score the map explains."""
    ends = found.integrated
    if ends.unexplained is None:
        return "Both scores are equal: there is no change to explain."
    share = _percent(max(0.0, 1 - ends.unexplained))
    return f"The map explains {share} of the change of {ends.change:.6g}."


def remark(found: Explanation) -> str | None:
    """Say what the map leaves out; ``None`` where that is not worth a remark."""
    ends = found.integrated
    if ends.unexplained is None or ends.unexplained < _REMARKABLE:
        return None
    return (
        f"{_percent(ends.unexplained)} of the change is unexplained: the parts of all "
        f"pixels add up to {ends.change + ends.gap:.6g}, not {ends.change:.6g}. More "
        f"steps than {found.steps} (--steps) may help; they do not where the metric "
        "jumps, or holds part of itself constant in its gradient."
    )


def _percent(share: float) -> str:
    text = f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.1f}"
    return f"{text} %"


def write_explanation_page(
    path: Path,
    found: Explanation,
    *,
    names: Sequence[str] = (),
    command: str = "",
) -> None:
    """Write one self-contained page.

    It has both images, the smoothed map of what changed the score over the image, how
    strongly the score reacts to each pixel, and the metric's own map, if it has one;
    each with its legend, and the share of the change that the map explains.

    Args:
        path: file to write.
        found: of ``jiqa.analysis.explain_score``.
        names: of the images in the order that the metric takes them; by default what
            they are.
        command: how it was asked for, shown as it is.
    """
    values, sigma = smoothed(harm(found.integrated.values, found.direction))
    shown = names[-1] if names else "image"
    pictures = [
        *_images(found, names),
        _signed(found.image, values),
        *_sensitivity(found),
        *_own_map(found),
    ]
    write_page(
        path,
        "explanation.html.j2",
        title=f"{found.metric} of {shown}",
        command=command,
        score=f"{found.integrated.score:.6g}",
        baseline_score=f"{found.integrated.baseline_score:.6g}",
        baseline=baseline_words(found),
        better=found.direction,
        explained=explained_words(found),
        remark=remark(found),
        pictures=pictures,
        steps=found.steps,
        sigma=f"{sigma:.2g}",
    )


def _images(found: Explanation, names: Sequence[str]) -> list[dict[str, Any]]:
    """The reference, or else what the way began from; then the image."""
    first = found.reference
    if first is None:
        words = baseline_words(found)
        other = _picture(found.integrated.baseline, f"baseline, {words}")
    else:
        other = _picture(first, "reference", names[0] if names else "")
    kind = "image" if first is None else "distorted"
    return [other, _picture(found.image, kind, names[-1] if names else "")]


def _picture(pixels: np.ndarray, name: str, text: str = "") -> dict[str, Any]:
    address = thumbnail(as_bytes(pixels), _WIDTH)
    return {"address": address, "name": name, "text": text, "bar": "", "ends": ()}


def _signed(image: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    limit = full_colour(values)
    drawn = _picture(
        overlay(image, values),
        "where the score changes",
        "red parts made the score worse, blue parts better; change of the score per "
        "pixel",
    )
    ends = f"better by {limit:.2g}", "0", f"worse by {limit:.2g}"
    return {**drawn, "bar": _bar(scale_bar()), "ends": ends}


def _sensitivity(found: Explanation) -> list[dict[str, Any]]:
    """The length of the gradient; its sign changes from pixel to pixel."""
    length = np.sqrt(np.square(found.gradient.astype(np.float64)).sum(-1))
    text = (
        "how strongly the score reacts to a small change of each pixel, in either "
        "direction"
    )
    return [_rising(found.image, smoothed(length)[0], "sensitivity", text)]


def _own_map(found: Explanation) -> list[dict[str, Any]]:
    if found.map is None:
        return []
    distance = found.map.max() - found.map if found.map_rises else found.map
    text = "the metric's own values, red where the images differ; not smoothed"
    return [_rising(found.image, distance, f"map of {found.metric}", text)]


def _rising(
    image: np.ndarray, values: np.ndarray, name: str, text: str
) -> dict[str, Any]:
    limit = full_colour(values)
    bar = scale_bar()
    ends = "0", f"{limit / 2:.2g}", f"{limit:.2g}"
    drawn = _picture(overlay(image, values), name, text)
    return {**drawn, "bar": _bar(bar[:, bar.shape[1] // 2 :]), "ends": ends}


def _bar(pixels: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return data_address(file.getvalue(), "png")

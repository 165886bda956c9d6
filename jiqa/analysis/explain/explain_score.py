"""Explanation of a metric's score by the image's pixels, by name of the metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.gradients import Attribution, Explainer
from jiqa.checks import expected
from jiqa.io.decode import read_image
from jiqa.progress import Progress, compiling, silent
from jiqa.registry import bound_metric, load


@dataclass(frozen=True)
class Explanation:
    """The pixels that a score depends on.

    Attributes:
        metric: its label, with options that are not the default.
        direction: whether ``"higher"`` or ``"lower"`` scores are better.
        image: the image that was scored ``[H, W, C]``.
        reference: what it was compared with ``[H, W, C]``; ``None`` of metrics that
            need none.
        gradient: what a small change of each sample would do ``[H, W, C]``.
        integrated: what each sample did on the way from the baseline, with the scores.
        baseline: the image where that way began, by name.
        steps: on the way.
        map: the metric's map ``[h, w]``; ``None`` of metrics that have none.
        map_rises: whether larger values of the map are better.
    """

    metric: str
    direction: str
    image: np.ndarray
    gradient: np.ndarray
    integrated: Attribution
    baseline: str
    steps: int
    map: np.ndarray | None = None
    map_rises: bool = True
    reference: np.ndarray | None = None


def explain_score(
    metric: str,
    *images: Any,
    options: Mapping[str, Any] | None = None,
    baseline: str | None = None,
    steps: int = 32,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    progress: Progress = silent,
) -> Explanation:
    """Explain a metric's score of an image by the image's pixels.

    Args:
        metric: a name that ``jiqa.load`` takes.
        images: ``(reference, distorted)``, or ``(image,)`` for a no-reference metric;
            files, or arrays ``[H, W, C]`` of uint8, uint16 or floats in [0, 1]. A grey
            image beside one in colour counts as three equal channels.
        options: of the metric.
        baseline: where integrated gradients begin: ``"reference"`` (the default of
            metrics that have one), ``"black"``, ``"grey"`` or ``"blur"``.
        steps: points on the way from there.
        weights_folder: where to look first for learned weights.
        background: grey level in [0, 1] behind transparent pixels of files.
        progress: see ``jiqa.progress``.

    Raises:
        ValueError: an unknown metric or option, images that the metric does not take,
            or a baseline whose score is not finite.
        FileNotFoundError: weights that are nowhere.

    Example:
        >>> import numpy as np
        >>> from jiqa import analysis
        >>> clean = np.full((32, 32, 3), 0.5)
        >>> noisy = clean + np.random.default_rng(0).normal(0, 0.05, clean.shape)
        >>> found = analysis.explain_score("mse", clean, noisy, steps=1)
        >>> found.gradient.shape, found.integrated.baseline_score
        ((32, 32, 3), 0.0)
    """
    pixels = [
        read_image(x, background=background) if isinstance(x, str | Path) else x
        for x in images
    ]
    pixels = [np.asarray(x) for x in pixels]
    channels = max((x.shape[-1] for x in pixels if x.ndim), default=1)
    pixels = [np.repeat(x, channels // x.shape[-1], axis=-1) for x in pixels]
    given = {"weights_folder": weights_folder, **(options or {})}
    loaded = load(metric, **given)
    takes = 2 if loaded.info.kind == "full-reference" else 1
    if len(pixels) != takes:
        raise ValueError(expected(metric, f"{takes} images", str(len(pixels))))
    explainer = Explainer(loaded)
    with progress("explaining", steps) as advance:
        with compiling(advance)(1, 1):
            slope = explainer.gradient(*pixels)
        found = explainer.integrated(
            *pixels, baseline=baseline, steps=steps, on_step=lambda done: advance()
        )
    values = None
    if loaded.info.maps:
        values = np.asarray(load(metric, output="map", **given)(*pixels))
    return Explanation(
        metric=bound_metric(metric, options).label,
        direction=loaded.info.direction,
        image=pixels[-1],
        gradient=slope,
        integrated=found,
        baseline=baseline or ("reference" if takes > 1 else "blur"),
        steps=steps,
        map=values,
        map_rises=loaded.info.maps != "difference",
        reference=pixels[0] if takes > 1 else None,
    )

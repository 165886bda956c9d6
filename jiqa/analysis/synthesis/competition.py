"""Maximum differentiation: two metrics compete by images that one of them scores alike.

From a distorted image, one metric is held at its score while the other one is driven
up, and down; then the other way round. Whichever pair of images looks more different
belongs to the metric that was wrong to score both alike.

Z. Wang and E. P. Simoncelli, "Maximum differentiation (MAD) competition: a methodology
for comparing computational models of perceptual quantities", Journal of Vision 8(12):8,
2008: the gradient of the one score without its part along that of the other, then a
step along the latter that restores its score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.synthesis.ascent import Ascent, Climber
from jiqa.analysis.synthesis.constraints import Level
from jiqa.analysis.synthesis.scores import (
    AnyMetric,
    Picture,
    Scorer,
    picture,
    read_images,
    scorer,
    squared_distance,
)
from jiqa.analysis.synthesis.start import check_positive, psnr_asked, starting_point
from jiqa.checks import expected
from jiqa.progress import Progress, silent


@dataclass(frozen=True)
class Competition:
    """The images of a competition.

    Attributes:
        metrics: the labels of both.
        directions: of each by label, whether ``"higher"`` or ``"lower"`` is better.
        reference: ``[H, W, C]``.
        start: the image that they started from.
        found: four images: best and worst for the second metric while the first is
            held, then best and worst for the first while the second is.
        moved: by name of the image, the label of the metric that was driven.
        held: by name of the image, the label of the metric that was held.
        courses: by name of the image; ``held`` in them is the score that was held.
    """

    metrics: tuple[str, str]
    directions: Mapping[str, str]
    reference: np.ndarray
    start: Picture
    found: tuple[Picture, ...]
    moved: Mapping[str, str]
    held: Mapping[str, str]
    courses: Mapping[str, Ascent]


def compete(
    first: AnyMetric,
    second: AnyMetric,
    *images: Any,
    psnr: float | None = None,
    steps: int = 100,
    rate: float = 0.1,
    tolerance: float = 1e-3,
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    progress: Progress = silent,
) -> Competition:
    """Let two metrics compete.

    Args:
        first: a name that ``jiqa.load`` takes, or a differentiable metric.
        second: another one. A no-reference metric scores the image alone.
        images: the reference, and the distorted image to start from (by default the
            reference with noise, as the authors have it); files, or arrays ``[H, W,
            C]`` of uint8, uint16 or floats in [0, 1].
        psnr: of the start in dB; by default that of the distorted image, or 30.
        steps: for each of the four images.
        rate: length of the first step, in parts of the start's distance from the
            reference; later ones adapt.
        tolerance: by how much the score that is held may be off, in parts of its
            difference from the reference's own score. A smaller one than 1e-3 asks for
            more than float32 has in metrics such as SSIM near 1.
        seed: of the noise.
        options: of the metrics that are given by name, by that name.
        weights_folder: where to look first for learned weights.
        background: grey level in [0, 1] behind transparent pixels of files.
        progress: see ``jiqa.progress``.

    Raises:
        ValueError: an unknown metric or option, one that is not differentiable, twice
            the same, images that they do not take, or a PSNR that they cannot have.
        FileNotFoundError: weights that are nowhere.

    Example:
        >>> import numpy as np
        >>> from jiqa import analysis
        >>> image = np.random.default_rng(0).uniform(0.2, 0.8, (32, 32, 1))
        >>> found = analysis.compete("mse", "ssim", image, steps=3)
        >>> [picture.name for picture in found.found]
        ['best-ssim', 'worst-ssim', 'best-mse', 'worst-mse']
    """
    check_positive(steps=steps, rate=rate, tolerance=tolerance)
    judges = [
        scorer(
            m, (options or {}).get(m) if isinstance(m, str) else None, weights_folder
        )
        for m in (first, second)
    ]
    labels = judges[0].label, judges[1].label
    if labels[0] == labels[1]:
        raise ValueError(expected("second", "another metric", labels[1]))
    if not 1 <= len(images) <= 2:
        wanted = "a reference, or a reference and a distorted image"
        raise ValueError(expected("images", wanted, f"{len(images)}"))
    reference, *distorted = read_images(images, background)
    wanted_psnr = psnr_asked(psnr, reference, *distorted)
    squared = squared_distance(reference.shape, wanted_psnr)
    start = starting_point(reference, squared, seed, *distorted)
    levels = [_level(judge, start, reference, tolerance) for judge in judges]
    found, courses, moved, held = [], {}, {}, {}
    with progress("competing", 4 * steps) as advance:
        for keeps, drives in ((0, 1), (1, 0)):
            climber = _climber(judges[keeps], judges[drives])
            for goal in ("best", "worst"):
                name = f"{goal}-{_file_name(labels[drives])}"
                course = climber.climb(
                    start,
                    reference,
                    *levels[keeps],
                    rises=judges[drives].rises(goal),
                    steps=steps,
                    rate=rate,
                    unit=squared**0.5,
                    on_step=lambda done: advance(),
                )
                found.append(picture(name, course.image, reference, *judges))
                courses[name] = course
                moved[name], held[name] = labels[drives], labels[keeps]
    return Competition(
        metrics=labels,
        directions={j.label: j.info.direction for j in judges},
        reference=np.asarray(reference),
        start=picture("start", start, reference, *judges),
        found=tuple(found),
        moved=moved,
        held=held,
        courses=courses,
    )


def _level(
    judge: Scorer, start: Array, reference: Array, tolerance: float
) -> tuple[Array, Array]:
    """The score to hold, and by how much it may be off."""
    level = judge.check(start, reference)
    change = abs(level - judge.check(reference, reference))
    scale = change if np.isfinite(change) and change > 0 else abs(level)
    return (
        jnp.asarray(level, reference.dtype),
        jnp.asarray(tolerance * scale, reference.dtype),
    )


def _climber(kept: Scorer, driven: Scorer) -> Climber:
    return Climber(
        lambda image, reference, level, off: driven.score(image, reference),
        lambda reference, level, off: Level(
            lambda image: kept.score(image, reference), level, off
        ),
    )


def _file_name(label: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else "-" for c in label).strip("-")

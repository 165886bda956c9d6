"""Attack on a metric: the images that it scores best and worst at one PSNR.

With a reference, the image moves on the sphere of images that are as far from the
reference, in mean square, as the one that it starts from, after Z. Wang and E. P.
Simoncelli, "Stimulus synthesis for efficient evaluation and refinement of perceptual
image quality metrics", Human Vision and Electronic Imaging IX, 2004. Without one, it
moves within a ball around itself. A metric that people can rely on gives the two images
scores that differ as far as the images do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jiqa.analysis.synthesis.ascent import Ascent, Climber
from jiqa.analysis.synthesis.constraints import Distance
from jiqa.analysis.synthesis.scores import (
    AnyMetric,
    Picture,
    picture,
    read_images,
    scorer,
    squared_distance,
)
from jiqa.analysis.synthesis.start import check_positive, psnr_asked, starting_point
from jiqa.checks import expected, one_of
from jiqa.progress import Progress, silent


@dataclass(frozen=True)
class Attack:
    """What an attack on a metric has found.

    Attributes:
        metric: its label, with options that are not the default.
        direction: whether ``"higher"`` or ``"lower"`` scores are better.
        reference: what the PSNR is measured from ``[H, W, C]``.
        psnr: of the images in dB; of a no-reference metric, the lowest one.
        start: where it began.
        found: the images ``"best"`` and ``"worst"``, as far as asked for.
        courses: of each of them by name.
    """

    metric: str
    direction: str
    reference: np.ndarray
    psnr: float
    start: Picture
    found: tuple[Picture, ...]
    courses: Mapping[str, Ascent]


def attack(
    metric: AnyMetric,
    *images: Any,
    psnr: float | None = None,
    direction: str = "both",
    steps: int = 100,
    rate: float = 0.1,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    progress: Progress = silent,
) -> Attack:
    """Find the images that a metric scores best and worst at one PSNR.

    Args:
        metric: a name that ``jiqa.load`` takes, or a differentiable metric.
        images: the image that the PSNR is measured from, and for a full-reference
            metric the distorted image that the attack starts from (by default it starts
            from the image with noise); files, or arrays ``[H, W, C]`` of uint8, uint16
            or floats in [0, 1].
        psnr: in dB. A full-reference metric's images have it, and a distorted image is
            first moved along its difference from the reference until it does; by
            default its own, or 30. A no-reference metric's have it at least.
        direction: ``"best"``, ``"worst"`` or ``"both"``.
        steps: gradients of the score for each image. 100 bring the scores of SSIM and
            its like within a thousandth of where they end.
        rate: length of the first step, in parts of the distance that the PSNR stands
            for; later ones adapt. Another value matters little.
        seed: of the noise.
        options: of the metric, if it is given by name.
        weights_folder: where to look first for learned weights.
        background: grey level in [0, 1] behind transparent pixels of files.
        progress: see ``jiqa.progress``.

    Raises:
        ValueError: an unknown metric or option, one that is not differentiable, images
            that it does not take, or a PSNR that they cannot have.
        FileNotFoundError: weights that are nowhere.

    Example:
        >>> import numpy as np
        >>> from jiqa import analysis
        >>> image = np.random.default_rng(0).uniform(0.2, 0.8, (32, 32, 1))
        >>> found = analysis.attack("ssim", image, psnr=30, steps=5)
        >>> best, worst = found.found
        >>> best.scores["ssim"] > found.start.scores["ssim"] > worst.scores["ssim"]
        True
    """
    one_of("direction", direction, "best", "worst", "both")
    check_positive(steps=steps, rate=rate)
    judge = scorer(metric, options, weights_folder)
    most = 2 if judge.needs_reference else 1
    if not 1 <= len(images) <= most:
        wanted = "an image, or a reference and a distorted image"
        wanted = wanted if most == 2 else "one image"
        raise ValueError(expected("images", wanted, f"{len(images)}"))
    reference, *distorted = read_images(images, background)
    judge.check(reference, reference)
    wanted_psnr = psnr_asked(psnr, reference, *distorted)
    squared = squared_distance(reference.shape, wanted_psnr)
    if judge.needs_reference:
        start = starting_point(reference, squared, seed, *distorted)
    else:
        start = reference
    judge.check(start, reference)
    climber = Climber(
        lambda image, reference, _: judge.score(image, reference),
        lambda reference, squared: Distance(
            reference, squared, within=not judge.needs_reference
        ),
    )
    goals = ("best", "worst") if direction == "both" else (direction,)
    courses, found = {}, []
    with progress("attacking", len(goals) * steps) as advance:
        for goal in goals:
            course = climber.climb(
                start,
                reference,
                jnp.asarray(squared, reference.dtype),
                rises=judge.rises(goal),
                steps=steps,
                rate=rate,
                unit=squared**0.5,
                on_step=lambda done: advance(),
            )
            courses[goal] = course
            found.append(picture(goal, course.image, reference, judge))
    return Attack(
        metric=judge.label,
        direction=judge.info.direction,
        reference=np.asarray(reference),
        psnr=wanted_psnr,
        start=picture("start", start, reference, judge),
        found=tuple(found),
        courses=courses,
    )

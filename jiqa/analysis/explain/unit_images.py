"""Images as the explanations take them, and samplers learned from images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.explain.patch_samplers import (
    ConditionalSampler,
    MarginalSampler,
    PatchSampler,
)
from jiqa.checks import one_of
from jiqa.io.decode import read_image
from jiqa.scoring.jobs import expand

#: An image that ships with jiqa.
_SAMPLE = Path(__file__).parents[2] / "sample" / "reference.png"


def read_unit(path: Any, background: float = 1.0) -> np.ndarray:
    """Read an image as float32 ``[H, W, 3]`` in [0, 1].

    Args:
        path: a file, or an image of a prepared data set.
        background: grey level in [0, 1] behind transparent pixels.

    Raises:
        ValueError: a file that is no image.
    """
    pixels = read_image(path, background=background)
    unit = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    return np.repeat(unit, 3 // unit.shape[-1], axis=-1)


def patch_sampler(
    image: np.ndarray,
    patches_from: Sequence[str] = (),
    *,
    kind: str = "conditional",
    window: int = 10,
    padding: int = 2,
    patches: int = 20000,
    seed: int = 0,
) -> PatchSampler:
    """Make what replaces the windows of an image, learned from images.

    Args:
        image: ``[H, W, 3]`` in [0, 1], the image that is explained.
        patches_from: files or folders to learn from; by default the image itself and a
            photograph that ships with jiqa.
        kind: ``"conditional"``, contents that fit their surroundings; or
            ``"marginal"``, any.
        window: side in pixels.
        padding: pixels around the window that ``"conditional"`` looks at.
        patches: how many it learns from.
        seed: of the positions of these patches.

    Raises:
        ValueError: an unknown kind, no image, or images that are too small.

    Example:
        >>> import numpy as np
        >>> from jiqa import analysis
        >>> image = np.zeros((64, 64, 3), np.float32)
        >>> analysis.patch_sampler(image, kind="marginal", window=8).window
        8
    """
    one_of("kind", kind, "conditional", "marginal")
    if patches_from:
        images = [read_unit(path) for path, _ in expand(patches_from)]
    else:
        images = [image, read_unit(_SAMPLE)]
    if kind == "marginal":
        return MarginalSampler(images, window)
    return ConditionalSampler(
        images, window, padding=padding, patches=patches, seed=seed
    )

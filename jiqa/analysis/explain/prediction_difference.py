"""Prediction difference: which parts of an image raise a value, and which lower it.

Window after window of the image is replaced by samples of what else could stand there;
a window matters as far as the value then falls. After L. M. Zintgraf, T. S. Cohen,
T. Adel and M. Welling, "Visualizing deep neural network decisions: prediction
difference analysis", ICLR 2017, arXiv:1702.04595, eqs. 1 to 5.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.explain.patch_samplers import PatchSampler
from jiqa.analysis.explain.targets import Target
from jiqa.checks import expected, one_of


@dataclass(frozen=True)
class Relevance:
    """The relevance of pixels.

    Attributes:
        values: ``[H, W, K]``, for each pixel the mean over the windows that it lies in;
            positive where the image speaks for the value.
        of_image: the values of the image itself ``[K]``.
        windows: how many windows were replaced.
    """

    values: np.ndarray
    of_image: np.ndarray
    windows: int


def prediction_difference(
    target: Target,
    image: Any,
    sampler: PatchSampler,
    *,
    stride: int = 1,
    samples: int = 10,
    compare: str = "difference",
    classes: int = 1000,
    examples: int = 100_000,
    batch: int = 40,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Relevance:
    """Compute the relevance of every pixel for every value of a target.

    Args:
        target: see ``jiqa.analysis.explain.targets``.
        image: ``[H, W, C]`` in [0, 1].
        sampler: a ``ConditionalSampler`` or ``MarginalSampler``, which has the window.
        stride: pixels from one window to the next (the authors': 1); the last ones lie
            at the border.
        samples: contents tried for each window (theirs: 10).
        compare: ``"difference"``, the value less the mean of the samples' values; or
            ``"log_odds"``, for probabilities, the difference of the logarithms to base
            2 of their odds.
        classes: of the classifier, for ``"log_odds"``: its probabilities p become
            (p ``examples`` + 1) / (``examples`` + ``classes``), never 0 or 1.
        examples: see ``classes``; the default is the authors' for ImageNet.
        batch: images in one call of the target, about.
        seed: of the samples; those of one window depend on nothing else.
        on_progress: called after each batch with the windows done, and of how many.

    Raises:
        ValueError: an image smaller than a window, or an unknown option.
    """
    one_of("compare", compare, "difference", "log_odds")
    image = np.asarray(image)
    _check(image.shape, sampler.window, stride)
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            expected("image", "floating point in [0, 1]", f"dtype {image.dtype}")
        )
    image = image.astype(np.float32)
    side = sampler.window
    places = [
        (r, c)
        for r in _starts(image.shape[0], side, stride)
        for c in _starts(image.shape[1], side, stride)
    ]
    unchanged = np.asarray(target(image[None]), np.float64)[0]
    score = functools.partial(_odds, classes=classes, examples=examples)
    whole = score(unchanged) if compare == "log_odds" else unchanged
    total = np.zeros((*image.shape[:2], len(unchanged)))
    count = np.zeros((*image.shape[:2], 1))
    size = max(1, min(batch // samples, len(places)))
    for start in range(0, len(places), size):
        numbers = list(range(start, min(start + size, len(places))))
        filled = [*numbers, *[numbers[0]] * (size - len(numbers))]
        contents = np.stack(
            [
                sampler.sample(
                    image, *places[n], samples, np.random.default_rng((seed, n))
                )
                for n in filled
            ]
        )
        corners = np.array([places[n] for n in filled], np.int32)
        found = target(_replaced(image, contents, corners))
        means = np.asarray(found, np.float64).reshape(size, samples, -1).mean(1)
        left = score(means) if compare == "log_odds" else means
        for n, value in zip(numbers, whole - left, strict=False):
            row, column = places[n]
            total[row : row + side, column : column + side] += value
            count[row : row + side, column : column + side] += 1
        if on_progress is not None:
            on_progress(numbers[-1] + 1, len(places))
    return Relevance(total / np.maximum(count, 1), unchanged, len(places))


def window_count(shape: Sequence[int], window: int, stride: int) -> int:
    """Count the windows that ``prediction_difference`` replaces.

    Args:
        shape: of the image, ``[H, W, C]``.
        window: side in pixels.
        stride: pixels from one window to the next.

    Raises:
        ValueError: an image smaller than a window, or a stride below 1.
    """
    _check(shape, window, stride)
    rows, columns = (len(_starts(size, window, stride)) for size in shape[:2])
    return rows * columns


def _check(shape: Sequence[int], window: int, stride: int) -> None:
    if len(shape) != 3 or min(shape[:2]) < window or stride < 1:
        raise ValueError(
            expected(
                "image, window, stride",
                "an image [H, W, C] no smaller than the window, a stride of 1 or more",
                f"shape {tuple(shape)}, {window} and {stride}",
            )
        )


def _starts(size: int, side: int, stride: int) -> list[int]:
    """Return where windows begin; the last ends at the border."""
    found = list(range(0, size - side + 1, stride))
    return found if found[-1] == size - side else [*found, size - side]


@jax.jit
def _replaced(image: Array, contents: Array, corners: Array) -> Array:
    """The image with each of ``contents [N, S, k, k, C]`` put in: [N S, H, W, C]."""

    def one(patch: Array, corner: Array) -> Array:
        start = (corner[0], corner[1], jnp.zeros_like(corner[0]))
        return jax.lax.dynamic_update_slice(image, patch, start)

    found = jax.vmap(jax.vmap(one, (0, None)))(contents, corners)
    return found.reshape(-1, *image.shape)


def _odds(p: np.ndarray, *, classes: int, examples: int) -> np.ndarray:
    corrected = (p * examples + 1) / (examples + classes)
    return np.log2(corrected / (1 - corrected))

"""Which pixels a score depends on: gradients and integrated gradients of any metric.

The gradient says what a small change of a pixel would do. Integrated gradients say what
each pixel has done: along the straight line from a baseline to the image, here by
default from the reference to the distorted image, each sample's part of the change of
the score. The parts add up to the whole change.

M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
2017, arXiv:1703.01365, eq. 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from jiqa.checks import expected, one_of
from jiqa.core.images import as_image, to_float
from jiqa.core.loaded import Loaded

BASELINES = ("reference", "black", "grey", "blur")
#: Of the Gaussian of the baseline ``"blur"``, in parts of the shorter side.
_BLUR = 0.05


@dataclass(frozen=True)
class Attribution:
    """The part of each sample in the change of a score.

    Attributes:
        values: ``[H, W, C]``; positive where the sample raised the score.
        score: of the image.
        baseline_score: of the baseline.
        baseline: the image that the way began from, ``[H, W, C]`` in [0, 1].
    """

    values: np.ndarray
    score: float
    baseline_score: float
    baseline: np.ndarray

    @property
    def change(self) -> float:
        """What the parts should add up to."""
        return self.score - self.baseline_score

    @property
    def gap(self) -> float:
        """By how much they miss it: the error of the sum that stands for an integral.

        It falls with ``steps``; but not where a metric holds part of itself constant in
        its gradient, as ``cnn_iqm`` does with a dynamic range that the maps give.
        """
        return float(self.values.sum(dtype=np.float64)) - self.change

    @property
    def unexplained(self) -> float | None:
        """The share of the change that the parts miss; ``None`` of no change.

        0 where they add up to the change, above 1 where they say nothing of it.
        """
        return abs(self.gap / self.change) if self.change else None


class Explainer:
    """Explains a metric's scores; compiled once for each shape.

    The image that is explained is the distorted one, or a no-reference metric's only
    one. Scores must be single numbers: load the metric with ``output="score"``.
    """

    def __init__(self, metric: Loaded) -> None:
        """Take a metric of ``jiqa.load``, one only."""
        if isinstance(metric.info, dict):
            raise TypeError(expected("metric", "a single metric", repr(metric)))
        self._metric = metric
        self._gradient = jax.jit(jax.value_and_grad(self._score))

    def gradient(self, *images: Any) -> np.ndarray:
        """The score's derivative in every sample of the image, ``[H, W, C]``.

        Args:
            images: ``(reference, distorted)`` or ``(image,)``, each ``[H, W, C]``.
        """
        image, others = self._checked(images)
        return np.asarray(self._gradient(image, *others)[1])

    def integrated(
        self,
        *images: Any,
        baseline: Any = None,
        steps: int = 32,
        on_step: Callable[[int], None] | None = None,
    ) -> Attribution:
        """Integrated gradients of the score.

        Args:
            images: ``(reference, distorted)`` or ``(image,)``, each ``[H, W, C]``.
            baseline: where the line begins: an image of the same shape; or
                ``"reference"`` (the default of metrics that have one), ``"black"``,
                ``"grey"``, or ``"blur"`` (the image itself, blurred with a deviation
                of a twentieth of its shorter side; the default without reference).
            steps: points of Gauss and Legendre on the line. Scores with kinks, such as
                networks have, need more for the same ``gap``.
            on_step: called after each of them with how many are done.

        Raises:
            ValueError: a baseline whose score is not finite (PSNR of two identical
                images, for example), or wrong images.
        """
        image, others = self._checked(images)
        start = _baseline(baseline, image, others)
        ends = [float(self._gradient(x, *others)[0]) for x in (start, image)]
        if not np.isfinite(ends).all():
            used = ("reference" if others else "blur") if baseline is None else baseline
            free = BASELINES if others else BASELINES[1:]
            left = [x for x in free if not isinstance(used, str) or x != used]
            raise ValueError(
                expected(
                    self._metric.info.name,
                    "finite scores of the baseline and the image",
                    f"{ends[0]} and {ends[1]}",
                    f"choose another baseline of {', '.join(left)}",
                )
            )
        points, weights = np.polynomial.legendre.leggauss(steps)
        # Point by point, in the program that gave the ends: no second compilation.
        mean = np.zeros(image.shape, image.dtype)
        for done, (point, weight) in enumerate(zip(points, weights, strict=True), 1):
            at = start + jnp.asarray((point + 1) / 2, image.dtype) * (image - start)
            slope = np.asarray(self._gradient(at, *others)[1])
            mean += (weight / 2).astype(image.dtype) * slope
            if on_step is not None:
                on_step(done)
        values = np.asarray(image - start) * mean
        return Attribution(values, ends[1], ends[0], np.asarray(start))

    def _checked(self, images: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        ready = [to_float(as_image(x, "images")) for x in images]
        if any(x.ndim != 3 for x in ready):
            shapes = ", ".join(str(tuple(x.shape)) for x in ready)
            raise ValueError(expected("images", "single images [H, W, C]", f"{shapes}"))
        self._metric(*ready)  # refuses what the metric refuses
        return ready[-1], ready[:-1]

    def _score(self, image: Any, *others: Any) -> Any:
        return self._metric(*others, image)


def _baseline(baseline: Any, image: Any, others: list[Any]) -> Any:
    if baseline is None:
        baseline = "reference" if others else "blur"
    if not isinstance(baseline, str):
        start = to_float(as_image(baseline, "baseline"))
        if start.shape != image.shape:
            wanted = f"the shape of the image, {tuple(image.shape)}"
            raise ValueError(expected("baseline", wanted, f"{tuple(start.shape)}"))
        return start.astype(image.dtype)
    one_of("baseline", baseline, *BASELINES)
    if baseline == "reference":
        if not others:
            raise ValueError('baseline="reference" needs a metric with a reference')
        return others[0].astype(image.dtype)
    if baseline == "blur":
        sigma = _BLUR * min(image.shape[:2])
        blurred = gaussian_filter(np.asarray(image), (sigma, sigma, 0), mode="nearest")
        return jnp.asarray(blurred, image.dtype)
    return jnp.full_like(image, 0.0 if baseline == "black" else 0.5)


def harm(values: np.ndarray, direction: str) -> np.ndarray:
    """Sum attributions ``[H, W, C]`` to the harm done at each pixel ``[H, W]``.

    Args:
        values: parts in a change of the score.
        direction: of the metric, ``"higher"`` or ``"lower"`` is better.
    """
    total = values.sum(-1)
    return -total if direction == "higher" else total

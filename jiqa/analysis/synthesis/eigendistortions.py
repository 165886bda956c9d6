"""Eigendistortions: what a metric notices most, and what it notices least.

About an image, a metric is a quadratic form of the distortion: half of its second
derivative. The eigenvectors of the largest and the smallest eigenvalue are the
distortions of one strength that the metric says are most and least noticeable. For a
squared distance of features it is the form that A. Berardino, J. Balle, V. Laparra and
E. P. Simoncelli, "Eigen-distortions of hierarchical representations", NIPS 2017, take
from Fisher's information: J^T J of their Jacobian J.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.synthesis.constraints import at_distance
from jiqa.analysis.synthesis.lanczos import Extremes, extremes
from jiqa.analysis.synthesis.scores import (
    AnyMetric,
    Picture,
    Scorer,
    picture,
    read_images,
    scorer,
    squared_distance,
)
from jiqa.analysis.synthesis.start import check_positive, psnr_asked
from jiqa.checks import expected
from jiqa.progress import Progress, silent

#: Root mean square of the distortion that tells a power of the score: a quarter of a
#: step of 8 bits; and how far the power may be below 2.
_SMALL, _POWER = 1e-3, 0.3


@dataclass(frozen=True)
class Eigendistortions:
    """The distortions that a metric notices most and least.

    Attributes:
        metric: its label, with options that are not the default.
        direction: whether ``"higher"`` or ``"lower"`` scores are better.
        reference: the image ``[H, W, C]``.
        identity: the score of two such images.
        psnr: of ``found``, in dB.
        values: the largest and the smallest eigenvalue; a distortion d along its
            eigenvector makes the score worse by half of it times the square of d.
        residuals: how far both are from eigenvectors: the length of H v - value v.
        vectors: of length 1, ``[2, H, W, C]``.
        found: the image with the distortion ``"most"`` and ``"least"`` noticed.
        predicted: by name, the scores that the eigenvalues predict.
        course: largest and smallest eigenvalue step by step ``[steps, 2]``.
        agreement: of one small random distortion, the change of the score that the
            second derivative predicts, in parts of the real one; ``None`` if that is
            below what the score resolves.
    """

    metric: str
    direction: str
    reference: np.ndarray
    identity: float
    psnr: float
    values: tuple[float, float]
    residuals: tuple[float, float]
    vectors: np.ndarray
    found: tuple[Picture, ...]
    predicted: Mapping[str, float]
    course: np.ndarray
    agreement: float | None


def eigendistortions(
    metric: AnyMetric,
    image: Any,
    *,
    psnr: float = 40.0,
    steps: int = 100,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    weights_folder: Path | str | None = None,
    background: float = 1.0,
    progress: Progress = silent,
) -> Eigendistortions:
    """Find the distortions of an image that a metric notices most and least.

    Args:
        metric: a full-reference metric whose score has a second derivative where both
            images are equal, as ``mse``, ``ssim`` and ``lpips`` have; by a name that
            ``jiqa.load`` takes, or itself.
        image: a file, or an array ``[H, W, C]`` of uint8, uint16 or floats in [0, 1].
        psnr: in dB, of the distorted images that are made. Eigenvalues are of weak
            distortions; below 40 dB most scores have long ceased to be quadratic.
        steps: products with the second derivative; each costs about two gradients, and
            memory for one image. The largest eigenvalue needs few, the smallest one
            many: ``residuals`` says how far they are.
        seed: of the vector to begin with.
        options: of the metric, if it is given by name.
        weights_folder: where to look first for learned weights.
        background: grey level in [0, 1] behind transparent pixels of a file.
        progress: see ``jiqa.progress``.

    Raises:
        ValueError: an unknown metric or option, one without reference, or one whose
            second derivative at equal images is not finite or 0, or that is a root.
        FileNotFoundError: weights that are nowhere.

    Example:
        >>> import numpy as np
        >>> from jiqa import analysis
        >>> image = np.random.default_rng(0).uniform(0.2, 0.8, (16, 16, 1))
        >>> found = analysis.eigendistortions("mse", image, steps=3)
        >>> [round(256 * value, 3) for value in found.values]  # 2 / 256 everywhere
        [2.0, 2.0]
    """
    check_positive(steps=steps)
    judge = scorer(metric, options, weights_folder)
    if not judge.needs_reference:
        raise ValueError(
            expected(judge.label, "a metric with a reference", "one without")
        )
    (reference,) = read_images((image,), background)
    squared = squared_distance(reference.shape, psnr_asked(psnr, reference))
    identity = judge.check(reference, reference)
    sign = 1.0 if judge.info.direction == "lower" else -1.0
    product = jax.jit(lambda vector, at: _product(judge, sign, vector, at))
    rng = np.random.default_rng(seed)
    start = rng.normal(size=reference.shape).astype(reference.dtype)
    agreement = _check(judge, sign, product, start, reference)
    with progress("multiplying", steps) as advance:
        ends = extremes(
            lambda v: np.asarray(product(v.reshape(start.shape), reference)).ravel(),
            start.ravel(),
            steps=steps,
            on_step=lambda done: advance(),
        )
        for _ in range(steps - len(ends.course)):
            advance()
    vectors = ends.vectors.reshape(2, *reference.shape)
    found = tuple(
        picture(name, _distorted(judge, vector, reference, squared), reference, judge)
        for name, vector in zip(("most", "least"), vectors, strict=True)
    )
    return Eigendistortions(
        metric=judge.label,
        direction=judge.info.direction,
        reference=np.asarray(reference),
        identity=identity,
        psnr=psnr,
        values=ends.values,
        residuals=ends.residuals,
        vectors=vectors,
        found=found,
        predicted=_predicted(found, ends, identity, sign, squared),
        course=ends.course,
        agreement=agreement,
    )


def _predicted(
    found: tuple[Picture, ...],
    ends: Extremes,
    identity: float,
    sign: float,
    squared: float,
) -> dict[str, float]:
    return {
        p.name: identity + sign * value * squared / 2
        for p, value in zip(found, ends.values, strict=True)
    }


def _product(judge: Scorer, sign: float, vector: Array, reference: Array) -> Array:
    """Multiply a vector by the second derivative of the harm, at equal images."""

    def slope(image: Array) -> Array:
        return jax.grad(lambda x: sign * judge.score(x, reference))(image)

    return jax.jvp(slope, (reference,), (vector,))[1]


def _check(
    judge: Scorer, sign: float, product: Any, start: np.ndarray, reference: Array
) -> float | None:
    """Check that there is a second derivative, and that it is the score's.

    A root of a quadratic form, such as RMSE, has none: it rises with the first power of
    a distortion. What is differentiated there may well be finite, but means nothing.
    """
    wanted = "a score with a second derivative where both images are equal"
    inward = np.where(np.asarray(reference) < 0.5, np.abs(start), -np.abs(start))
    near = np.abs(np.asarray(reference) - 0.5) > 0.5 - 8 * _SMALL
    small = _SMALL * np.where(near, inward, start)
    score = jax.jit(judge.score)
    strengths = [0, 1, 2, 4]
    scores = np.array(
        [float(score(reference + jnp.asarray(s * small), reference)) for s in strengths]
    )
    if not np.isfinite(scores).all():
        got = f"{scores[0]:.6g} for equal images and {scores[1]:.6g} beside them"
        raise ValueError(expected(judge.label, wanted, got))
    harm = sign * (scores[1:] - scores[0])
    resolved = 64 * np.finfo(start.dtype).eps * abs(scores[0])
    strength = None
    if harm.min() > resolved:
        # The weakest may be rounding, the strongest too strong.
        powers = np.log2(harm[1:] / harm[:-1])
        best = int(np.abs(powers - 2).argmin())
        strength = strengths[1 + best]
        if powers[best] < 2 - _POWER:
            got = f"one that changes with the power {powers[best]:.2f} of a distortion"
            hint = "a root, as rmse is; mse, ssim and lpips have one"
            raise ValueError(expected(judge.label, wanted, got, hint))
    made = np.asarray(product(jnp.asarray(small, reference.dtype), reference))
    if not np.isfinite(made).all():
        raise ValueError(expected(judge.label, wanted, "one that is not finite"))
    # Of the largest distortions, it has to do more than rounding.
    most = np.linalg.norm(made) * np.linalg.norm(small) / _SMALL**2
    if most <= np.finfo(start.dtype).eps * abs(scores[0]):
        raise ValueError(expected(judge.label, wanted, "one that is 0"))
    if strength is None:
        return None
    predicted = float(np.vdot(small.astype(np.float64), made)) / 2
    return float(predicted * strength**2 / harm[strengths.index(strength) - 1])


def _distorted(
    judge: Scorer, vector: np.ndarray, reference: Array, squared: float
) -> Array:
    """The image with a distortion; of both signs, the one that scores worse."""
    both = [
        at_distance(
            reference + squared**0.5 * sign * jnp.asarray(vector),
            reference,
            jnp.asarray(squared, reference.dtype),
        )
        for sign in (1.0, -1.0)
    ]
    scores = [float(judge.score(image, reference)) for image in both]
    worse = np.argmin if judge.info.direction == "higher" else np.argmax
    return both[int(worse(scores))]

"""Metrics that are linear or quadratic forms: which images are extreme is known."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jiqa.core.metric import Metric, full_reference, no_reference

#: Shape of the images.
SHAPE = (5, 5, 1)
SIZE = 25


def form(seed: int, low: float = 0.2, high: float = 5.0) -> np.ndarray:
    """A symmetric positive definite matrix of known smallest and largest eigenvalue."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
    inner = rng.uniform(1.5 * low, 0.7 * high, SIZE - 2)
    return rotation * np.array([low, *inner, high]) @ rotation.T


def quadratic(
    matrix: np.ndarray, name: str = "quadratic", *, power: float = 1.0, **fields
) -> Metric:
    """A metric ``(x - r)^T A (x - r)``, lower is better, or a power of it."""

    def score(reference, distorted):
        difference = (distorted - reference).reshape(-1)
        form = jnp.asarray(matrix, difference.dtype)
        found = difference @ form @ difference
        return found if power == 1 else found**power

    score.__name__ = name
    return full_reference(**_facts(**{"identity": 0.0, **fields}))(score)


def metric_of(score) -> Metric:
    """A metric of a function ``(reference, distorted)``, lower is better."""
    return full_reference(**_facts(identity=0.0))(score)


def linear(weights: np.ndarray) -> Metric:
    """A metric without reference, higher is better: a weighted sum of the samples."""

    def score(image):
        return (image * jnp.asarray(weights, image.dtype)).sum()

    return no_reference(**_facts(identity=None, direction="higher"))(score)


def around_grey() -> Metric:
    """A metric without reference, lower is better: the distance from middle grey."""

    def score(image):
        return jnp.square(image - 0.5).mean()

    return no_reference(**_facts(identity=None))(score)


def _facts(**fields):
    return {
        "title": "a form",
        "direction": "lower",
        "range": (-np.inf, np.inf),
        "symmetric": True,
        "min_side": 1,
        "colour": "channels",
        "citation": "none",
        "fidelity": "paper",
        "fidelity_note": "none",
        **fields,
    }

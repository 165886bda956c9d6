"""Losses of choosing among methods, as sums over a batch.

A batch has MOS as ``score`` ``[B]``, what ``methods`` ``[B, M]`` say, on the same
scale, NaN where nothing is known, and ``mask`` ``[B]``.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.models.model import Sum


def nearness(errors: Array) -> Array:
    """Return a value that is larger, the smaller the error of a method is."""
    return -jnp.abs(errors)


def regression(
    errors: Array, batch: Any, *, kind: str, scale: float
) -> tuple[Sum, dict[str, Sum]]:
    """Return the loss of predicted errors, over all known pairs of image and method.

    Args:
        errors: predicted, ``[B, M]``.
        batch: see above.
        kind: ``"mse"`` or ``"mae"``.
        scale: the unit that they are compared in.

    Returns:
        The sum, and ``error`` and ``hits`` of the choice, see ``classes``.
    """
    true, known = _known(batch)
    away = jnp.where(known, errors - true, 0) / scale
    total = (jnp.square(away) if kind == "mse" else jnp.abs(away)).sum()
    return Sum(total, _count(known)), _logs(nearness(errors), true, known)


def classes(logits: Array, batch: Any) -> tuple[Sum, dict[str, Sum]]:
    """Cross entropy of the methods ``[B, M]``; the true class is the nearest one.

    A method without a score of an image is left out of the image's probabilities.

    Returns:
        The sum over the images of which any method's score is known; as ``error`` the
        absolute error of the methods that are chosen among those with a score, as
        ``hits`` how often no other one is nearer.
    """
    true, known = _known(batch)
    rated = known.any(-1)
    # A row without any counts nothing, but must not be infinite.
    seen = known | ~rated[:, None]
    chances = jax.nn.log_softmax(jnp.where(seen, logits, -jnp.inf))
    best = jnp.where(known, jnp.abs(true), jnp.inf).argmin(-1)
    total = -jnp.where(rated, _at(chances, best), 0).sum()
    return Sum(total, _count(rated)), _logs(logits, true, known)


def chosen_scores(merits: Array, batch: Any) -> Array:
    """Return the scores of the methods ``[B]`` chosen among those with a score."""
    _, known = _known(batch)
    values = jnp.where(known, jnp.asarray(batch["methods"]), 0)
    return _at(values, _choice(merits, known))


def _known(batch: Any) -> tuple[Array, Array]:
    """Return errors ``[B, M]``, 0 where unknown, and a mask of the known ones."""
    errors = jnp.asarray(batch["methods"]) - jnp.asarray(batch["score"])[:, None]
    known = jnp.asarray(batch["mask"])[:, None] & jnp.isfinite(errors)
    return jnp.where(known, errors, 0), known


def _logs(merits: Array, true: Array, known: Array) -> dict[str, Sum]:
    rated, size = known.any(-1), jnp.where(known, jnp.abs(true), jnp.inf)
    chosen = _at(size, _choice(merits, known))
    hits = rated & (chosen <= size.min(-1))
    error = jnp.where(rated, chosen, 0).sum()
    return {
        "error": Sum(error, _count(rated)),
        "hits": Sum(_count(hits), _count(rated)),
    }


def _choice(merits: Array, known: Array) -> Array:
    return jnp.where(known, merits, -jnp.inf).argmax(-1)


def _at(values: Array, places: Array) -> Array:
    return jnp.take_along_axis(values, places[:, None], -1)[:, 0]


def _count(which: Array) -> Array:
    return which.sum(dtype=jnp.int32).astype(jnp.float32)

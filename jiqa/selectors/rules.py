"""Rules that choose a method for an image from the outputs of forests.

After Wagner, Lin, Li and Saupe, "Algorithm selection for image quality assessment"
(COSEAL workshop 2019, arXiv 1908.06911) and, for ``pairwise``, the selectors of
AutoFolio (Lindauer et al., JAIR 53, 2015) and SATzilla (Xu et al., 2012):

``pairwise``  for each pair of methods a forest says which is nearer to the MOS;
              the method with most votes is chosen, of equals the one with the higher
              sum of probabilities.
``errors``    the signed error of each method is predicted; the smallest magnitude wins.
``absolute``  the magnitude itself is predicted; the smallest wins.
``best``      a classifier says how probably each method is the best one.
``nearest``   the MOS is predicted and the method nearest to that is chosen. So
              ``errors`` may be put where, as here, the methods' scores are known.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import one_of

KINDS = ("nearest", "errors", "absolute", "best", "pairwise")


def pairs(methods: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first and second method of each pair [pairs], in the forests' order."""
    return np.triu_indices(methods, 1)


def chosen(kind: str, outputs: Array, mapped: Any, order: Any) -> Array:
    """Return the method chosen for one image; among equals the first of ``order``.

    Args:
        kind: one of ``KINDS``.
        outputs: what the forests give [forests, outputs]; of ``pairwise`` the
            probability that the first of a pair is nearer, of ``nearest`` the one
            score, else one output a method.
        mapped: the methods' scores [m]; who has none, NaN, is never chosen.
        order: numbers of the methods [m], best first.

    Returns:
        Its number; of an image that no method has a score of, any.
    """
    there = ~jnp.isnan(mapped)
    merit = jnp.where(there, _merit(kind, outputs, mapped, there), -jnp.inf)
    return jnp.asarray(order)[jnp.argmax(merit[order])]


def _merit(kind: str, outputs: Array, mapped: Array, there: Array) -> Array:
    one_of("kind", kind, *KINDS)
    if kind == "nearest":
        return -jnp.abs(mapped - outputs[0].astype(mapped.dtype))
    if kind == "errors":
        return -jnp.abs(outputs[0])
    if kind == "absolute":
        return -outputs[0]
    if kind == "best":
        return outputs[0]
    methods = len(there)
    first, second = pairs(methods)
    both = there[first] & there[second]
    probable = outputs[:, 0]
    vote = jnp.where(both, (1 + jnp.sign(probable - 0.5)) / 2, 0)
    against = jnp.where(both, 1 - vote, 0)
    # The sum of probabilities, made smaller than any difference in votes.
    vote += jnp.where(both, probable, 0) / (4 * methods)
    against += jnp.where(both, 1 - probable, 0) / (4 * methods)
    nothing = jnp.zeros(methods, vote.dtype)
    return nothing.at[first].add(vote).at[second].add(against)

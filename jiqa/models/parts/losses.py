"""Losses on pairs of images and on distributions of scores, as sums over a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.models.model import Sum
from jiqa.ops.numerics import safe_sqrt


def hinge(difference: Array, margin: float) -> Array:
    """Return ``max(0, margin - d)``: zero once the better one leads by the margin."""
    return jax.nn.relu(margin - difference)


def logistic(difference: Array, margin: float) -> Array:
    """Return ``log(1 + exp(-d / margin))``: RankNet's loss (Burges et al. 2005)."""
    return jax.nn.softplus(-difference / margin)


def fidelity(difference: Array, margin: float) -> Array:
    """Return ``1 - sqrt(p)``, p = 1 / (1 + exp(-d / margin)): FRank (Tsai et al. 2007).

    Of a pair whose order is certain; it is bounded by 1, so a pair that is hopelessly
    wrong weighs no more than others.
    """
    return -jnp.expm1(0.5 * jax.nn.log_sigmoid(difference / margin))


#: Losses of a pair by name: of the better one's lead ``d`` and the margin, the lead
#: that is enough or (logistic, fidelity) the unit that it is measured in.
PAIRWISE: dict[str, Callable[[Array, float], Array]] = {
    "hinge": hinge,
    "logistic": logistic,
    "fidelity": fidelity,
}


def pair_mask(level: Array, group: Array, mask: Array) -> Array:
    """Return ``[B, B]``: whether row i is better than column j.

    Two images of one distortion make a pair if one is stronger distorted, whatever they
    show: so in the authors' code, where all images of a batch that were distorted in
    one way are compared. An image without distortion (group -1) is of every group.

    Args:
        level: strength of the distortion ``[B]``, 0 for none; negative: not known,
            which makes no pair.
        group: the distortion ``[B]``, -1 for none.
        mask: rows that count ``[B]``.
    """
    sound = mask & (level >= 0)
    same = (group[:, None] == group) | (group[:, None] < 0) | (group < 0)
    return same & (level[:, None] < level) & sound[:, None] & sound


def ranking(
    score: Array, batch: Any, *, kind: str, margin: float, average: str
) -> tuple[Sum, dict[str, Sum]]:
    """Return the Siamese loss of all pairs of a batch from one score an image.

    Each image passes through the network once, and the gradient of its score is the sum
    over its pairs: what Liu et al. (2017, section 3.3) call efficient Siamese
    backpropagation.

    Args:
        score: ``[B]``, higher is better.
        batch: ``level``, ``group`` and ``mask``.
        kind: a key of ``PAIRWISE``.
        margin: see ``PAIRWISE``.
        average: divide by the number of ``"images"``, as the authors do, or of
            ``"pairs"``, which does not grow with the batch.

    Returns:
        The sum, and as ``ordered`` the share of pairs in the right order.
    """
    one_of("pairs", kind, *PAIRWISE)
    one_of("average", average, "images", "pairs")
    level, group, mask = (jnp.asarray(batch[k]) for k in ("level", "group", "mask"))
    pairs = pair_mask(level, group, mask)
    lead = score[:, None] - score
    loss = jnp.where(pairs, PAIRWISE[kind](lead, margin), 0).sum()
    images, number = (x.sum(dtype=jnp.int32).astype(score.dtype) for x in (mask, pairs))
    right = (pairs & (lead > 0)).sum(dtype=jnp.int32).astype(score.dtype)
    count = images if average == "images" else number
    return Sum(loss, count), {"ordered": Sum(right, number)}


def earth_movers(p: Array, q: Array, r: int = 2, *, root: bool = True) -> Array:
    """Distance of distributions ``[..., N]``: ``(mean |CDF_p - CDF_q|^r)^(1/r)``.

    Squared earth mover's distance (Hou et al. 2016) where r = 2; where p equals q its
    gradient is 0.

    Args:
        p: of N scores in their order; sums to 1.
        q: the other one.
        r: 1 or 2.
        root: whether the r-th root is taken.
    """
    one_of("r", r, 1, 2)
    away = jnp.cumsum(p - q, -1)
    if r == 1:
        return jnp.abs(away).mean(-1)
    square = jnp.square(away).mean(-1)
    return safe_sqrt(square) if root else square

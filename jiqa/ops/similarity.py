"""The similarity of two fields, sample by sample, and its weighted mean."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import mean, safe_divide, total


def similarity(product: Array, squares: Array, constant: float | Array) -> Array:
    """(2 a b + c) / (a^2 + b^2 + c), given a b and a^2 + b^2."""
    return (2 * product + constant) / (squares + constant)


def dissimilarity(a: Array, b: Array, constant: float, masking: float = 0.0) -> Array:
    """1 minus the similarity ``((2 - m) a b + c) / (a^2 + b^2 - m a b + c)``.

    Written on the difference: exactly 0 for equal arguments, and a deviation taken
    of it does not cancel.
    """
    power = a * a + b * b
    if masking:
        power = power - masking * (a * b)
    return jnp.square(a - b) / (power + constant)


def pooled(quality: Array, weight: Array, extent: Extent | None = None) -> Array:
    """Weighted mean; the plain mean if there is no weight at all."""
    # Masked once: as a mask of either sum it compiled for half as long again.
    weight = keep(weight, extent)
    weighted, weights = total(quality * weight), total(weight)
    return safe_divide(weighted, weights, mean(quality, extent))

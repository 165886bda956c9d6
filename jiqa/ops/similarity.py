"""What the similarity metrics share: gradients, the ratio, the weighted mean."""

from __future__ import annotations

from jax import Array

from jiqa.ops.filters import correlate
from jiqa.ops.numerics import mean, safe_divide, total


def gradient_power(plane: Array) -> Array:
    """Squared Scharr gradient magnitude (weights 3, 10, 3 over 16), zeros outside."""
    smooth, step = (3 / 16, 10 / 16, 3 / 16), (-1.0, 0.0, 1.0)
    dx = correlate(plane, smooth, step, "zero")
    dy = correlate(plane, step, smooth, "zero")
    return dx * dx + dy * dy


def similarity(product: Array, squares: Array, constant: float) -> Array:
    """(2 a b + c) / (a^2 + b^2 + c), given a b and a^2 + b^2."""
    return (2 * product + constant) / (squares + constant)


def pooled(quality: Array, weight: Array) -> Array:
    """Weighted mean; the plain mean if there is no weight at all."""
    return safe_divide(total(quality * weight), total(weight), mean(quality))

"""Gradients of a plane by Scharr's and by Prewitt's filters, zeros outside."""

from __future__ import annotations

from jax import Array

from jiqa.ops.filters import correlate
from jiqa.ops.numerics import safe_sqrt

_SCHARR = (3 / 16, 10 / 16, 3 / 16), (-1.0, 0.0, 1.0)
_PREWITT = (1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, -1.0)


def scharr_power(plane: Array) -> Array:
    """Squared Scharr gradient magnitude (weights 3, 10, 3 over 16) of ``[H, W]``."""
    smooth, step = _SCHARR
    across = correlate(plane, smooth, step, "zero")
    down = correlate(plane, step, smooth, "zero")
    return across * across + down * down


def prewitt(plane: Array) -> tuple[Array, Array]:
    """Horizontal and vertical Prewitt derivative / 3 of ``[H, W]``."""
    smooth, slope = _PREWITT
    return (
        correlate(plane, smooth, slope, "zero"),
        correlate(plane, slope, smooth, "zero"),
    )


def prewitt_magnitude(plane: Array) -> Array:
    """Length of the Prewitt gradient, with gradient 0 where the plane is flat."""
    across, down = prewitt(plane)
    return safe_sqrt(across * across + down * down)

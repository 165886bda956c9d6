"""Gradients of a plane by Scharr's and by Prewitt's filters, zeros outside."""

from __future__ import annotations

from jax import Array

from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate
from jiqa.ops.numerics import safe_sqrt

_SCHARR = (3 / 16, 10 / 16, 3 / 16), (-1.0, 0.0, 1.0)
_PREWITT = (1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, -1.0)


def scharr_power(plane: Array, extent: Extent | None = None) -> Array:
    """Squared Scharr gradient magnitude (weights 3, 10, 3 over 16) of ``[H, W]``."""
    smooth, step = _SCHARR
    across = correlate(plane, smooth, step, "zero", extent)
    down = correlate(plane, step, smooth, "zero", extent)
    return across * across + down * down


def prewitt(plane: Array, extent: Extent | None = None) -> tuple[Array, Array]:
    """Horizontal and vertical Prewitt derivative / 3 of ``[H, W]``."""
    smooth, slope = _PREWITT
    return (
        correlate(plane, smooth, slope, "zero", extent),
        correlate(plane, slope, smooth, "zero", extent),
    )


def prewitt_magnitude(plane: Array, extent: Extent | None = None) -> Array:
    """Length of the Prewitt gradient, with gradient 0 where the plane is flat."""
    across, down = prewitt(plane, extent)
    return safe_sqrt(across * across + down * down)

"""The terms of structural similarity (SSIM), of planes and from weighted means."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.filters import correlate
from jiqa.ops.numerics import safe_divide, safe_sqrt
from jiqa.ops.similarity import similarity

#: The middle of the range 0..255.
CENTRE = 127.5


def stabilisers(peak: Any = 255, k1: float = 0.01, k2: float = 0.03) -> tuple[Any, Any]:
    """C1 = (k1 peak)^2 and C2 = (k2 peak)^2, with the dynamic range ``peak``."""
    return (k1 * peak) ** 2, (k2 * peak) ** 2


def similarity_maps(
    x: Array,
    y: Array,
    taps: np.ndarray,
    c1: float,
    c2: float,
    *,
    mask: Array | None = None,
    unbiased: float = 1.0,
    centre: float = CENTRE,
) -> tuple[Array, Array]:
    """Luminance and contrast-structure maps of planes ``[H, W]`` on 0..255.

    ``terms`` at every window that lies inside, ``[H - k + 1, W - k + 1]``.

    Args:
        x: reference plane.
        y: distorted plane.
        taps: one axis of the window, sum 1.
        c1: constant of the luminance term.
        c2: constant of the contrast-structure term.
        mask: weight of each pixel, for windows that use only some of them.
        unbiased: factor on variances and covariance.
        centre: what the planes are centred on, the middle of their range.
    """
    fields = fields_of(x - centre, y - centre)
    if mask is None:
        means = correlate(fields, taps, taps)
    else:
        weight = correlate(mask, taps, taps)
        means = safe_divide(correlate(fields * mask, taps, taps), weight)
    return terms(means, c1, c2, centre=centre, unbiased=unbiased)


def fields_of(x: Array, y: Array) -> Array:
    """x, y, x^2 + y^2 and (x - y)^2, stacked: what ``terms`` takes weighted means of.

    Stacked, the compiler filters rows and columns in two loops; one by one it would
    fuse them into a single loop over all k^2 taps (measured: 4.5 times as slow).
    """
    return jnp.stack([x, y, x * x + y * y, jnp.square(x - y)])


def terms(
    means: Array,
    c1: Any,
    c2: Any,
    *,
    centre: Any = 0.0,
    unbiased: float = 1.0,
    empty: bool = False,
) -> tuple[Array, Array]:
    """Luminance and contrast-structure terms, exactly 1 for identical images.

    ``(2 mx my + c1) / (mx^2 + my^2 + c1)`` and ``(2 sxy + c2) / (sxx + syy + c2)``,
    written as 1 minus a difference.

    Args:
        means: weighted means of ``fields_of(x - centre, y - centre)``, ``[4, ...]``.
            Centring changes no variance and keeps float32 from cancelling in flat
            areas.
        c1: constant of the luminance term.
        c2: constant of the contrast-structure term.
        centre: what x and y were centred on.
        unbiased: factor on variances and covariance.
        empty: whether the constants may be 0; a term of 0 / 0 is then 1.
    """
    divide = safe_divide if empty else jnp.divide
    mx, my, power, error = means
    shift, squares = jnp.square(mx - my), mx * mx + my * my
    contrast = 1 - divide(unbiased * (error - shift), unbiased * (power - squares) + c2)
    mx, my = mx + centre, my + centre
    luminance = 1 - divide(shift, mx * mx + my * my + c1)
    return luminance, contrast


def three_terms(
    x: Array, y: Array, taps: np.ndarray, c1: float, c2: float, centre: float = CENTRE
) -> tuple[Array, Array, Array]:
    """Luminance, contrast and structure maps, of which SSIM is the product.

    ``(2 sx sy + c2) / (sxx + syy + c2)`` and ``(sxy + c2 / 2) / (sx sy + c2 / 2)``
    are the contrast and the structure. Arguments as in ``similarity_maps``.
    """
    x, y = x - centre, y - centre
    mx, my, xx, yy, xy = (correlate(f, taps, taps) for f in (x, y, x * x, y * y, x * y))
    vx, vy = jnp.maximum(xx - mx * mx, 0), jnp.maximum(yy - my * my, 0)
    spread, covariance = safe_sqrt(vx * vy), xy - mx * my
    mx, my = mx + centre, my + centre
    luminance = similarity(mx * my, mx * mx + my * my, c1)
    contrast = similarity(spread, vx + vy, c2)
    structure = (covariance + c2 / 2) / (spread + c2 / 2)
    return luminance, contrast, structure

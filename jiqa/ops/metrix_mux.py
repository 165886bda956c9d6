"""The padding of MeTriX MuX (M. Gaubatz, 2007), which precedes its metrics."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jiqa.ops.filters import pad
from jiqa.ops.numerics import round_half_away

#: Sides are raised to a multiple of the first and to no less than the second.
_MULTIPLE, _LEAST = 32, 128


def metrix_mux_widths(length: int) -> tuple[int, int]:
    """Samples that ``pad_metrix_mux`` adds before and after an axis of ``length``."""
    gap = max(-(-length // _MULTIPLE) * _MULTIPLE, _LEAST) - length
    before = round_half_away(gap / 2)
    return before, gap - before


def pad_metrix_mux(x: Array) -> Array:
    """Pad ``[..., H, W]`` to multiples of 32, at least 128, as MeTriX MuX does.

    Half of the gap (rounded up) goes above and to the left. The four sides mirror the
    image about its edge pixel; each corner rectangle is one constant, the pixel next
    to the image's corner on the diagonal. A plane that fits already is unchanged.
    """
    height, width = x.shape[-2:]
    (top, bottom), (left, right) = metrix_mux_widths(height), metrix_mux_widths(width)
    if not any((top, bottom, left, right)):
        return x
    second = (min(1, height - 1), min(1, width - 1))
    last = (max(height - 2, 0), max(width - 2, 0))
    x, image = pad(x, (top, left), (bottom, right), "reflect"), x
    rows = lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 2)
    cols = lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)
    above, below = rows < top, rows >= top + height
    before, after = cols < left, cols >= left + width
    for vertical, i in ((above, second[0]), (below, last[0])):
        for horizontal, j in ((before, second[1]), (after, last[1])):
            pixel = image[..., i : i + 1, j : j + 1]
            x = jnp.where(vertical & horizontal, pixel, x)
    return x

"""The pyramid of Burt and Adelson with the taps .05 .25 .4 .25 .05, axis by axis.

NLPD and ColorVideoVDP build on it. A level has half the samples of the one before,
rounded up. Borders mirror the image, the edge sample repeated.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, extended
from jiqa.ops.filters import strided_sum

TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)


def reduce_axis(
    x: Array, axis: int, length: Any = None, *, odd: bool | None = None
) -> Array:
    """Blur along an axis and keep every second sample, the first among them.

    Args:
        x: any field.
        axis: of ``x``.
        length: how many samples are the image, where that is not all of them.
        odd: complete the last sample as if their number were odd or even. Where that
            is wrong, it loses some of its light or gains some. Not with ``length``.
    """
    axis %= x.ndim
    size = x.shape[axis]
    x = _mirrored(x, axis, 2, length)
    if odd is not None and odd != size % 2:
        x = _mistaken(x, axis, size, odd)
    return strided_sum(x, TAPS, axis - x.ndim, 2)


def expand_axis(x: Array, axis: int, size: int, length: Any = None) -> Array:
    """Twice the samples along an axis with the same filter, cut to ``size``.

    Zeros between the samples need not be multiplied: even outputs see the outer and
    middle taps, odd ones the other two, each with gain 2. ``length`` says how many
    samples of ``x`` are the image, where that is not all.
    """
    axis %= x.ndim
    count = x.shape[axis]
    x = _mirrored(x, axis, 1, length)
    left, middle, right = (
        lax.slice_in_dim(x, i, i + count, axis=axis) for i in range(3)
    )
    even = 2 * TAPS[0] * (left + right) + 2 * TAPS[2] * middle
    odd = 2 * TAPS[1] * (middle + right)
    both = jnp.stack([even, odd], axis + 1)
    both = both.reshape(*x.shape[:axis], 2 * count, *x.shape[axis + 1 :])
    return lax.slice_in_dim(both, 0, size, axis=axis)


def reduction(size: int, *, odd: bool | None = None) -> np.ndarray:
    """``reduce_axis`` of ``size`` samples as a matrix."""
    count = (size + 1) // 2
    found = np.zeros((count, size + 4))
    for i in range(count):
        found[i, 2 * i : 2 * i + 5] = TAPS
    beyond = np.zeros((size + 4, size))
    beyond[2:-2] = np.eye(size)
    beyond[:2] = np.eye(size)[[min(1, size - 1), 0]]
    beyond[-2:] = np.eye(size)[[-1, max(-2, -size)]]
    if odd is not None and odd != size % 2:
        last, before = np.eye(size)[[-1, -2]]
        bright = [last * (TAPS[3] / TAPS[4]) + before, before]
        beyond[-2:] = bright if odd else [0 * last, last]
    return found @ beyond


def expansion(size: int) -> np.ndarray:
    """``expand_axis`` to ``size`` samples as a matrix."""
    count = (size + 1) // 2
    found = np.zeros((size, count + 2))
    for i in range(size):
        half = i // 2
        taps = TAPS[1::2] if i % 2 else TAPS[::2]
        found[i, half + i % 2 : half + 3] = 2 * np.array(taps)
    found[:, 1] += found[:, 0]
    found[:, -2] += found[:, -1]
    return found[:, 1:-1]


def _mirrored(x: Array, axis: int, count: int, length: Any) -> Array:
    """``count`` samples more at both ends of an axis, the edge sample repeated.

    A single concatenation compiles in half the time of ``filters.pad``.
    """
    if length is not None:
        margin = (count, 0)
        return extended(
            x, Extent(length, length), margin, margin, "symmetric", axis=axis
        )

    def at(place: int) -> Array:
        place %= x.shape[axis]
        return lax.slice_in_dim(x, place, place + 1, axis=axis)

    before = [at(i) for i in reversed(range(count))]
    after = [at(-1 - i) for i in range(count)]
    return jnp.concatenate([*before, x, *after], axis)


def _mistaken(x: Array, axis: int, size: int, odd: bool) -> Array:
    """The two samples after the last, as the wrong parity makes them.

    An odd one adds x[-1] k3 + x[-2] k4 to the last output, an even one x[-1] k4; the
    taps k3 and k4 then meet other samples than they should.
    """
    before, last = (
        lax.slice_in_dim(x, size + i, size + i + 1, axis=axis) for i in (0, 1)
    )
    first = last * (TAPS[3] / TAPS[4]) + before if odd else jnp.zeros_like(last)
    kept = lax.slice_in_dim(x, 0, size + 2, axis=axis)
    return jnp.concatenate([kept, first, before if odd else last], axis)

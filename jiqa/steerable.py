"""Steerable pyramids: a real one by small filters, a complex one by Fourier masks."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.filters import pad

# The filters "sp5" of E. Simoncelli's matlabPyrTools as the Python package pyrtools
# 1.1.1 (MIT licence) holds them in pyrtools/pyramids/filters.py. All are symmetric:
# given are the taps from the corner up to and with the centre.
_LOW0 = np.array(
    [
        [0.00341614, -0.01551246, -0.03848215],
        [-0.01551246, 0.05586982, 0.15925570],
        [-0.03848215, 0.15925570, 0.40304148],
    ]
)
_LOW = 2 * np.array(
    [
        [0.00085404, -0.00244917, -0.00387812, -0.00944432, -0.00962054],
        [-0.00244917, -0.00523281, -0.00661117, 0.00410600, 0.01002988],
        [-0.00387812, -0.00661117, 0.01396746, 0.03277038, 0.03981393],
        [-0.00944432, 0.00410600, 0.03277038, 0.06426333, 0.08169618],
        [-0.00962054, 0.01002988, 0.03981393, 0.08169618, 0.10096540],
    ]
)
#: Orientation 1: odd over the rows (the centre row is 0), even over the columns.
#: Orientation 4 is minus its transpose.
_BAND = np.array(
    [
        [0.00277643, 0.00496194, 0.01026699, 0.01455399],
        [-0.00986904, -0.00893064, 0.01189859, 0.02755155],
        [-0.01021852, -0.03075356, -0.08226445, -0.11732297],
    ]
)


def steerable_bands(x: Array, levels: int) -> list[tuple[Array, Array]]:
    """Orientations 1 and 4 (of 6) of the real steerable pyramid, finest level first.

    The pyramid of matlabPyrTools (``buildSpyr`` with ``sp5Filters``) of planes
    ``[..., H, W]``: the image is mirrored about its edge pixels; the low-pass gains a
    factor 2 and halves its sides, rounded up, at every level.
    """
    low = _even(pad(x, (2, 2), (2, 2), "reflect"), _LOW0)
    bands = []
    for level in range(levels):
        wide = lax.optimization_barrier(pad(low, (4, 4), (4, 4), "reflect"))
        bands.append((_odd(wide, -2), -_odd(wide, -1)))
        if level + 1 < levels:
            low = _even(wide, _LOW, 2)
    return bands


def _cut(x: Array, axis: int, start: int, count: int, step: int = 1) -> Array:
    stop = start + (count - 1) * step + 1
    return lax.slice_in_dim(x, start, stop, step, axis=x.ndim + axis)


def _even(x: Array, corner: np.ndarray, step: int = 1) -> Array:
    """Valid correlation with an even kernel, every ``step``-th sample.

    Samples that share a tap are added first. A copy of each phase of the columns
    keeps all later reads contiguous.
    """
    reach = len(corner) - 1
    rows, cols = ((n - 2 * reach - 1) // step + 1 for n in x.shape[-2:])
    out = jnp.zeros((), x.dtype)
    for k in range(reach + 1):
        pair = _cut(x, -2, k, rows, step)
        if k < reach:
            pair = pair + _cut(x, -2, 2 * reach - k, rows, step)
        phases = [pair[..., p::step] for p in range(step)]
        if step > 1:
            phases = lax.optimization_barrier(phases)
        for j in range(reach + 1):
            term = _cut(phases[j % step], -1, j // step, cols)
            if j < reach:
                mirror = 2 * reach - j
                term = term + _cut(phases[mirror % step], -1, mirror // step, cols)
            out = out + float(corner[k, j]) * term
    return out


def _odd(wide: Array, axis: int) -> Array:
    """Valid correlation, less one sample a side, with the band filter odd in ``axis``.

    Rows (or columns) that differ in the sign of their taps are subtracted first, so
    that a constant gives exactly 0.
    """
    other = -3 - axis
    count, across = wide.shape[axis] - 8, wide.shape[other] - 8
    out = jnp.zeros((), wide.dtype)
    for k, taps in enumerate(_BAND):
        pair = _cut(wide, axis, 1 + k, count) - _cut(wide, axis, 7 - k, count)
        for j in range(7):
            tap = float(taps[min(j, 6 - j)])
            out = out + tap * _cut(pair, other, 1 + j, across)
    return out

"""The 8-point DCT of the Daala codec: lifting steps in whole numbers.

It is close to the orthonormal DCT-II and differs by its roundings, which show where
differences of coefficients are a few units large.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.numerics import product


class _Step(NamedTuple):
    """One lifting step: a part of a line is added to plus or minus another.

    The part is the source times ``factor / 2^bits``, rounded half up, but for half of
    the source, which is rounded towards zero.
    """

    target: int
    keep: int
    source: int
    sign: int
    factor: int = 1
    bits: int = 0


def _half(target: int, keep: int, source: int, sign: int) -> _Step:
    return _Step(target, keep, source, sign, 1, 1)


def _rotation(a: int, b: int, *parts: tuple[int, int, int]) -> list[_Step]:
    """Parts ``(sign, factor, bits)`` of line b to a, of a to b, and of b to a again."""
    lines = ((a, b), (b, a), (a, b))
    return [_Step(*(t, 1, s), *part) for (t, s), part in zip(lines, parts, strict=True)]


#: Which sample a line holds at first. At last it holds the coefficient of its number.
_ORDER = np.array([0, 7, 2, 5, 1, 6, 3, 4], np.int32)

#: Daala's ``od_bin_fdct8``. First the sums and differences of mirrored samples, one of
#: each pair halved and the other later, so that both have the scale of the samples.
_STEPS = (
    _Step(1, -1, 0, 1),
    _half(0, 1, 1, -1),
    _Step(4, 1, 5, 1),
    _half(5, 1, 4, -1),
    _Step(3, -1, 2, 1),
    _half(2, 1, 3, -1),
    _Step(6, 1, 7, 1),
    _half(7, -1, 6, 1),
    # The even coefficients: a DCT of four.
    _half(0, 1, 6, 1),
    _Step(6, -1, 0, 1),
    _half(2, -1, 4, 1),
    _Step(4, -1, 2, 1),
    *_rotation(0, 4, (-1, 13573, 15), (1, 11585, 14), (-1, 13573, 15)),
    *_rotation(6, 2, (-1, 21895, 15), (1, 15137, 14), (-1, 21895, 15)),
    # The odd ones: a DST of four.
    *_rotation(3, 5, (1, 19195, 15), (1, 11585, 14), (-1, 7489, 13)),
    _half(7, -1, 5, 1),
    _Step(5, 1, 7, -1),
    _half(3, -1, 1, 1),
    _Step(1, 1, 3, -1),
    *_rotation(7, 1, (1, 3227, 15), (-1, 6393, 15), (1, 3227, 15)),
    *_rotation(5, 3, (1, 2485, 13), (-1, 18205, 15), (1, 2485, 13)),
)


@jax.custom_jvp
def integer_dct(x: Array) -> Array:
    """Daala's DCT of eight samples along the first axis, the mean's coefficient first.

    Samples and coefficients are whole numbers in floating point. Inside they are
    integers of 32 bits, which hold samples of up to 12 bits, transformed twice. A
    function in steps has no derivative: here it has that of the orthonormal DCT, from
    which it differs by its roundings alone.
    """
    lines = x.astype(jnp.int32)[_ORDER]
    # A loop over the steps: written out, each coefficient would be compiled by itself,
    # with all the steps before it.
    table = jnp.asarray(_STEPS, jnp.int32)
    lines = lax.fori_loop(0, len(_STEPS), lambda k, v: _lifted(v, table[k]), lines)
    return lines.astype(x.dtype)


integer_dct.defjvps(lambda change, _, x: _orthonormal(change))


def _lifted(lines: Array, step: Array) -> Array:
    target, keep, source, sign, factor, bits = step
    x = lax.dynamic_index_in_dim(lines, source, 0, keepdims=False)
    # One of half a unit or, of halves, of one where x is negative.
    up = (1 << bits) >> 1
    part = (x * factor + jnp.where((bits == 1) & (x >= 0), 0, up)) >> bits
    old = lax.dynamic_index_in_dim(lines, target, 0, keepdims=False)
    return lax.dynamic_update_index_in_dim(lines, keep * old + sign * part, target, 0)


def _orthonormal(x: Array) -> Array:
    return product(dct_matrix(8), x.reshape(8, -1)).reshape(x.shape)

"""Arithmetic that stays finite, in value and in gradient, at the edges.

``jnp.where(bad, 0, f(x))`` still differentiates ``f`` at the bad point and turns the
gradient into NaN; each function here replaces the argument as well.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, keep

Tree = TypeVar("Tree")


def safe_sqrt(x: Array) -> Array:
    """Square root with gradient 0 (not infinity) at 0; negative input gives 0.

    So does a subnormal number, which processors may take for 0 when they divide by it.
    """
    positive = x >= float(jnp.finfo(x.dtype).tiny)
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)


def safe_hypot(a: Array, b: Array) -> Array:
    """``sqrt(a^2 + b^2)`` whose squares do not underflow, with gradient 0 at (0, 0)."""
    size = jax.lax.stop_gradient(jnp.maximum(jnp.abs(a), jnp.abs(b)))
    size = jnp.where(size > 0, size, 1)
    return size * safe_sqrt(jnp.square(a / size) + jnp.square(b / size))


def safe_power(x: Array, exponent: float) -> Array:
    """``x ** exponent`` for x >= 0 with gradient 0 at 0; negative input gives 0."""
    positive = x > 0
    return jnp.where(positive, jnp.where(positive, x, 1) ** exponent, 0)


@jax.custom_jvp
def quotient(a: Array, b: Array) -> Array:
    """``a / b`` of arrays of one shape and type, for a ``b`` that may be tiny.

    The derivative by b is -(a / b) / b. JAX's own has b^-2, which is infinite in
    float32 for every b below 5e-20, and turns a finite derivative into NaN.
    """
    return a / b


quotient.defjvps(
    lambda change, value, a, b: change / b,
    lambda change, value, a, b: -(value * change) / b,
)


def safe_divide(a: Array, b: Array, otherwise: float | Array = 0.0) -> Array:
    """``a / b``, and ``otherwise`` where b is exactly 0."""
    a, b = jnp.broadcast_arrays(a, b)
    zero = b == 0
    return jnp.where(zero, otherwise, quotient(a, jnp.where(zero, 1, b)))


def decibels(signal: Array | float, noise: Array, defined: Array) -> Array:
    """``10 log10(signal / noise)`` where ``defined``, and 0 elsewhere.

    Neither number takes part where it is not: value and derivatives stay finite.
    """
    signal = jnp.where(defined, jnp.asarray(signal, noise.dtype), 1)
    return 10 * jnp.log10(quotient(signal, jnp.where(defined, noise, 1)))


def real_power(x: Array, exponent: float) -> Array:
    """Real part of the principal complex power, as MATLAB's ``real(x .^ p)``.

    |x|^p for x > 0, |x|^p cos(p pi) for x < 0, 0 at 0 (with gradient 0 there).
    """
    size = safe_power(jnp.abs(x), exponent)
    turned = jnp.cos(jnp.asarray(exponent * jnp.pi, x.dtype))
    return jnp.where(x < 0, size * turned, size)


def added(terms: Iterable[Array]) -> Array:
    """Sum of arrays of one shape; Python's own starts from the integer 0."""
    return functools.reduce(operator.add, terms)


def mean(x: Array, extent: Extent | None = None) -> Array:
    """Mean over all samples of one image's map, or those in ``extent``, rows first.

    One long reduction is a scalar chain on the CPU; along the rows it vectorises
    and its rounding error grows with the side instead of the area.
    """
    if extent is not None:
        return total(x, extent) / extent.count(x.dtype)
    return total(x) / x.size


def total(x: Array, extent: Extent | None = None) -> Array:
    """Sum over all samples of one image's map, rows first (see ``mean``)."""
    x = keep(x, extent)
    return x.reshape(x.shape[0], -1).sum(0).sum()


def product(a: Array | np.ndarray, b: Array | np.ndarray) -> Array:
    """Matrix product in the full precision of the operand that JAX holds.

    A constant matrix comes as NumPy's float64 and takes the other's type; without the
    precision asked for, accelerators multiply in fewer bits.
    """
    dtype = jnp.result_type(*(v.dtype for v in (a, b) if isinstance(v, Array)))
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def least(x: Array, extent: Extent | None = None) -> Array:
    """The smallest sample of one image's map, rows first."""
    return keep(x, extent, np.inf).min(0).min()


def most(x: Array, extent: Extent | None = None) -> Array:
    """The largest sample of one image's map, rows first."""
    return keep(x, extent, -np.inf).max(0).max()


def deviation(x: Array, extent: Extent | None = None) -> Array:
    """Standard deviation over all samples with N - 1, as MATLAB's ``std2``."""
    count = x.size if extent is None else extent.count(x.dtype)
    return safe_sqrt(total(jnp.square(x - mean(x, extent)), extent) / (count - 1))


def round_half_away(x: float) -> int:
    """MATLAB's ``round`` of a positive number: 2.5 gives 3, Python's gives 2."""
    return int(x + 0.5)


def straight_through(value: Array, x: Array) -> Array:
    """``value`` with the gradient of ``x``."""
    return x + jax.lax.stop_gradient(value - x)


def varying_as(x: Array, start: Tree) -> Tree:
    """``start``, the first value of a loop over what is computed from ``x``.

    Inside ``jax.shard_map`` a constant is known to be the same on all devices, and a
    loop that makes something else of it is refused. A choice by ``x`` between equals
    may differ; the compiler leaves nothing of it.
    """
    some = lax.stop_gradient(x[(0,) * x.ndim]) > 0
    return jax.tree.map(lambda value: jnp.where(some, value, value), start)

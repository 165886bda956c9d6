"""Arithmetic that stays finite, in value and in gradient, at the edges.

``jnp.where(bad, 0, f(x))`` still differentiates ``f`` at the bad point and turns the
gradient into NaN; each function here replaces the argument as well.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike


def safe_sqrt(x: Array) -> Array:
    """Square root with gradient 0 (not infinity) at 0; negative input gives 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)


def safe_power(x: Array, exponent: float) -> Array:
    """``x ** exponent`` for x >= 0 with gradient 0 at 0; negative input gives 0."""
    positive = x > 0
    return jnp.where(positive, jnp.where(positive, x, 1) ** exponent, 0)


def safe_divide(a: Array, b: Array, otherwise: float | Array = 0.0) -> Array:
    """``a / b``, and ``otherwise`` where b is exactly 0."""
    zero = b == 0
    return jnp.where(zero, otherwise, a / jnp.where(zero, 1, b))


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


def mean(x: Array) -> Array:
    """Mean over all samples of one image's map, rows first.

    One long reduction is a scalar chain on the CPU; along the rows it vectorises
    and its rounding error grows with the side instead of the area.
    """
    return total(x) / x.size


def total(x: Array) -> Array:
    """Sum over all samples of one image's map, rows first (see ``mean``)."""
    return x.reshape(x.shape[0], -1).sum(0).sum()


def product(a: Array | np.ndarray, b: Array | np.ndarray) -> Array:
    """Matrix product in the full precision of the operand that JAX holds.

    A constant matrix comes as NumPy's float64 and takes the other's type; without the
    precision asked for, accelerators multiply in fewer bits.
    """
    dtype = jnp.result_type(*(v.dtype for v in (a, b) if isinstance(v, Array)))
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


def deviation(x: Array) -> Array:
    """Standard deviation over all samples with N - 1, as MATLAB's ``std2``."""
    return safe_sqrt(total(jnp.square(x - mean(x))) / (x.size - 1))


def round_half_away(x: float) -> int:
    """MATLAB's ``round`` of a positive number: 2.5 gives 3, Python's gives 2."""
    return int(x + 0.5)


def straight_through(value: Array, x: Array) -> Array:
    """``value`` with the gradient of ``x``."""
    return x + jax.lax.stop_gradient(value - x)


def logistic_curve(
    x: Any, parameters: ArrayLike, low: ArrayLike, high: ArrayLike, xp: Any = np
) -> Any:
    """b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5, x cut to low and high.

    Args:
        x: ``[..., m]``, in whose precision all is computed; NaN stays NaN.
        parameters: b1 to b5 of each of the m curves ``[m, 5]``, or ``[5]`` for one.
        low: where the curve begins, ``[m]`` or a number.
        high: where it ends.
        xp: ``numpy``, or ``jax.numpy`` inside a compiled program.
    """
    x = xp.asarray(x)

    def own(values: np.ndarray) -> Any:
        return xp.asarray(values, dtype=x.dtype)

    # What a fitted curve owes to parameters of 1e4 that nearly cancel is lost in
    # float32, so all is told from the curve's value in the middle.
    exact = np.asarray(parameters, np.float64).T
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    middle = (low + high) / 2
    b1, b2, b3, b4, b5 = exact
    level = b1 / 2 * np.tanh(b2 * (middle - b3) / 2) + b4 * middle + b5
    b1, b2, b3, b4, _ = own(exact)
    x = xp.clip(x, own(low), own(high))
    step = x - own(middle)
    here, there = b2 * (x - b3), b2 * (own(middle) - b3)
    with np.errstate(over="ignore"):
        upper = 1 / (1 + xp.exp(-xp.maximum(here, there)))
        lower = 1 / (1 + xp.exp(xp.minimum(here, there)))
    # The difference of two logistics.
    rise = -xp.sign(b2 * step) * xp.expm1(-xp.abs(b2 * step)) * upper * lower
    return own(level) + b1 * rise + b4 * step

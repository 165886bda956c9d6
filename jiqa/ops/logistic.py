"""The five-parameter logistic of VQEG, exact where its terms nearly cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


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
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    ends = (xp.asarray(end, dtype=x.dtype) for end in (low, high))
    return logistic_about(xp.clip(x, *ends), parameters, (low + high) / 2, xp)


def logistic_about(
    x: Any, parameters: ArrayLike, middle: ArrayLike, xp: Any = np
) -> Any:
    """The same curve for every x, relative to its value in the middle of the scores.

    Parameters of 1e4 that nearly cancel in a fitted curve would otherwise cost its
    digits in float32.

    Args:
        x: as for ``logistic_curve``.
        parameters: as for ``logistic_curve``.
        middle: about where the scores are that the curve was fitted to, ``[m]`` or a
            number.
        xp: as for ``logistic_curve``.
    """
    x = xp.asarray(x)

    def constant(values: np.ndarray) -> Any:
        return xp.asarray(values, dtype=x.dtype)

    exact = np.asarray(parameters, np.float64).T
    middle = np.asarray(middle, np.float64)
    b1, b2, b3, b4, b5 = exact
    level = b1 / 2 * np.tanh(b2 * (middle - b3) / 2) + b4 * middle + b5
    b1, b2, b3, b4, _ = constant(exact)
    step = x - constant(middle)
    here, there = b2 * (x - b3), b2 * (constant(middle) - b3)
    with np.errstate(over="ignore"):
        upper = 1 / (1 + xp.exp(-xp.maximum(here, there)))
        lower = 1 / (1 + xp.exp(xp.minimum(here, there)))
    # The difference of two logistics.
    rise = -xp.sign(b2 * step) * xp.expm1(-xp.abs(b2 * step)) * upper * lower
    return constant(level) + b1 * rise + b4 * step

"""Sums of differences and of their products, and their derivatives of both kinds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jiqa.ops.window_products import Rings, window_differences, window_products

#: A window of three with the weights of its sides and of its corners.
RINGS: Rings = (
    (0.2, ((0, 1), (1, 0), (1, 2), (2, 1))),
    (0.05, ((0, 0), (0, 2), (2, 0), (2, 2))),
)


def _by_hand(p: np.ndarray, q: np.ndarray | None = None) -> np.ndarray:
    height, width = (n - 2 for n in p.shape)
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for weight, corners in RINGS:
                for i, j in corners:
                    term = p[y + i, x + j] - p[y + 1, x + 1]
                    if q is not None:
                        term = term * (q[y + i, x + j] - q[y + 1, x + 1])
                    out[y, x] += weight * term
    return out


def test_values(rng):
    p, q = rng.random((2, 6, 7))
    with jax.enable_x64(True):
        x, y = jnp.asarray(p), jnp.asarray(q)
        np.testing.assert_allclose(window_differences(x, RINGS), _by_hand(p), 1e-12)
        np.testing.assert_allclose(window_products(x, y, RINGS), _by_hand(p, q), 1e-12)


def test_derivatives(rng):
    with jax.enable_x64(True):
        p, q = jnp.asarray(rng.random((2, 5, 6)))

        def differences(p: Any) -> Any:
            return window_differences(p, RINGS) ** 2

        def products(p: Any, q: Any) -> Any:
            return window_products(p, q, RINGS) ** 2

        def square(p: Any) -> Any:
            return window_products(p, p, RINGS)

        for function, values in (
            (differences, (p,)),
            (products, (p, q)),
            (square, (p,)),
        ):
            check_grads(function, values, order=2)


def test_without_cancellation():
    """A million and its neighbours, in single precision."""
    p = jnp.full((3, 3), 1e6, jnp.float32).at[0, 1].add(1)
    assert float(window_differences(p, RINGS)[0, 0]) == np.float32(0.2)
    assert float(window_products(p, p, RINGS)[0, 0]) == np.float32(0.2)


@pytest.mark.parametrize("axes", [(0, 0), (1, None), (None, 0)])
def test_batches(rng, axes):
    stack, single = rng.random((4, 5, 6)), rng.random((5, 6))
    p, q = (single if axis is None else np.moveaxis(stack, 0, axis) for axis in axes)
    with jax.enable_x64(True):
        found = jax.vmap(lambda p, q: window_products(p, q, RINGS), axes)(p, q)
        for k in range(4):
            one, two = (single if axis is None else stack[k] for axis in axes)
            np.testing.assert_allclose(found[k], _by_hand(one, two), 1e-12)

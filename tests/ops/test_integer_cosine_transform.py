"""Daala's transform is the orthonormal DCT but for its roundings."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.integer_cosine_transform import integer_dct


def _samples() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 4096, (8, 3, 500)).astype(np.float32)


def test_it_is_near_the_orthonormal_transform() -> None:
    x = _samples()
    found = np.asarray(integer_dct(jnp.asarray(x)))
    exact = np.einsum("kn,n...->k...", dct_matrix(8), x)
    assert np.array_equal(found, np.round(found))
    # Its factors have four digits or so, its roundings make up to two units.
    np.testing.assert_allclose(found, exact, atol=2.5)


def test_one_unit() -> None:
    """By hand: parts of one unit under a half are lost, others are a unit.

    The first difference is 1 and its half 0, so the sum is 1 as well. Of that sum .71
    goes to line 4 and .92 to line 2, and .67 of line 2 is taken from line 6.
    """
    x = np.zeros((8, 1), np.float32)
    x[0] = 1
    found = np.asarray(integer_dct(jnp.asarray(x)))[:, 0]
    assert found.tolist() == [1, 1, 1, 0, 1, 0, 0, 0]


def test_its_slope_is_that_of_the_orthonormal_transform() -> None:
    x = jnp.asarray(_samples())
    weight = jnp.asarray(np.random.default_rng(3).standard_normal(x.shape), x.dtype)
    found = jax.grad(lambda v: (weight * integer_dct(v)).sum())(x)
    wanted = np.einsum("kn,k...->n...", dct_matrix(8), weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)

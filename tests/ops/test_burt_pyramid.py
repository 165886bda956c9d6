"""Burt and Adelson's pyramid: matrices and sums of slices are the same operation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.ops.burt_pyramid import (
    TAPS,
    expand_axis,
    expansion,
    reduce_axis,
    reduction,
)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 13])
def test_matrices_equal_slices(size: int) -> None:
    x = np.random.default_rng(size).random((size, 3))
    with jax.enable_x64(True):
        for odd in (None, False, True):
            found = np.asarray(reduce_axis(jnp.asarray(x), 0, odd=odd))
            np.testing.assert_allclose(found, reduction(size, odd=odd) @ x, 1e-12)
        low = jnp.asarray(x[: (size + 1) // 2].T)
        found = np.asarray(expand_axis(low, 1, size))
        np.testing.assert_allclose(found, np.asarray(low) @ expansion(size).T, 1e-12)


@pytest.mark.parametrize("size", [6, 7])
def test_borders(size: int) -> None:
    x = np.random.default_rng(size).random(size)
    mirrored = np.pad(x, 2, mode="symmetric")
    wanted = np.correlate(mirrored, TAPS, "valid")[::2]
    np.testing.assert_allclose(reduction(size) @ x, wanted)
    np.testing.assert_allclose(reduction(size).sum(1), 1)
    np.testing.assert_allclose(expansion(size).sum(1), 1)
    # The wrong parity changes the last sample alone, by what the package adds to it.
    last = np.convolve(np.pad(x, 2), TAPS, "valid")[::2][-1]
    for odd in (False, True):
        found = reduction(size, odd=odd) @ x
        added = x[-1] * TAPS[3] + x[-2] * TAPS[4] if odd else x[-1] * TAPS[4]
        np.testing.assert_allclose(found, [*wanted[:-1], last + added])


@pytest.mark.parametrize("length", [5, 6])
def test_padded_images(length: int) -> None:
    """What lies beyond the image has no part."""
    x = np.random.default_rng(length).random((3, 9)).astype(np.float32)
    exact = reduce_axis(jnp.asarray(x[:, :length]), 1)
    found = reduce_axis(jnp.asarray(x), 1, np.int32(length))
    count = (length + 1) // 2
    np.testing.assert_allclose(found[:, :count], exact, 1e-6)
    exact = expand_axis(exact, 1, length)
    found = expand_axis(found, 1, 9, np.int32(count))
    np.testing.assert_allclose(found[:, :length], exact, 1e-6)

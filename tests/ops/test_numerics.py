"""Arithmetic at the edges of single precision, in value and in derivative."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.ops.numerics import decibels, quotient, safe_divide, safe_hypot, safe_sqrt


@pytest.mark.parametrize("size", [1.0, 1e-10, 1e-20, 1e-30])
def test_a_quotient_of_tiny_numbers_has_its_derivatives(size):
    a, b = jnp.float32(3 * size), jnp.float32(2 * size)
    by_a, by_b = jax.grad(quotient, (0, 1))(a, b)
    np.testing.assert_allclose(quotient(a, b), 1.5, rtol=1e-6)
    np.testing.assert_allclose(by_a, 1 / (2 * size), rtol=1e-6)
    np.testing.assert_allclose(by_b, -1.5 / (2 * size), rtol=1e-6)
    _, change = jax.jvp(quotient, (a, b), (a, b))
    np.testing.assert_allclose(change, 0, atol=1e-6)


def test_a_quotient_has_second_derivatives():
    second = jax.grad(jax.grad(quotient, 1), 1)(jnp.float32(3), jnp.float32(2))
    np.testing.assert_allclose(second, 2 * 3 / 2**3, rtol=1e-6)


def test_a_division_by_zero_is_what_was_asked_for_and_has_no_slope():
    a, b = jnp.array([1.0, 2.0, 0.0]), jnp.array([0.0, 4.0, 0.0])
    np.testing.assert_array_equal(safe_divide(a, b, 7.0), [7, 0.5, 7])
    np.testing.assert_array_equal(safe_divide(jnp.float32(1), b), [0, 0.25, 0])
    slopes = jax.grad(lambda a, b: safe_divide(a, b).sum(), (0, 1))(a, b)
    np.testing.assert_array_equal(slopes, [[0, 0.25, 0], [0, -0.125, 0]])


@pytest.mark.parametrize("size", [1.0, 1e-15, 1e-25, 1e15, 1e25])
def test_a_length_whose_squares_are_out_of_range(size):
    a, b = jnp.float32(3 * size), jnp.float32(-4 * size)
    np.testing.assert_allclose(safe_hypot(a, b), 5 * size, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(safe_hypot, (0, 1))(a, b), [0.6, -0.8], 1e-6)


def test_a_length_of_nothing_has_no_slope():
    zero = jnp.float32(0)
    assert safe_hypot(zero, zero) == 0
    assert jax.grad(safe_hypot, (0, 1))(zero, zero) == (0, 0)


def test_the_root_of_a_subnormal_number_is_zero_with_no_slope():
    tiny = jnp.finfo(jnp.float32).tiny
    for value in (0.0, -1.0, float(tiny) / 4):
        assert safe_sqrt(jnp.float32(value)) == 0
        assert jax.grad(safe_sqrt)(jnp.float32(value)) == 0
    np.testing.assert_allclose(safe_sqrt(jnp.float32(tiny)), np.sqrt(tiny), rtol=1e-6)


def test_decibels_of_a_tiny_error_have_a_slope_and_undefined_ones_none():
    noise = jnp.array([1e-24, 0.0, 0.1], jnp.float32)
    defined = noise > 0
    value, slope = jax.vjp(lambda n: decibels(1.0, n, defined), noise)
    np.testing.assert_allclose(value, [240, 0, 10], rtol=1e-5)
    (slopes,) = slope(jnp.ones(3, jnp.float32))
    wanted = -10 / np.log(10) / np.array([1e-24, np.inf, 0.1])
    np.testing.assert_allclose(slopes, wanted, rtol=1e-5)

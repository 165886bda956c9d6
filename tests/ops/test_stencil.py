"""Stencils: their adjoint is what JAX makes of the plain sums."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.ops import stencil
from jiqa.ops.filters import (
    _ShiftedSum,
    _StridedSum,
    _WindowSum,
    box_sum,
    correlate,
    correlate2,
    shifted_sum,
)
from jiqa.ops.steerable_pyramid import _Even, _Odd

_TAPS = (0.5, -1.0, 0.0, 2.0)
_CORNER = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), (0.7, 0.8, 0.9))


STENCILS = {
    "rows": _ShiftedSum(_TAPS, -2),
    "columns": _ShiftedSum(_TAPS, -1),
    "windows": _WindowSum(7, -1),
    "even": _Even(_CORNER, 1),
    "even, every second": _Even(_CORNER, 2),
    "odd in rows": _Odd(-2),
    "odd in columns": _Odd(-1),
    "every third window of rows": _StridedSum((1.0,) * 5, -2, 3),
    "every third window of columns": _StridedSum((1.0,) * 17, -1, 3),
    "every second, weighted": _StridedSum(_TAPS, -1, 2),
}


@pytest.mark.parametrize("size", [(24, 27), (25, 24), (30, 33)])
@pytest.mark.parametrize("name", STENCILS)
def test_adjoint(name: str, size: tuple[int, int], rng: np.random.Generator) -> None:
    rule = STENCILS[name]
    with jax.enable_x64(True):
        x = jnp.asarray(rng.standard_normal((2, *size)))
        plain, pulled = jax.vjp(rule, x)
        ours, ours_pulled = jax.vjp(lambda x: stencil.apply(rule, x), x)
        assert ours.shape == rule.shape(x.shape)
        np.testing.assert_array_equal(ours, plain)
        y = jnp.asarray(rng.standard_normal(ours.shape))
        np.testing.assert_allclose(ours_pulled(y)[0], pulled(y)[0], atol=1e-12)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: correlate(x, _TAPS, (1.0, 2.0, 1.0), "reflect"),
        lambda x: correlate2(x, np.array([[0.0, 1.0], [2.0, -3.0]])),
        lambda x: box_sum(x, 7, "zero", step=2),
        lambda x: shifted_sum(jnp.stack([x, -x], -1), _TAPS, 0),
    ],
)
def test_derivatives(operation: Any, rng: np.random.Generator) -> None:
    """Forwards, backwards and twice, alone and over an axis in the middle."""
    with jax.enable_x64(True):
        x, v = (jnp.asarray(rng.standard_normal((16, 17))) for _ in range(2))

        def energy(x: jax.Array) -> jax.Array:
            return (operation(x) ** 3).sum()

        slope = jax.grad(energy)
        step = 1e-5
        for f in (energy, slope):
            expected = (f(x + step * v) - f(x - step * v)) / (2 * step)
            found = jax.jvp(f, (x,), (v,))[1]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(
            (slope(x) * v).sum(), jax.jvp(energy, (x,), (v,))[1], rtol=1e-12
        )
        stack = jnp.stack([x, 2 * x, v], 1)
        together = jax.vmap(slope, 1, 1)(stack)
        for k, one in enumerate((x, 2 * x, v)):
            np.testing.assert_allclose(together[:, k], slope(one), atol=1e-12)


def test_program_is_short() -> None:
    """The derivative of a window of 41 taps pads one array, not 41."""
    taps = np.arange(41.0) + 1
    slope = jax.grad(lambda x: (shifted_sum(x, taps, -1) ** 2).sum())
    text = jax.jit(slope).lower(jnp.ones((64, 64))).as_text()
    assert text.count("stablehlo.pad") <= 2

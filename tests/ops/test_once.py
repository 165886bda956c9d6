"""Arrays that are computed once: nothing else about them changes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jiqa.ops.once import once, once_backwards

each = pytest.mark.parametrize("mark", [once, once_backwards])


@each
def test_values_are_kept_to_the_bit(mark, rng):
    x = jnp.asarray(rng.normal(0, 1e3, (5, 7)), jnp.float32).at[0, 0].set(0)
    np.testing.assert_array_equal(jax.jit(mark)(x), x)
    np.testing.assert_array_equal(jax.jit(jax.vmap(mark, 1, 1))(x), x)


@each
def test_derivatives_are_kept(mark, rng):
    with jax.enable_x64(True):
        x = jnp.asarray(rng.random((3, 4)))
        check_grads(lambda x: jnp.sin(mark(x * x)), (x,), order=2)


def _fusions(mark: Any) -> int:
    """How many loops a compiled derivative has, of a plane that much uses."""

    def score(x: Any) -> Any:
        shared = mark(x * x + x)
        return sum((jnp.sqrt(shared + k) for k in range(4)), jnp.zeros_like(x)).sum()

    text = jax.jit(jax.grad(score)).lower(jnp.ones(99)).compile().as_text()
    assert text is not None
    return text.count(" fusion(")


def test_it_is_seen_in_what_is_compiled():
    plain = _fusions(lambda x: x)
    assert _fusions(once) > plain
    assert _fusions(once_backwards) > plain

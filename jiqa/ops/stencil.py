"""Sums over shifted copies whose derivative is such a sum again.

Left to itself, JAX differentiates a slice into a padded copy, and a window of 81 taps
into 81 of them: XLA then compiles for half a minute. The adjoint of a stencil is a
stencil on one padded array, as quick to compile and to run as the stencil itself.
"""

from __future__ import annotations

from typing import Any, Protocol

import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Shape = tuple[int, ...]


class Stencil(Protocol):
    """A linear operation over the last axes, counted from the end; hashable."""

    def __call__(self, x: Array, /) -> Array:
        """The sums, from operations of JAX."""
        ...

    def shape(self, shape: Shape) -> Shape:
        """Shape of the result."""
        ...

    def adjoint(self, y: Array, shape: Shape) -> Array:
        """What the transposed operation makes of ``y``: an array of ``shape``.

        Itself by ``apply``, so that it can be differentiated in its turn.
        """
        ...


def apply(stencil: Stencil, x: Array) -> Array:
    """``stencil(x)``, with its own adjoint where JAX differentiates."""
    return _stencil.bind(x, stencil=stencil)


def windows(x: Array, axis: int, before: int, after: int, between: int = 0) -> Array:
    """``x`` with zeros around and between its samples; ``axis`` counts from the end."""
    widths = [(0, 0, 0)] * x.ndim
    widths[axis] = (before, after, between)
    return lax.pad(x, jnp.zeros((), x.dtype), widths)


def spread(y: Array, axis: int, count: int, window: int, step: int) -> Array:
    """``y`` with zeros around and between, for the adjoint of a strided window.

    A valid window of ``window`` taps at every sample of the result gives ``count``
    samples: those from which ``y`` was taken, every ``step``-th window.
    """
    length = (y.shape[axis] - 1) * step + 1
    after = count - length
    return windows(y, axis, window - 1, after, step - 1)


def shorter(shape: Shape, axis: int, less: int) -> Shape:
    """``shape`` with ``less`` samples fewer along ``axis``, counted from the end."""
    out = list(shape)
    out[axis] -= less
    return tuple(out)


_stencil = Primitive("stencil")


def _run(x: Array, *, stencil: Stencil) -> Array:
    return stencil(x)


def _shaped(x: Any, *, stencil: Stencil) -> Any:
    return x.update(shape=stencil.shape(x.shape), weak_type=False)


def _transposed(y: Any, x: Any, *, stencil: Stencil) -> list[Any]:
    if type(y) is ad.Zero:
        return [ad.Zero(x.aval)]
    return [stencil.adjoint(y, x.aval.shape)]


def _batched(args: Any, axes: Any, *, stencil: Stencil) -> Any:
    (x,), (axis,) = args, axes
    return apply(stencil, jnp.moveaxis(x, axis, 0)), 0


_stencil.def_impl(_run)
_stencil.def_abstract_eval(_shaped)
ad.deflinear2(_stencil, _transposed)
batching.primitive_batchers[_stencil] = _batched
mlir.register_lowering(_stencil, mlir.lower_fun(_run, multiple_results=False))

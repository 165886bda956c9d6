"""Weighted sums of differences to a window's centre, and of products of them.

What is added comes from ``p_i - p_0``, so that nothing large cancels, and pixels of one
weight are added first, so that sums of whole numbers are exact. Both are operations of
JAX whose derivatives are such sums again; of its own, JAX would make a padded array of
every pixel of the window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jiqa.ops import stencil
from jiqa.ops.stencil import Shape

#: By weight the corners, counted from the window's first, of the pixels that have it;
#: the centre is left out. The window is symmetric about its centre, and odd.
Rings = tuple[tuple[float, tuple[tuple[int, int], ...]], ...]


def window_differences(p: Array, rings: Rings) -> Array:
    """Sum of ``w_i (p_i - p_0)`` in every window that lies within.

    Args:
        p: ``[..., H, W]``.
        rings: the window, of side n.

    Returns:
        ``[..., H - n + 1, W - n + 1]``.
    """
    return stencil.apply(_Differences(rings), p)


def window_products(p: Array, q: Array, rings: Rings) -> Array:
    """Sum of ``w_i (p_i - p_0) (q_i - q_0)``; shapes as in ``window_differences``."""
    return _products.bind(p, q, rings=rings)


def _side(rings: Rings) -> int:
    return 1 + max(i for _, corners in rings for i, _ in corners)


def _summed(term: Callable[..., Array], rings: Rings, *arrays: Array) -> Array:
    """Sum of ``term``, of each array at the pixel and at the centre, over a window."""
    side = _side(rings)
    height, width = (n - side + 1 for n in arrays[0].shape[-2:])

    def at(i: int, j: int) -> list[Array]:
        return [x[..., i : i + height, j : j + width] for x in arrays]

    centre = at(side // 2, side // 2)
    total = jnp.zeros_like(centre[0])
    for weight, corners in rings:
        ring = jnp.zeros_like(total)
        for i, j in corners:
            pairs = zip(at(i, j), centre, strict=True)
            ring = ring + term(*(x for pair in pairs for x in pair))
        total = total + weight * ring
    return total


def _enlarged(x: Array, by: int) -> Array:
    for axis in (-2, -1):
        x = stencil.windows(x, axis, by, by)
    return x


class _Differences(NamedTuple):
    """``window_differences`` as a stencil: the window is symmetric, so it adjoins."""

    rings: Rings

    def __call__(self, x: Array, /) -> Array:
        return _summed(lambda p, centre: p - centre, self.rings, x)

    def shape(self, shape: Shape) -> Shape:
        less = _side(self.rings) - 1
        return (*shape[:-2], shape[-2] - less, shape[-1] - less)

    def adjoint(self, y: Array, shape: Shape) -> Array:
        return stencil.apply(self, _enlarged(y, _side(self.rings) - 1))


def _product(p: Array, q: Array, *, rings: Rings) -> Array:
    return _summed(lambda p, p0, q, q0: (p - p0) * (q - q0), rings, p, q)


def _adjoint(g: Array, p: Array, *, rings: Rings) -> Array:
    """What q gets from g: the sum of ``w_i (g_i + g_0) (p_0 - p_i)`` around it."""
    side = _side(rings)
    g, p = _enlarged(g, side - 1), _enlarged(p, side // 2)
    return _summed(lambda g, g0, p, p0: (g + g0) * (p0 - p), rings, g, p)


def _shaped(p: Any, q: Any, *, rings: Rings) -> Any:
    return p.update(shape=_Differences(rings).shape(p.shape), weak_type=False)


def _batched(args: Any, axes: Any, *, rings: Rings) -> Any:
    first = [
        x[None] if axis is None else jnp.moveaxis(x, axis, 0)
        for x, axis in zip(args, axes, strict=True)
    ]
    first = jnp.broadcast_arrays(*first)
    return _products.bind(*first, rings=rings), 0


_products = Primitive("window_products")
_products.def_impl(_product)
_products.def_abstract_eval(_shaped)
ad.defbilinear(
    _products,
    lambda g, p, q, *, rings: _adjoint(g, q, rings=rings),
    lambda g, p, q, *, rings: _adjoint(g, p, rings=rings),
)
batching.primitive_batchers[_products] = _batched
mlir.register_lowering(_products, mlir.lower_fun(_product, multiple_results=False))

"""Arrays that XLA computes once, however many use them.

On the CPU XLA puts what an operation is made from into the loop of every operation
that uses it, as long as that consists of sums and products. In derivatives, where
everything is used several times, hundreds of operations are so computed again and
again, and compiled as often. It stops before a division, so these divide by a one that
it does not know to be one. Its ``optimization_barrier`` is gone by then.
"""

from __future__ import annotations

from typing import Any

from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir


def once(x: Array) -> Array:
    """The array ``x`` of finite numbers, computed once; its derivative too."""
    return x / lax.stop_gradient(1 + 0 * x)


def once_backwards(x: Array) -> Array:
    """The array ``x``, whose derivative, of finite numbers, is computed once."""
    return _marked.bind(x)


def _transposed(y: Any, x: Any) -> list[Any]:
    return [ad.Zero(x.aval) if type(y) is ad.Zero else once(y)]


def _batched(args: Any, axes: Any) -> Any:
    return _marked.bind(args[0]), axes[0]


_marked = Primitive("once_backwards")
_marked.def_impl(lambda x: x)
_marked.def_abstract_eval(lambda x: x)
ad.deflinear2(_marked, _transposed)
batching.primitive_batchers[_marked] = _batched
mlir.register_lowering(_marked, mlir.lower_fun(lambda x: x, multiple_results=False))

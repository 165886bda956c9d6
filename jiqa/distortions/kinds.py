"""Kinds of distortion: pure functions of an image, a strength and a key."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Kind:
    """One type of distortion with the strengths that its authors published.

    Attributes:
        name: the type, such as ``"gaussian_blur"``; unique in its set.
        apply: ``apply(image, parameter, key)``: the distorted image of an image
            ``[H, W, C]``, floating point in [0, 1], C = 1 or 3. Same shape, type and
            range; deterministic for a key.
        levels: one parameter a level, the weakest first: level 1 is ``levels[0]``.
        where: ``"jax"`` if ``apply`` can be traced (``jit``, ``vmap``, accelerators);
            ``"codec"`` if it runs on the host, through an image codec.
        number: the number that the set's authors give the type, if any.
        note: what a user has to know: a gap that was filled, another order.
        traced: whether ``parameter`` may be a traced number too (or a tuple of such),
            so that one compiled program serves all levels.
    """

    name: str
    apply: Callable[..., Any]
    levels: tuple[Any, ...]
    where: Literal["jax", "codec"] = "jax"
    number: int | None = None
    note: str = ""
    traced: bool = False


@functools.cache
def without_key(
    operation: Callable[..., Any], **options: Any
) -> Callable[[Any, Any, Any], Any]:
    """``apply`` of a deterministic ``operation(image, parameter, **options)``.

    Of one operation with one set of options it is one function, so that kinds share
    what they compile.
    """

    @functools.wraps(operation)
    def apply(image: Any, parameter: Any, key: Any) -> Any:
        return operation(image, parameter, **options)

    return apply

"""Distort an image: one function for every distortion of every set."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jiqa.checks import expected
from jiqa.core.images import as_image, check_range, is_traced, to_float
from jiqa.distortions.kinds import Kind
from jiqa.distortions.registry import get_kind


def distort(image: Any, kind: str | Kind, level: int, key: Any) -> Any:
    """Make one distorted version of an image.

    Pure and deterministic: the same arguments give the same image. Kinds that are
    written in JAX compile once per shape (and per level, where the strength decides
    the program), and inside the caller's own ``jit`` or ``vmap`` are transparent; those
    that go through an image codec run on the host, outside of both.

    Args:
        image: one image ``[H, W, C]``, floating point in [0, 1], uint8 or uint16.
        kind: a name as ``list_kinds`` gives it, or a ``Kind``.
        level: strength, 1 (weakest) to the number of the kind's levels; 0 gives the
            image back.
        key: a JAX random key, or an integer to make one from. Deterministic kinds
            ignore it.

    Returns:
        ``[H, W, C]`` in [0, 1], float32 (or the floating type of the input if wider);
        a JAX array, of a codec's kind a NumPy array.

    Raises:
        ValueError: an unknown kind or level, an input that is no image, is too small or
            lacks the channels that the kind requires; a codec under a trace.
    """
    image = as_image(image, "image")
    if image.ndim != 3:
        raise ValueError(
            expected(
                "image",
                "one image [H, W, C]",
                f"shape {tuple(image.shape)}",
                "use jax.vmap for a batch",
            )
        )
    check_range(image, "image")
    chosen = get_kind(kind) if isinstance(kind, str) else kind
    level = operator.index(level)
    if not 0 <= level <= len(chosen.levels):
        wanted = f"1 to {len(chosen.levels)}, or 0 for the image itself"
        raise ValueError(expected(f"level of {chosen.name}", wanted, f"{level}"))
    if chosen.where == "codec" and is_traced(image):
        raise ValueError(
            f"{chosen.name} runs an image codec on the host; it cannot be used inside "
            "jit or vmap"
        )
    if level == 0:
        return to_float(image)
    if isinstance(key, int | np.integer):
        key = jax.random.key(key)
    parameter = chosen.levels[level - 1]
    if chosen.where == "codec":
        return chosen.apply(np.asarray(to_float(image)), parameter, key)
    return _shared(chosen.apply, chosen.traced)(image, parameter, key)


def compiled(kind: Kind) -> Any:
    """The compiled program ``(image, parameter, key) -> image`` of a JAX kind.

    Compiled once per shape, and per level unless the kind's parameter is traced.
    """
    return _compiled(kind.apply, kind.traced)


def _compiled(apply: Callable[..., Any], traced: bool) -> Any:
    def run(image: Any, parameter: Any, key: Any) -> Any:
        return apply(to_float(image), parameter, key)

    return jax.jit(run, static_argnums=() if traced else (1,))


#: Kinds of several sets share one operation, with different strengths.
_shared = functools.lru_cache(maxsize=256)(_compiled)

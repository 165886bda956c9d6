"""What every metric accepts as an image, checked before anything is computed.

An image is an array ``[..., H, W, C]`` with C = 1 (grey) or 3 (sRGB), either floating
point in [0, 1] or uint8/uint16, which are divided by 255 or 65535 here and nowhere
else. All code that comes after this check may rely on it.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jiqa.checks import expected

#: Overshoot that interpolation and float rounding leave on images in [0, 1].
RANGE_SLACK = 1e-3

_INTEGER_PEAK = {"uint8": 255, "uint16": 65535}


def is_traced(x: Any) -> bool:
    """Whether ``x`` is an abstract value inside ``jit``, ``grad`` or ``vmap``."""
    return isinstance(x, Tracer)


def as_image(x: Any, name: str) -> Array | np.ndarray:
    """Return ``x`` as an array after checking shape, channels and dtype.

    Args:
        x: array-like ``[..., H, W, C]``.
        name: the argument's name, for messages.

    Raises:
        ValueError: wrong number of dimensions or channels, or a wrong dtype.
    """
    if not isinstance(x, (jax.Array, np.ndarray)) and not is_traced(x):
        x = np.asarray(x)
    if x.ndim < 3:
        raise ValueError(
            expected(
                name,
                "shape [..., height, width, channels]",
                f"shape {tuple(x.shape)}",
                "a grey image needs a last axis of 1: image[..., None]",
            )
        )
    if x.shape[-1] not in (1, 3):
        hint = (
            "the channels seem to come first: jnp.moveaxis(image, -3, -1)"
            if x.shape[-3] in (1, 3)
            else "drop or composite the alpha channel first"
            if x.shape[-1] in (2, 4)
            else ""
        )
        raise ValueError(
            expected(
                name,
                "1 (grey) or 3 (RGB) channels in the last axis",
                f"{x.shape[-1]}, shape {tuple(x.shape)}",
                hint,
            )
        )
    if not (jnp.issubdtype(x.dtype, jnp.floating) or str(x.dtype) in _INTEGER_PEAK):
        wanted = "floating point in [0, 1], uint8 or uint16"
        raise ValueError(expected(name, wanted, f"dtype {x.dtype}"))
    return x


def was_checked(x: Any) -> bool:
    """Whether this very JAX array, which is immutable, has passed the checks before."""
    seen = _SEEN.get(id(x))
    return seen is not None and seen() is x


def check_range(x: Array | np.ndarray, name: str) -> None:
    """Raise ``ValueError`` for concrete floating point values outside [0, 1]."""
    if was_checked(x):
        return
    if not jnp.issubdtype(x.dtype, jnp.floating) or is_traced(x) or not x.size:
        return
    # A concrete image may be a constant inside the caller's jit: it is checked now.
    with jax.ensure_compile_time_eval():
        low, high = (float(v) for v in _extremes(x))
    if low >= -RANGE_SLACK and high <= 1 + RANGE_SLACK:
        if isinstance(x, jax.Array):
            _SEEN[id(x)] = weakref.ref(x, functools.partial(_forget, id(x)))
        return
    if np.isnan(low) or np.isnan(high):
        raise ValueError(expected(name, "values in [0, 1]", "NaN"))
    hint = (
        "divide by 255 or pass uint8"
        if high > 2
        else "map [-1, 1] by (image + 1) / 2"
        if low >= -1 - RANGE_SLACK and high <= 1 + RANGE_SLACK
        else ""
    )
    raise ValueError(
        expected(name, "values in [0, 1]", f"values from {low:.6g} to {high:.6g}", hint)
    )


#: JAX arrays that have passed the check. They are immutable, and checking one costs as
#: much as a mean squared error.
_SEEN: dict[int, weakref.ref[jax.Array]] = {}


def _forget(key: int, _: Any) -> None:
    _SEEN.pop(key, None)


@jax.jit
def _extremes(x: Array) -> tuple[Array, Array]:
    # A full reduction is one long scalar chain on the CPU; rows first vectorises.
    flat = x.reshape(-1, x.shape[-1] * x.shape[-2])
    return jnp.min(flat.min(0)), jnp.max(flat.max(0))


def check_same_shape(reference: Any, distorted: Any) -> None:
    """Raise ``ValueError`` unless both images have the same shape."""
    if reference.shape != distorted.shape:
        raise ValueError(
            expected(
                "distorted",
                f"the shape of the reference, {tuple(reference.shape)}",
                f"shape {tuple(distorted.shape)}",
            )
        )


def check_min_side(shape: tuple[int, ...], minimum: int, metric: str) -> None:
    """Raise ``ValueError`` if the shorter side of ``[..., H, W, C]`` is too small."""
    height, width = shape[-3], shape[-2]
    if min(height, width) < minimum:
        raise ValueError(
            expected(
                metric,
                f"images with a shorter side of at least {minimum} pixels",
                f"{width}x{height} (width x height)",
            )
        )


def to_float(x: Array | np.ndarray) -> Array:
    """Scale integers to [0, 1] and raise half precision to float32.

    uint8 and uint16 become the default float type (float64 where x64 is on).
    ``(k / 255) * 255`` gives back ``k`` exactly in float32 and float64, so a metric
    that its authors define on 0..255 loses nothing here.
    """
    peak = _INTEGER_PEAK.get(str(x.dtype))
    if peak is not None:
        floats = jnp.asarray(x).astype(jnp.result_type(float))
        # The compiler turns division by a constant or a scalar into a product, and a
        # product fuses into the next subtraction: then identical images would differ
        # by a rounding error. It cannot know that all entries of this divisor are one
        # number.
        divisor = jnp.where(floats <= peak, float(peak), 1.0).astype(floats.dtype)
        return floats / divisor
    if jnp.finfo(x.dtype).bits < 32:
        return jnp.asarray(x).astype(jnp.float32)
    return jnp.asarray(x)

"""What every metric accepts as an image, checked before anything is computed.

An image is an array ``[..., H, W, C]`` with C = 1 (grey) or 3 (sRGB), either floating
point in [0, 1] or uint8/uint16, which are divided by 255 or 65535 here and nowhere
else. Metrics of high dynamic range, which say so, take linear light of 0 or more in its
place. All code that comes after this check may rely on it.
"""

from __future__ import annotations

import functools
import os
import weakref
from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.experimental import checkify

from jiqa.checks import expected


class SupportsArray(Protocol):
    """What NumPy can convert: tensors of other libraries, images of Pillow."""

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return it as an array."""
        ...


#: What metrics take as an image ``[..., H, W, C]``.
Image: TypeAlias = Array | np.ndarray | SupportsArray | list[Any]

#: Overshoot that interpolation and float rounding leave on images in [0, 1].
RANGE_SLACK = 1e-3

_INTEGER_PEAK = {"uint8": 255, "uint16": 65535}


_process: int | None = None


def check_process() -> None:
    """Raise ``RuntimeError`` in a process forked after the first call of a metric.

    The threads that JAX computes with do not exist in it: it would wait for ever.
    """
    global _process
    if _process is None:
        _process = os.getpid()
    elif _process != os.getpid():
        raise RuntimeError(
            "this process was forked from one in which JAX was running, and cannot "
            "compute: start it by multiprocessing.get_context('spawn') or "
            "'forkserver', or fork before the first score"
        )


def is_traced(x: Any) -> bool:
    """Whether ``x`` is an abstract value inside ``jit``, ``grad`` or ``vmap``."""
    return isinstance(x, Tracer)


def as_array(x: Any, name: str) -> Array | np.ndarray:
    """Return ``x`` as an array that JAX reads right.

    JAX takes the bytes of a NumPy array for the machine's own order, whatever the dtype
    says, so an array in the other order (``">f4"``) is copied. The tensors of other
    libraries are taken as they convert to NumPy.

    Args:
        x: array-like.
        name: the argument's name, for messages.

    Raises:
        ValueError: it cannot be converted, or hides samples by a mask.
    """
    if isinstance(x, jax.Array):
        return x
    if not isinstance(x, np.ndarray):
        if hasattr(x, "__jax_array__"):
            return x.__jax_array__()
        try:
            x, given = np.asarray(x), x
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(expected(name, _WANTED, _kind(x), reason)) from None
        if x.dtype.kind in "OSU":
            raise ValueError(expected(name, _WANTED, _kind(given)))
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            hint = "image.filled(0) has all of them"
            raise ValueError(
                expected(name, _WANTED, "an array whose mask hides samples", hint)
            )
        x = x.data
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


_WANTED = "an array of numbers [..., height, width, channels]"


def _kind(x: Any) -> str:
    return f"an object of type {type(x).__module__}.{type(x).__qualname__}".replace(
        "builtins.", ""
    )


def as_image(x: Any, name: str) -> Array | np.ndarray:
    """Return ``x`` as an array after checking shape, channels and dtype.

    Args:
        x: array-like ``[..., H, W, C]``; see ``as_array``.
        name: the argument's name, for messages.

    Raises:
        ValueError: no array, wrong number of dimensions or channels, or a wrong dtype.
    """
    x = as_array(x, name)
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
    floating = jnp.issubdtype(x.dtype, jnp.floating) and x.dtype.itemsize <= 8
    if not (floating or str(x.dtype) in _INTEGER_PEAK):
        wanted = "floating point of up to 64 bits in [0, 1], uint8 or uint16"
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
        inside = bool(_inside(x))
        low, high = (0.0, 1.0) if inside else (float(v) for v in _extremes(x))
    if inside:
        if isinstance(x, jax.Array):
            _SEEN[id(x)] = weakref.ref(x, functools.partial(_forget, id(x)))
        return
    if np.isnan(low):
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


def check_light(x: Array | np.ndarray, name: str) -> None:
    """Raise ``ValueError`` for concrete values that are no light: negative or infinite.

    This takes the place of ``check_range`` where images are linear light.
    """
    if was_checked(x) or not jnp.issubdtype(x.dtype, jnp.floating):
        return
    if is_traced(x) or not x.size:
        return
    with jax.ensure_compile_time_eval():
        low, high = (float(v) for v in _extremes(x))
    if not (low >= -RANGE_SLACK and high < np.inf):
        got = "NaN" if np.isnan(low) else f"values from {low:.6g} to {high:.6g}"
        hint = "set negative light to 0" if low < 0 else ""
        raise ValueError(expected(name, _LIGHT, got, hint))


_LIGHT = "linear light, finite and 0 or more"


def check_traced_range(x: Any, name: str, *, light: bool = False) -> None:
    """Check values inside ``jit``, ``grad`` or ``vmap`` by ``checkify.check``.

    JAX refuses the program unless the caller wraps it by ``checkify.checkify``.

    Args:
        x: the image.
        name: the argument's name, for messages.
        light: whether it is linear light; see ``check_light``.
    """
    if not is_traced(x) or not jnp.issubdtype(x.dtype, jnp.floating) or not x.size:
        return
    low, high = _extremes(x)
    wanted = _LIGHT if light else "values in [0, 1]"
    message = expected(name, wanted, "values from {low} to {high}")
    right = (low >= -RANGE_SLACK) & (high < np.inf) if light else _inside(x)
    checkify.check(right, message, low=low, high=high)


#: JAX arrays that have passed the check. They are immutable, and checking one costs as
#: much as a mean squared error.
_SEEN: dict[int, weakref.ref[jax.Array]] = {}


def _forget(key: int, _: Any) -> None:
    _SEEN.pop(key, None)


@jax.jit
def _inside(x: Array) -> Array:
    """Whether all values are in [0, 1], but for the slack; NaN is not.

    A full reduction is one long scalar chain on the CPU; rows first vectorises. Arrays
    that are sharded by explicit axes would refuse to be reshaped for it.
    """
    inside = (x >= -RANGE_SLACK) & (x <= 1 + RANGE_SLACK)
    return inside.all(tuple(range(x.ndim - 2))).all()


@jax.jit
def _extremes(x: Array) -> tuple[Array, Array]:
    """Smallest and largest value; both NaN if one is, which XLA's minimum may miss."""
    unknown = jnp.isnan(x).any()
    low, high = (jnp.where(unknown, jnp.nan, v) for v in (x.min(), x.max()))
    return low, high


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


def check_same_devices(reference: Any, distorted: Any) -> None:
    """Raise ``ValueError`` if two images were put on different devices."""
    pair = (reference, distorted)
    if any(is_traced(x) or not isinstance(x, jax.Array) for x in pair):
        return
    one, other = (x.sharding.device_set for x in pair)
    if one != other and reference.committed and distorted.committed:
        wanted = f"an array on the devices of the reference ({_names(one)})"
        hint = "jax.device_put(distorted, reference.sharding)"
        raise ValueError(expected("distorted", wanted, f"one on {_names(other)}", hint))


def _names(devices: set[Any]) -> str:
    return ", ".join(sorted(map(str, devices)))


def check_min_side(
    shape: tuple[int, ...], minimum: int, metric: str, side: str = "shorter"
) -> None:
    """Raise ``ValueError`` if a side of ``[..., H, W, C]`` is too small."""
    height, width = shape[-3], shape[-2]
    if (min if side == "shorter" else max)(height, width) < minimum:
        raise ValueError(
            expected(
                metric,
                f"images with a {side} side of at least {minimum} pixels",
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

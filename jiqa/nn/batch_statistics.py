"""Batch normalisation during training: statistics, and one backward pass for them.

With the name of a devices' axis the statistics are those of the batch on all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.nn.operations import wide


def statistics_of(x: Array, axis: str | None = None) -> tuple[Array, Array, int]:
    """Mean and variance ``[C]`` of ``[..., C]`` over all devices, and of how many.

    The variance is that of the samples (divided by their number), from differences to
    the common mean, so that nothing large cancels.
    """
    samples = x.astype(wide(x.dtype))
    over = tuple(range(x.ndim - 1))
    shared = (lambda v: v) if axis is None else (lambda v: lax.pmean(v, axis))
    mean = shared(samples.mean(over))
    variance = shared(jnp.square(samples - mean).mean(over))
    return mean, variance, _count(x, axis)


def running(
    parameters: Mapping[str, Any],
    mean: Array,
    variance: Array,
    count: int,
    *,
    momentum: float = 0.9,
) -> dict[str, Array]:
    """The statistics to keep: old ones by ``momentum``, the batch's by the rest.

    As in PyTorch the variance that is kept is divided by one sample less.
    """
    unbiased = variance * (count / max(count - 1, 1))
    return {
        part: lax.stop_gradient(
            momentum * jnp.asarray(parameters[part], new.dtype) + rest
        )
        for part, new in (("mean", mean), ("variance", unbiased))
        for rest in ((1 - momentum) * new,)
    }


def normalised(
    x: Array, parameters: Mapping[str, Any], epsilon: float, axis: str | None = None
) -> tuple[Array, Array, Array, int]:
    """``(x - mean) / sqrt(variance + epsilon) scale + bias`` of a batch.

    Derivatives of the statistics are in those of the output. What JAX finds by itself
    reads the maps twice as often, which is what this takes: time by memory.

    Args:
        x: ``[..., C]``.
        parameters: ``scale`` and ``bias`` ``[C]``.
        epsilon: added to the variance.
        axis: of the devices that share statistics.

    Returns:
        The maps in the dtype of ``x``, and ``statistics_of(x)``, which carry no
        derivative here.
    """
    dtype = wide(x.dtype)
    scale, bias = (jnp.asarray(parameters[k]).astype(dtype) for k in ("scale", "bias"))
    found: Any = _normalised(epsilon, axis, x, scale, bias)
    y, mean, variance = found
    return y, mean, variance, _count(x, axis)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _normalised(
    epsilon: float, axis: str | None, x: Array, scale: Array, bias: Array
) -> tuple[Array, Array, Array]:
    mean, variance, _ = statistics_of(x, axis)
    factor = scale * lax.rsqrt(variance + epsilon)
    y = x.astype(factor.dtype) * factor + (bias - mean * factor)
    return y.astype(x.dtype), mean, variance


def _forward(
    epsilon: float, axis: str | None, x: Array, scale: Array, bias: Array
) -> tuple[Any, Any]:
    found: Any = _normalised(epsilon, axis, x, scale, bias)
    _, mean, variance = found
    return found, (x, scale, mean, lax.rsqrt(variance + epsilon))


def _backward(
    epsilon: float, axis: str | None, kept: Any, slopes: Any
) -> tuple[Array, Array, Array]:
    x, scale, mean, rate = kept
    slope = slopes[0].astype(rate.dtype)
    samples = x.astype(rate.dtype)
    over = tuple(range(x.ndim - 1))
    of_bias = slope.sum(over)
    of_scale = (slope * (samples - mean)).sum(over) * rate
    # The statistics hang together on all devices, and so do the losses through them.
    shared = (lambda v: v) if axis is None else (lambda v: lax.psum(v, axis))
    count = _count(x, axis)
    straight = scale * rate
    by_sample = -straight * rate * shared(of_scale) / count
    constant = -straight * shared(of_bias) / count - by_sample * mean
    of_x = straight * slope + by_sample * samples + constant
    return of_x.astype(x.dtype), of_scale, of_bias


_normalised.defvjp(_forward, _backward)


def _count(x: Array, axis: str | None) -> int:
    devices = 1 if axis is None else lax.axis_size(axis)
    return devices * x.size // x.shape[-1]

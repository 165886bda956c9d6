"""Networks as they run while they are trained: batch statistics, and dropout.

The same nodes as in ``jiqa.nn.layers.run``; only batch normalisation, which takes the
statistics of the batch in hand, and nodes with dropout differ. With the name of a
devices' axis the statistics are those of the batch on all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.nn.kernel_gradients import LearnedConv
from jiqa.nn.layers import Node, walk
from jiqa.nn.operations import BatchNorm, Conv, wide


def run_training(
    nodes: Sequence[Node],
    params: Mapping[str, Any],
    images: Array,
    taps: Sequence[str],
    *,
    axis: str | None = None,
    batch_statistics: bool = True,
    momentum: float = 0.9,
    key: Array | None = None,
    dropout: Mapping[str, float] | None = None,
    dtype: Any = None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Outputs of the nodes in ``taps``, and the new running statistics.

    Args:
        nodes: the network.
        params: its parameters, flat, running statistics among them.
        images: preprocessed, ``[..., H, W, C]``.
        taps: names of nodes.
        axis: of the devices that share statistics; ``None`` for one device.
        batch_statistics: whether batch normalisation takes those of the batch; else
            the running ones, which then stay.
        momentum: what a running statistic keeps of itself at each step; 0.9 is
            PyTorch's default.
        key: random numbers of the dropout; ``None`` for none.
        dropout: rate by name of the node whose output it thins.
        dtype: to compute in; by default that of ``images``.

    Returns:
        The outputs by tap, as ``run`` gives them, and by flat key the running means
        and variances of the nodes that were computed.
    """
    found: dict[str, Array] = {}

    def step(node: Node, own: Mapping[str, Any], inputs: Sequence[Array]) -> Array:
        if batch_statistics and isinstance(node.op, BatchNorm):
            batch = statistics_of(inputs[0], axis)
            new = running(own, *batch, momentum=momentum)
            found.update({f"{node.name}.{part}": v for part, v in new.items()})
            mean, variance, _ = batch
            own = {**own, "mean": mean, "variance": variance}
        op = LearnedConv.of(node.op) if isinstance(node.op, Conv) else node.op
        y = op(own, *inputs)
        rate = (dropout or {}).get(node.name, 0.0)
        if key is None or not rate:
            return y
        return thinned(jax.random.fold_in(key, zlib.crc32(node.name.encode())), y, rate)

    outputs = walk(nodes, params, images, taps, step, dtype=dtype)
    return outputs, found


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
    devices = 1 if axis is None else lax.axis_size(axis)
    return mean, variance, devices * x.size // x.shape[-1]


def running(
    own: Mapping[str, Any],
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
        part: lax.stop_gradient(momentum * jnp.asarray(own[part], new.dtype) + rest)
        for part, new in (("mean", mean), ("variance", unbiased))
        for rest in ((1 - momentum) * new,)
    }


def thinned(key: Array, x: Array, rate: float) -> Array:
    """Dropout: each number is 0 with probability ``rate``, else divided by the rest."""
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0).astype(x.dtype)

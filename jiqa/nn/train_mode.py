"""Networks as they run while they are trained: batch statistics, and dropout.

The same nodes as in ``jiqa.nn.graph.run``; only batch normalisation, which takes the
statistics of the batch in hand, and nodes with dropout differ. With the name of a
devices' axis the statistics are those of the batch on all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.nn.batch_statistics import normalised, running
from jiqa.nn.graph import Node, walk
from jiqa.nn.kernel_gradients import LearnedConv
from jiqa.nn.operations import BatchNorm, Conv


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

    def step(
        node: Node, parameters: Mapping[str, Any], inputs: Sequence[Array]
    ) -> Array:
        if batch_statistics and isinstance(node.op, BatchNorm):
            y, mean, variance, count = normalised(
                inputs[0], parameters, node.op.epsilon, axis
            )
            new = running(parameters, mean, variance, count, momentum=momentum)
            found.update({f"{node.name}.{part}": v for part, v in new.items()})
        else:
            op = LearnedConv.of(node.op) if isinstance(node.op, Conv) else node.op
            y = op(parameters, *inputs)
        rate = (dropout or {}).get(node.name, 0.0)
        if key is None or not rate:
            return y
        return thinned(jax.random.fold_in(key, zlib.crc32(node.name.encode())), y, rate)

    outputs = walk(nodes, params, images, taps, step, dtype=dtype)
    return outputs, found


def thinned(key: Array, x: Array, rate: float) -> Array:
    """Dropout: each number is 0 with probability ``rate``, else divided by the rest."""
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0).astype(x.dtype)

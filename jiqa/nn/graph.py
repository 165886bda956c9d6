"""Networks as data, small graphs of named nodes, and their evaluation.

A network is a tuple of nodes in order of computation. ``run`` takes its parameters as
one flat dictionary (``"conv1_1.kernel"``, ``"conv1_1.bias"``) and returns the outputs
of the nodes that were asked for; nodes that these do not need are not computed. Nothing
here knows Flax.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, unknown
from jiqa.nn import parameters
from jiqa.nn.operations import Operation
from jiqa.nn.preprocessing import Preprocessing

#: The name of the first node's input.
IMAGES = "images"


@dataclass(frozen=True)
class Node:
    """One step of a network.

    Attributes:
        name: the name by which it is tapped, and the prefix of its parameters' keys.
        op: what it computes.
        inputs: names of the nodes that feed it; by default the previous node.
    """

    name: str
    op: Operation
    inputs: tuple[str, ...] = ()


#: How ``walk`` computes a node: from it, its parameters and its inputs.
Step = Callable[[Node, Mapping[str, Any], Sequence[Array]], Array]


class Network:
    """The base class of every network's configuration.

    Attributes:
        trunk: the last feature map; what does not lead to it is head, and may lack.
        preprocess: images in [0, 1] to what the network was trained on.
    """

    trunk: str
    preprocess: Preprocessing

    def layers(self) -> tuple[Node, ...]:
        """The graph; its last node is ``"logits"``."""
        raise NotImplementedError

    def apply(
        self,
        params: Mapping[str, Any],
        images: Array,
        taps: Sequence[str],
        *,
        dtype: Any = None,
    ) -> dict[str, Array]:
        """Feature maps of preprocessed images; see ``run``."""
        return run(self.layers(), params, images, taps, dtype=dtype)

    def logits(
        self, params: Mapping[str, Any], images: Array, *, dtype: Any = None
    ) -> Array:
        """Scores of the classes, ``[..., classes]``, of preprocessed images."""
        return self.apply(params, images, ["logits"], dtype=dtype)["logits"]


def linked(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The same nodes, each with its inputs named."""
    before = (IMAGES, *(node.name for node in nodes))
    return tuple(
        node if node.inputs else dataclasses.replace(node, inputs=(previous,))
        for node, previous in zip(nodes, before, strict=False)
    )


def until(nodes: Sequence[Node], taps: Sequence[str]) -> tuple[Node, ...]:
    """The nodes that ``taps`` need, themselves included, in order.

    Raises:
        ValueError: no tap, or one that no node carries; names the closest.
    """
    names = [node.name for node in nodes]
    if isinstance(taps, str) or not taps:
        raise ValueError(expected("taps", "a sequence of layer names", repr(taps)))
    for tap in taps:
        if tap not in names:
            known = names if len(names) < 60 else [*names[:20], "...", *names[-20:]]
            hint = f"layers are {', '.join(known)}"
            raise ValueError(unknown("layer", tap, names, hint))
    needed = set(taps)
    kept = []
    for node in reversed(linked(nodes)):
        if node.name in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def shapes(nodes: Sequence[Node], channels: int = 3) -> dict[str, tuple[int, ...]]:
    """Every parameter's key and shape, in the order of the nodes."""
    found: dict[str, tuple[int, ...]] = {}
    widths = {IMAGES: channels}
    for node in linked(nodes):
        came = [widths[name] for name in node.inputs]
        widths[node.name] = node.op.channels(*came)
        for part, shape in node.op.parameters(*came).items():
            found[f"{node.name}.{part}"] = shape
    return found


def required(config: Network) -> dict[str, tuple[int, ...]]:
    """Keys and shapes that a set of weights must have: all up to the trunk."""
    return shapes(until(config.layers(), [config.trunk]))


def min_side(nodes: Sequence[Node], taps: Sequence[str], samples: int = 1) -> int:
    """The smallest side of an image that leaves ``samples`` along it at every tap.

    Where branches halve the map in different ways, some larger sides do not work.
    """
    used, sides = until(nodes, taps), itertools.count(1)
    return next(n for n in sides if fits(used, taps, n, n, samples=samples))


def fits(
    nodes: Sequence[Node],
    taps: Sequence[str],
    rows: int,
    columns: int,
    *,
    samples: int = 1,
) -> bool:
    """Whether images of that size leave ``samples`` along both axes at every tap.

    Not where branches would have to join maps of different sizes.
    """
    sizes = {IMAGES: (rows, columns)}
    for node in until(nodes, taps):
        rows, columns = sizes[node.inputs[0]]
        if any(sizes[name] != (rows, columns) for name in node.inputs):
            return False
        sizes[node.name] = node.op.size(rows, 0), node.op.size(columns, 1)
        if min(sizes[node.name]) < (samples if node.name in taps else 1):
            return False
    return True


@functools.partial(jax.jit, static_argnums=1)
def initial(
    key: Array, shapes: tuple[tuple[str, tuple[int, ...]], ...]
) -> dict[str, Array]:
    """Random float32 parameters: kernels as He et al. (2015) draw them.

    Normal, with variance 2 / (inputs x window). Scales and variances are 1, biases and
    means 0.

    Args:
        key: of JAX's random numbers.
        shapes: the items of ``shapes``.
    """
    kernels = {k: math.prod(s) for k, s in shapes if k.endswith(".kernel")}
    # One long draw: to compile one for each kernel takes a minute.
    numbers = jax.random.normal(key, (sum(kernels.values()),), jnp.float32)
    found, start = {}, 0
    for name, shape in shapes:
        if name in kernels:
            stop = start + kernels[name]
            spread = math.sqrt(2 / math.prod(shape[:-1]))
            found[name] = spread * numbers[start:stop].reshape(shape)
            start = stop
        else:
            value = 1 if name.endswith((".scale", ".variance")) else 0
            found[name] = jnp.full(shape, value, jnp.float32)
    return found


def run(
    nodes: Sequence[Node],
    params: Mapping[str, Any],
    images: Array,
    taps: Sequence[str],
    *,
    dtype: Any = None,
) -> dict[str, Array]:
    """Compute the outputs of the nodes named in ``taps``, and only what they need.

    Args:
        nodes: the network.
        params: its parameters, flat; those of nodes that are not reached may lack.
        images: preprocessed, ``[..., H, W, C]``.
        taps: names of nodes.
        dtype: to compute in; by default that of ``images``. ``jnp.bfloat16`` moves
            logits by 0.01 to 0.02 of the largest.

    Returns:
        By tap, ``[..., h, w, c]`` in that dtype, or ``[..., c]`` where a network no
        longer has a map.

    Raises:
        ValueError: an unknown tap, parameters that are missing or misshapen, or images
            of a size at which branches of the network no longer meet.
    """
    return walk(nodes, params, images, taps, _inferred, dtype=dtype)


def _inferred(node: Node, own: Mapping[str, Any], inputs: Sequence[Array]) -> Array:
    return node.op(own, *inputs)


def walk(
    nodes: Sequence[Node],
    params: Mapping[str, Any],
    images: Array,
    taps: Sequence[str],
    step: Step,
    *,
    dtype: Any = None,
) -> dict[str, Array]:
    """``run``, with every node computed by ``step(node, its parameters, inputs)``."""
    used = until(nodes, taps)
    wanted = shapes(used, images.shape[-1])
    parameters.check(params, wanted, "parameters", others=True)
    lead = images.shape[:-3]
    x = images.reshape(-1, *images.shape[-3:])
    values = {IMAGES: x.astype(dtype or x.dtype)}
    last_use = {name: k for k, node in enumerate(used) for name in node.inputs}
    for k, node in enumerate(used):
        inputs = [values[name] for name in node.inputs]
        own = {
            part: params[f"{node.name}.{part}"]
            for part in node.op.parameters(*(v.shape[-1] for v in inputs))
        }
        came = {v.shape[1:-1]: None for v in inputs}
        if len(came) > 1:
            raise ValueError(
                f"images of {images.shape[-3:-1]} do not fit this network: "
                f"{node.name!r} would join maps of shapes "
                f"{' and '.join(map(str, came))}"
            )
        values[node.name] = step(node, own, inputs)
        for name in set(node.inputs) - set(taps):
            if last_use[name] == k:
                del values[name]
    return {tap: values[tap].reshape(*lead, *values[tap].shape[1:]) for tap in taps}

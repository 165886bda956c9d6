"""A network applied to patches of an image one by one, as one node of a network."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.nn.graph import Node, run, shapes, until
from jiqa.nn.operations import Operation, Params

#: Patches that go through the network together, at most.
_TOGETHER = 16


@dataclass(frozen=True)
class ByPatch(Operation):
    """All outputs of a network for each square patch.

    Each patch has its own zeros around it, so that neighbours share nothing. The output
    is a map of patches; its channels are the maps of the taps, one after the other,
    each in the order channel, row, column.

    Attributes:
        nodes: the network.
        taps: names of its nodes.
        window: side of a patch.
        stride: between patches. Only those that lie inside the image count.
    """

    nodes: tuple[Node, ...]
    taps: tuple[str, ...]
    window: int
    stride: int
    padding: int = 0

    def channels(self, *inputs: int) -> int:
        """All numbers of all taps."""
        return sum(self.widths(*inputs))

    def widths(self, channels: int = 3) -> tuple[int, ...]:
        """How many numbers each tap has."""
        sides, depths = {"images": self.window}, {"images": channels}
        for node in until(self.nodes, self.taps):
            sides[node.name] = node.op.size(sides[node.inputs[0]], 0)
            depths[node.name] = node.op.channels(*(depths[n] for n in node.inputs))
        return tuple(depths[tap] * sides[tap] ** 2 for tap in self.taps)

    def parameters(self, *inputs: int) -> dict[str, tuple[int, ...]]:
        """Those of the network, up to the deepest tap."""
        return shapes(until(self.nodes, self.taps), inputs[0])

    def size(self, n: int, axis: int) -> int:
        """Patches that lie inside."""
        return (n - self.window) // self.stride + 1

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``[N, rows, columns, channels]``."""
        (x,) = inputs
        rows, columns = (self.size(n, axis) for axis, n in enumerate(x.shape[1:3]))
        corners = [
            (row * self.stride, column * self.stride)
            for row, column in itertools.product(range(rows), range(columns))
        ]
        count = len(corners)
        rounds = -(-count // _TOGETHER)
        together = -(-count // rounds)
        # A shorter last round would be compiled for itself.
        corners += corners[-1:] * (rounds * together - count)

        def one(image: Array) -> Array:
            def of_patch(corner: Array) -> Array:
                start = (corner[0], corner[1], jnp.zeros((), corner.dtype))
                shape = (self.window, self.window, image.shape[-1])
                return self._seen(params, jax.lax.dynamic_slice(image, start, shape))

            found = jax.lax.map(
                of_patch, np.asarray(corners, np.int32), batch_size=together
            )
            return found[:count].reshape(rows, columns, -1)

        return jnp.stack([one(image) for image in x])

    def _seen(self, params: Params, patch: Array) -> Array:
        found = run(self.nodes, params, patch, self.taps)
        return jnp.concatenate([_flat(found[tap]) for tap in self.taps])


def _flat(maps: Array) -> Array:
    return maps.transpose(2, 0, 1).reshape(-1)

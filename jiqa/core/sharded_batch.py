"""A batch that is sharded over devices is computed where it lies.

XLA cannot divide a loop over images, nor most transforms, among devices: it would send
every image to every device. So each device gets a program for its own images. Which
mesh the images are on can be read from their types while they are traced.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec


class Layout(NamedTuple):
    """How the leading dimensions of a batch are divided among the devices of a mesh."""

    mesh: AbstractMesh
    lead: PartitionSpec


def layout_of(batch: Any, lead: tuple[int, ...]) -> Layout | None:
    """The layout of arrays with common leading dimensions; ``None`` on one device.

    With explicit axes it is that of the array that is sharded most. Automatic axes do
    not show what they divide before the program is compiled: as many of them as divide
    one of the leading dimensions are taken to divide it.
    """
    shardings = [jax.typeof(x).sharding for x in jax.tree.leaves(batch)]
    shardings = [s for s in shardings if not s.mesh.empty]
    if not shardings:
        return None
    mesh: AbstractMesh = shardings[0].mesh
    if mesh.explicit_axes:
        specs = [s.spec[: len(lead)] for s in shardings]
        most = max(specs, key=lambda spec: sum(entry is not None for entry in spec))
        return Layout(mesh, PartitionSpec(*most))
    size, index, axes = max(
        (
            (math.prod(mesh.shape[axis] for axis in axes), -index, axes)
            for index, count in enumerate(lead)
            for axes in _subsets(mesh.auto_axes)
            if count and count % math.prod(mesh.shape[axis] for axis in axes) == 0
        ),
        key=lambda found: found[:2],
        default=(1, 0, ()),
    )
    if size == 1:
        return None
    return Layout(mesh, PartitionSpec(*[None] * -index, axes))


def _subsets(axes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Subsets of the axes of a mesh; of equal sizes the first axes come first."""
    counts = range(len(axes) + 1)
    return [part for n in counts for part in itertools.combinations(axes, n)]


def where_it_lies(
    function: Callable[[Any, Any], Any], layout: Layout, whole: Any, batch: Any
) -> Any:
    """``function(whole, batch)``, on every device for its part of the batch.

    Args:
        function: what is computed; the leading dimensions of its results are those of
            the batch.
        layout: how the leading dimensions are divided.
        whole: a tree of arrays that every device needs whole.
        batch: a tree of arrays with the leading dimensions.
    """
    mesh, lead = layout
    if mesh.explicit_axes:  # nothing else may be sharded, say by rows of the images
        whole = _resharded(whole, NamedSharding(mesh, PartitionSpec()))
        batch = _resharded(batch, NamedSharding(mesh, lead))
    return jax.shard_map(
        function,
        mesh=mesh,
        in_specs=(PartitionSpec(), lead),
        out_specs=lead,
        axis_names=frozenset(mesh.axis_names) - frozenset(mesh.manual_axes),
        check_vma=False,
    )(whole, batch)


def _resharded(tree: Any, sharding: NamedSharding) -> Any:
    return jax.tree.map(lambda x: jax.sharding.reshard(x, sharding), tree)

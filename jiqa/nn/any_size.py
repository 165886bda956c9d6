"""Networks on images of any size that lie in arrays of one size.

The first rows and columns of every map belong to the image; how many, follows from the
image's size as the sizes of whole maps do, while the program runs. Operations whose
windows reach beyond the image find their border there (``Operation.within``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jax import Array

from jiqa.nn.graph import IMAGES, Node, until, walk
from jiqa.ops.extent import Extent, keep


def map_extents(
    nodes: Sequence[Node], taps: Sequence[str], extent: Extent
) -> dict[str, Extent]:
    """What of every map up to ``taps``, and of ``IMAGES``, belongs to the image."""
    found = {IMAGES: extent}
    for node in until(nodes, taps):
        found[node.name] = node.op.extent(found[node.inputs[0]])
    return found


def run_within(
    nodes: Sequence[Node],
    params: Mapping[str, Any],
    images: Array,
    taps: Sequence[str],
    extent: Extent,
) -> dict[str, Array]:
    """``run`` on images of which only ``extent`` counts.

    Args:
        nodes: see ``run``.
        params: see ``run``.
        images: preprocessed, ``[..., H, W, C]``, finite and arbitrary outside.
        taps: see ``run``.
        extent: what of all images is the image; a size that the network takes
            (``fits``), since here it is not checked.

    Returns:
        By tap, maps as ``run`` has them, of which ``map_extents`` counts; what lies
        outside is finite and arbitrary.

    Raises:
        ValueError: see ``run``; the arrays themselves must have a size that fits.
    """
    extents = map_extents(nodes, taps, extent)

    def step(node: Node, own: Mapping[str, Any], inputs: Sequence[Array]) -> Array:
        return node.op.within(extents[node.inputs[0]], own, *inputs)

    return walk(nodes, params, images, taps, step)


def channel_means(x: Array, extent: Extent | None = None) -> Array:
    """Means of the channels of maps ``[..., h, w, C]``, or of what counts of them."""
    # Both axes at once: along the rows alone XLA takes ten times as long on the CPU.
    if extent is None:
        return x.mean((-3, -2))
    found = keep(x, extent, axis=x.ndim - 3).sum((-3, -2))
    return found / extent.count(x.dtype)

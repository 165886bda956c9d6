"""A comparison of maps as sums over tiles of an image.

Every step goes over all tiles: it summarises each tile, the summaries are merged, and
the result is available to the steps that follow. A whole image is one tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.ops.extent import Extent, keep

_ALL = slice(None)
#: What of each map belongs to the image, by the name of the layer; all of the others.
Extents = Mapping[str, Extent]


class Mean(NamedTuple):
    """A mean over the samples of a tile, and their number."""

    value: Array
    count: Array

    def then(self, linear: Callable[[Array], Array]) -> Mean:
        """The mean of a linear function of the same samples."""
        return Mean(linear(self.value), self.count)


class TilePosition(NamedTuple):
    """Where a tile lies in the whole of one map; rows, then columns.

    Attributes:
        size: samples of the whole map; arrays where ``extent`` says so.
        origin: the whole map's indices of the tile's first inner sample.
        inner: the samples that belong to this tile alone; the rest is the halo, which
            belongs to its neighbours.
        extent: what of the inner samples belongs to the image, if not all do; what else
            there is is finite and arbitrary.
    """

    size: tuple[Any, Any]
    origin: tuple[Any, Any] = (0, 0)
    inner: tuple[slice, slice] = (_ALL, _ALL)
    extent: Extent | None = None


class Tile(NamedTuple):
    """Feature maps ``[h, w, maps]`` of a pair in one tile of the image.

    Attributes:
        reference: maps by the name of the layer, and ``"image"``.
        distorted: the same for the other image.
        positions: the position of the tile in each map.
        known: the merged summaries of each of the previous steps.
    """

    reference: Mapping[str, Array]
    distorted: Mapping[str, Array]
    positions: Mapping[str, TilePosition]
    known: tuple[Any, ...] = ()

    def pair(self, name: str) -> tuple[Array, Array]:
        """The maps of one layer for both images, with their halo."""
        return self.reference[name], self.distorted[name]

    def inner(self, name: str, values: Array) -> Array:
        """The values of a layer's inner samples, without the halo."""
        return values[self.positions[name].inner]

    def extent(self, name: str) -> Extent | None:
        """What of a layer's samples belongs to the image, if not all do."""
        return self.positions[name].extent

    def keep(self, name: str, values: Array) -> Array:
        """``[h, w, ...]`` with zeros where a layer's samples are not the image's."""
        return keep(values, self.extent(name), axis=0)

    def count(self, name: str, values: Array) -> Any:
        """The number of a layer's inner samples that are the image's."""
        extent = self.extent(name)
        if extent is not None:
            return extent.count(values.dtype)
        return math.prod(self.inner(name, values).shape[:2])

    def mean(self, name: str, values: Array) -> Mean:
        """The mean of ``[h, w, ...]`` over its inner samples, ``[...]``.

        Rows first: float32 rounds less than in one long sum.
        """
        inner = self.inner(name, values)
        count = jnp.asarray(self.count(name, values), inner.dtype)
        if self.extent(name) is not None:
            return Mean(self.keep(name, inner).sum(0).sum(0) / count, count)
        return Mean(inner.mean(0).mean(0), count)


def together(a: Any, b: Any) -> Any:
    """Merge the trees of means and sums of two tiles."""

    def merged(a: Any, b: Any) -> Any:
        if not isinstance(a, Mean):
            return a + b
        # Equal means stay exactly what they are.
        count = a.count + b.count
        return Mean(a.value + (b.value - a.value) * (b.count / count), count)

    return jax.tree.map(merged, a, b, is_leaf=_is_mean)


def settled(tree: Any) -> Any:
    """The merged summary of all tiles, with means as plain arrays."""
    return jax.tree.map(lambda v: v.value if _is_mean(v) else v, tree, is_leaf=_is_mean)


def _is_mean(value: Any) -> bool:
    return isinstance(value, Mean)


class Step(NamedTuple):
    """One pass over all tiles.

    Attributes:
        summarise: ``(params, options, tile)``: a tree of arrays and means.
        merge: from the trees of two tiles without common inner samples to that of both.
    """

    summarise: Callable[..., Any]
    merge: Callable[[Any, Any], Any] = together


@dataclass(frozen=True)
class TileReduction:
    """A comparison in steps.

    Attributes:
        steps: in order.
        finish: ``(params, options, *known)``: the score from the result of each step.
        halo: samples that a step needs around its inner samples.
        work: memory of a step, in maps of the largest layer.
    """

    steps: tuple[Step, ...]
    finish: Callable[..., Any]
    halo: int = 0
    work: int = 0


def over_whole_maps(
    reduction: TileReduction,
    params: Any,
    options: Any,
    reference: Mapping[str, Array],
    distorted: Mapping[str, Array],
    extents: Extents = MappingProxyType({}),
) -> Any:
    """The score of whole maps, or of what of them belongs to the image."""
    positions: dict[str, TilePosition] = {}
    for name, maps in reference.items():
        extent = extents.get(name)
        size = maps.shape[:2] if extent is None else (extent.rows, extent.cols)
        positions[name] = TilePosition((size[0], size[1]), extent=extent)
    known: tuple[Any, ...] = ()
    for step in reduction.steps:
        tile = Tile(reference, distorted, positions, known)
        known = (*known, settled(step.summarise(params, options, tile)))
    return reduction.finish(params, options, *known)

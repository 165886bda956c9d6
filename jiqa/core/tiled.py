"""Deep metrics of images too large for memory: tile by tile, with the same result.

A sample of a feature map depends on a few hundred pixels around it. A tile is cut out
with that margin, its features are computed, the samples of the margin are dropped, and
the rest is summed. All tiles together have every sample of the whole image's maps
exactly once, computed from the same pixels. Where the comparison itself uses windows of
samples, a halo of that size stays around the tile's inner samples.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jiqa.core.bound_metric import BoundMetric
from jiqa.core.deep_metric import tapped_features
from jiqa.core.feature_spec import DeepSteps, Options, Params
from jiqa.core.images import to_float
from jiqa.core.tile_plan import Span, tile_spans
from jiqa.core.tile_reduction import Tile, TilePosition, settled
from jiqa.nn.receptive_field import Reach, map_sizes, reaches

_IMAGE = "image"


class _Stretch(NamedTuple):
    """A tile's samples of one map along one axis.

    ``inner`` is their number and ``begin`` the index of the first among those that the
    tile has, ``whole`` the samples of the whole map.
    """

    begin: int
    inner: int
    whole: int


#: By the name of the map: along rows and columns.
_Layout = tuple[tuple[str, tuple[_Stretch, _Stretch]], ...]


def tiled(
    member: BoundMetric,
    sets: Mapping[str, Mapping[str, Any]],
    reference: Any,
    distorted: Any,
    *,
    memory: int,
) -> Any:
    """Score one pair ``[H, W, C]`` in tiles that need about ``memory`` bytes.

    Args:
        member: a deep metric with its options.
        sets: parameters by the name of their set of weights and by key.
        reference: image.
        distorted: image of the same shape.
        memory: bytes for the features of one tile of both images.

    Raises:
        ValueError: the metric, or one of its options, needs the whole image at once,
            or ``memory`` is less than the smallest tile needs.
    """
    assert member.metric.deep is not None
    deep, options = member.metric.deep, member.deep_options
    params = member.flat_params(sets)
    spec, reduction = deep.spec(options), deep.tile_reduction(options)
    found = {_IMAGE: Reach(), **reaches(spec.nodes, spec.taps)}
    height, width = reference.shape[:2]
    sizes = {_IMAGE: (height, width)}
    sizes |= map_sizes(spec.nodes, spec.taps, height, width)
    pair = (reference, distorted)
    kinds = (jax.eval_shape(to_float, image).dtype for image in pair)
    dtype = jnp.promote_types(*kinds)
    rows, columns = tile_spans(spec, reduction, memory, (height, width))
    known: tuple[Any, ...] = ()
    for index, step in enumerate(reduction.steps):
        total = None
        for tile in itertools.product(rows, columns):
            part = _summary(
                deep,
                options,
                index,
                _layout(found, sizes, tile),
                _origins(found, tile),
                params,
                known,
                *(_cut(image, *tile).astype(dtype) for image in pair),
            )
            total = part if total is None else step.merge(total, part)
        known = (*known, settled(total))
    return reduction.finish(params, options, *known)


def _cut(image: Any, row: Span, column: Span) -> Any:
    return to_float(image[row.start : row.stop, column.start : column.stop])


def _layout(
    found: Mapping[str, Reach],
    sizes: Mapping[str, tuple[int, int]],
    tile: tuple[Span, Span],
) -> _Layout:
    """Where the inner samples of every map lie among all samples of a tile."""
    return tuple(
        (
            name,
            (
                _stretch(tile[0], reach.stride, sizes[name][0]),
                _stretch(tile[1], reach.stride, sizes[name][1]),
            ),
        )
        for name, reach in found.items()
    )


def _stretch(span: Span, stride: int, whole: int) -> _Stretch:
    first = span.first // stride
    inner = (whole if span.ends else span.last // stride) - first
    return _Stretch((span.first - span.start) // stride, inner, whole)


def _origins(
    found: Mapping[str, Reach], tile: tuple[Span, Span]
) -> dict[str, tuple[int, int]]:
    """The whole map's indices of the tile's first inner sample."""
    row, column = tile
    return {
        name: (row.first // reach.stride, column.first // reach.stride)
        for name, reach in found.items()
    }


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _summary(
    deep: DeepSteps,
    options: Options,
    index: int,
    layout: _Layout,
    origins: Mapping[str, tuple[Any, Any]],
    params: Params,
    known: tuple[Any, ...],
    reference: Any,
    distorted: Any,
) -> Any:
    """What a tile contributes to a step."""
    reduction, spec = deep.tile_reduction(options), deep.spec(options)
    pair = [tapped_features(spec, params, x) for x in (reference, distorted)]
    positions: dict[str, TilePosition] = {}
    for name, stretches in layout:
        kept, inner = zip(
            *(
                _with_halo(stretch, count, reduction.halo)
                for stretch, count in zip(stretches, pair[0][name].shape, strict=False)
            ),
            strict=True,
        )
        for features in pair:
            features[name] = features[name][kept]
        size = (stretches[0].whole, stretches[1].whole)
        positions[name] = TilePosition(size, origins[name], inner)
    return reduction.steps[index].summarise(
        params, options, Tile(pair[0], pair[1], positions, known)
    )


def _with_halo(stretch: _Stretch, count: int, halo: int) -> tuple[slice, slice]:
    """The slice of ``count`` samples to keep, and that of the inner ones among these.

    A halo that would extend beyond the edge of the whole map ends there.
    """
    end = stretch.begin + stretch.inner
    start, stop = max(0, stretch.begin - halo), min(count, end + halo)
    return slice(start, stop), slice(stretch.begin - start, end - start)

"""Pyramids of feature histograms: where each feature responds, and how much."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.core.tile_reduction import Step, Tile, TilePosition, TileReduction
from jiqa.metrics.parts.feature_maps import pooled_layers
from jiqa.nn import NETWORKS
from jiqa.ops.numerics import product, safe_divide

_BLOCKS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_LAYERS = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "vgg16": _BLOCKS,
    "vgg19": _BLOCKS,
}
_LEVELS = (0, 1, 2, 3)


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *_LAYERS)
    one_of("level_weights", options.level_weights, "reciprocal", "uniform")
    one_of("pool_layer", options.pool_layer, "geometric", "mean")
    one_of("output", options.output, "score", "layers")
    levels = options.levels
    if not levels or any(not 0 <= level <= 6 for level in levels):
        raise ValueError(expected("levels", "whole numbers from 0 to 6", repr(levels)))
    return tapped((options.net,), NETWORKS[options.net].layers(), _layers(options))


def _layers(options: Options) -> tuple[str, ...]:
    return options.layers or _LAYERS[options.net]


def _tiles(options: Options) -> TileReduction:
    return TileReduction((Step(_responses),), _intersected)


def _responses(params: Params, options: Options, tile: Tile) -> list[Any]:
    """Sum each layer's responses in the cells of each level, for both images."""
    return [
        [
            [
                _in_cells(maps, tile.positions[name], 2**level)
                for maps in tile.pair(name)
            ]
            for level in options.levels
        ]
        for name in _layers(options)
    ]


def _in_cells(maps: Array, position: TilePosition, side: int) -> Array:
    """Sum of each map in each of ``side`` x ``side`` cells, ``[side^2, maps]``.

    Negative responses count as none.
    """
    h, w, width = maps.shape
    rows, columns = (
        _cells(n, side, origin, whole, maps.dtype)
        for n, origin, whole in zip((h, w), position.origin, position.size, strict=True)
    )
    by_row = product(rows, jnp.maximum(maps, 0).reshape(h, -1))
    by_row = jnp.moveaxis(by_row.reshape(side, w, width), 1, 0).reshape(w, -1)
    return product(columns, by_row).reshape(-1, width)


def _cells(count: int, cells: int, origin: Any, length: int, dtype: Any) -> Array:
    """Which of ``count`` samples from ``origin`` lie in which cell, ``[cells, count]``.

    Cells overlap by a sample where their number does not divide the ``length`` of the
    whole, and share samples where there are fewer than cells: none is empty.
    """
    index = np.arange(cells, dtype=np.int32)[:, None]
    start, stop = index * length // cells, -(-(index + 1) * length // cells)
    position = jnp.arange(count, dtype=jnp.int32) + origin
    return ((position >= start) & (position < stop)).astype(dtype)


def _intersected(params: Params, options: Options, responses: list[Any]) -> Array:
    scores = []
    for levels in responses:
        total, weights = jnp.zeros((), levels[0][0].dtype), 0.0
        for level, pair in zip(options.levels, levels, strict=True):
            weight = 1 / (level + 1) if options.level_weights == "reciprocal" else 1.0
            x, y = (safe_divide(v, v.sum(-1, keepdims=True)) for v in pair)
            total = total + weight * _intersection(x, y).mean()
            weights += weight
        scores.append(total / weights)
    return pooled_layers(scores, options.pool_layer, options.output)


def _intersection(x: Array, y: Array) -> Array:
    """Sum of the smaller shares: 1 - |x - y| / 2, exactly 1 for equal histograms."""
    x_empty, y_empty = (jnp.all(v == 0, -1) for v in (x, y))
    apart = jnp.abs(x - y).sum(-1) / 2
    # An empty cell beside a full one shares nothing with it.
    return 1 - apart - 0.5 * (x_empty != y_empty).astype(x.dtype)


@deep_metric(
    title="Similarity of CNN feature histograms",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "S. A. Amirshahi, M. Pedersen and S. X. Yu, 'Image quality assessment by "
        "comparing CNN features between images', Journal of Imaging Science and "
        "Technology 60(6), 2016, doi:10.2352/J.ImagingSci.Technol.2016.60.6.060410"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "after the abstract and the authors' earlier pyramids of histograms; what is "
        "open is an argument"
    ),
    tiles=_tiles,
    spec=_spec,
)
def cnn_histogram(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "alexnet",
    layers: tuple[str, ...] | None = None,
    levels: tuple[int, ...] = _LEVELS,
    level_weights: str = "reciprocal",
    pool_layer: str = "geometric",
    output: str = "score",
) -> Array:
    """Intersection of pyramids of feature histograms (after Amirshahi et al. 2016).

    At level l a layer's maps are cut into 2^l x 2^l cells. The histogram of a cell has
    one bin for each map: its share in the response of all maps there. Two images agree
    in a cell by the sum of the smaller shares; that is averaged over the cells, then
    over the levels by weight, then over the layers. A cell without any response agrees
    fully with another such, and not at all with others.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"alexnet"`` (the authors'), ``"vgg16"`` or ``"vgg19"``.
        layers: names of layers; by default the rectified convolutions of AlexNet, or
            the last of each block of VGG: shares need responses that are not negative
            (negative ones count as 0).
        levels: of the pyramid. The authors' pyramids of other features have four.
        level_weights: ``"reciprocal"``, 1 / (l + 1), which trusts coarse cells more, as
            their earlier work does; or ``"uniform"``.
        pool_layer: ``"geometric"`` mean over the layers, as in their later metric, or
            ``"mean"``.
        output: ``"score"``, or ``"layers"`` for each layer's.

    Returns:
        ``[...]``, 1 for identical images, higher is better; or ``[..., layers]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

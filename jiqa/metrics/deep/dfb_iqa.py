"""DFB-IQA: the angle between deep features of two images."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.core.tile_reduction import Mean, Step, Tile, TileReduction
from jiqa.metrics.parts.feature_maps import (
    directions_apart,
    layers_added,
    unit_difference,
)
from jiqa.nn import NETWORKS

_BLOCKS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_LAYERS = {
    "vgg16": _BLOCKS,
    "vgg19": _BLOCKS,
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
}
#: What one cosine is taken over: the axes of ``[h, w, maps]``.
_AXES = {"place": (2,), "map": (0, 1), "layer": (0, 1, 2)}


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *_LAYERS)
    one_of("cosine", options.cosine, *_AXES)
    one_of("output", options.output, "score", "layers", "maps")
    if options.output == "maps" and options.cosine != "map":
        wanted = "'map' with output='maps'"
        raise ValueError(expected("cosine", wanted, repr(options.cosine)))
    return tapped((options.net,), NETWORKS[options.net].layers(), _layers(options))


def _layers(options: Options) -> tuple[str, ...]:
    return options.layers or _LAYERS[options.net]


def _tiles(options: Options) -> TileReduction:
    if options.cosine == "place":
        return TileReduction((Step(_by_place),), _joined)
    return TileReduction((Step(_lengths), Step(_apart)), _by_length)


def _by_place(params: Params, options: Options, tile: Tile) -> list[Mean]:
    """Means of the distances at each position."""
    found = []
    for name in _layers(options):
        x, y = tile.pair(name)
        apart = jnp.square(unit_difference(x, y, (2,))).sum(2)
        found.append(tile.mean(name, _distance(apart, *(_seen(v, 2) for v in (x, y)))))
    return found


def _lengths(params: Params, options: Options, tile: Tile) -> list[Any]:
    """Squared length of each map, or layer, and whether it has any feature."""
    axes = _AXES[options.cosine]
    return [
        [
            ((v * v).sum(axes), _seen(v, axes))
            for v in (tile.keep(name, v) for v in tile.pair(name))
        ]
        for name in _layers(options)
    ]


def _apart(params: Params, options: Options, tile: Tile) -> list[Array]:
    """Squared distance of their directions."""
    found = []
    for name, lengths in zip(_layers(options), tile.known[0], strict=True):
        squares = (square for square, _ in lengths)
        apart = tile.keep(name, directions_apart(*tile.pair(name), *squares))
        found.append(jnp.square(apart).sum(_AXES[options.cosine]))
    return found


def _by_length(
    params: Params, options: Options, lengths: list[Any], apart: list[Array]
) -> Array:
    found = [
        _distance(squared, *(seen for _, seen in pair))
        for squared, pair in zip(apart, lengths, strict=True)
    ]
    if options.output != "maps":
        found = [distances.mean() for distances in found]
    return _joined(params, options, found)


def _joined(params: Params, options: Options, parts: list[Array]) -> Array:
    whole = layers_added(params, options, parts)
    return whole / len(parts) if options.output == "score" else whole


def _seen(x: Array, axes: int | tuple[int, ...]) -> Array:
    """1 where there is a feature, 0 where all are 0; to be added up."""
    return (x != 0).any(axes).astype(jnp.int32)


def _distance(squared: Array, x_seen: Array, y_seen: Array) -> Array:
    """1 - cosine, which is half the squared distance of the directions."""
    # Without any feature there is no direction, and half the distance is 1/2 only.
    one_empty = (x_seen == 0) != (y_seen == 0)
    return squared / 2 + 0.5 * one_empty.astype(squared.dtype)


@deep_metric(
    title="Deep feature based image quality",
    direction="lower",
    range=(0.0, 1.0),
    identity=0.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "X. Hou, K. Sun, B. Liu, Y. Gong, J. Garibaldi and G. Qiu, on deep feature "
        "based image quality assessment (DFB-IQA), IEEE VCIP 2018"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "the paper's text gives the cosine distance of deep features; network, layers, "
        "and what a cosine is taken over are arguments"
    ),
    tiles=_tiles,
    spec=_spec,
)
def dfb_iqa(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
    cosine: str = "place",
    output: str = "score",
) -> Array:
    """Cosine distance of deep features (after Hou et al. 2018).

    For each layer the mean of ``1 - cos(F_r, F_d)`` over all positions; then the mean
    over the layers. Features that are zero in one image only are at distance 1, in both
    at distance 0.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"vgg16"``, ``"vgg19"`` or ``"alexnet"``. The paper's is not known; VGG is
            what its authors used in their other work.
        layers: names of layers, each of equal weight. By default the first rectified
            convolution of each block, as its authors chose for a perceptual loss: one
            a scale; of AlexNet every one.
        cosine: taken over the channels at each ``"place"``, over the positions of each
            ``"map"``, or over the whole ``"layer"``. By position, because that compares
            which features occur where, as the paper's pictures do.
        output: ``"score"``, ``"layers"`` for the distance of each layer, or ``"maps"``
            for that of each map, with ``cosine="map"``.

    Returns:
        ``[...]``, 0 for identical images, lower is better; ``[..., layers]`` or
        ``[..., maps]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

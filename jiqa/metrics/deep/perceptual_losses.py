"""Content and style losses: distances of features, and of their correlations."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.deep_metric import deep_metric, tapped, tapped_features
from jiqa.core.feature_spec import FeatureSpec, Maps, Options, Params
from jiqa.core.tile_reduction import Extents, Mean, Step, Tile, TileReduction
from jiqa.metrics.parts.feature_maps import layers_added
from jiqa.nn import NETWORKS
from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import product

_Layers = tuple[str, ...] | None
_ENDS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
#: The layers that count by default.
_STYLE = {
    "vgg16": _ENDS,
    "vgg19": _ENDS,
    "alexnet": ("relu1", "relu2", "relu3", "relu4"),
}
_CONTENT = {net: (layers[2],) for net, layers in _STYLE.items()}
_SHARED: Any = {
    "direction": "lower",
    "range": (0.0, float("inf")),
    "identity": 0.0,
    "symmetric": True,
    "colour": "rgb",
    "citation": (
        "J. Johnson, A. Alahi and L. Fei-Fei, 'Perceptual losses for real-time style "
        "transfer and super-resolution', ECCV 2016, "
        "doi:10.1007/978-3-319-46475-6_43, eqs. (2)-(4)"
    ),
    "fidelity": "paper",
    "fidelity_note": (
        "the paper's equations on torchvision's VGG-16, 1e-5 of them written in NumPy; "
        "there is no value of the authors to compare with"
    ),
}


def _content_layers(options: Options) -> tuple[str, ...]:
    return options.layers or _CONTENT[options.net]


def _content_wiring(options: Options) -> FeatureSpec:
    one_of("net", options.net, *_CONTENT)
    one_of("output", options.output, "score", "layers", "maps")
    layers = NETWORKS[options.net].layers()
    return tapped((options.net,), layers, _content_layers(options))


def _content_tiles(options: Options) -> TileReduction:
    return TileReduction((Step(_errors),), layers_added)


def _errors(params: Params, options: Options, tile: Tile) -> list[Mean]:
    """Mean squared differences, of each layer or each of its maps."""
    found = []
    for name in _content_layers(options):
        x, y = tile.pair(name)
        by_map = tile.mean(name, jnp.square(x - y))
        found.append(by_map if options.output == "maps" else by_map.then(jnp.mean))
    return found


@deep_metric(
    title="Content loss",
    tiles=_content_tiles,
    spec=_content_wiring,
    **_SHARED,
)
def content_loss(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "vgg16",
    layers: _Layers = None,
    output: str = "score",
) -> Array:
    """Mean squared difference of features (Johnson et al. 2016, eq. 2).

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"vgg16"`` (the authors'), ``"vgg19"`` or ``"alexnet"``.
        layers: names of layers, whose losses are added up; ``("relu2_2",)`` is the
            paper's for super-resolution.
        output: ``"score"``, ``"layers"`` for each layer's, or ``"maps"`` for the mean
            squared difference of each feature map.

    Returns:
        ``[...]``, 0 for identical images, lower is better; ``[..., layers]`` or
        ``[..., maps]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...


def _style_layers(options: Options) -> tuple[str, ...]:
    return options.layers or _STYLE[options.net]


def _style_wiring(options: Options) -> FeatureSpec:
    one_of("net", options.net, *_STYLE)
    one_of("output", options.output, "score", "layers")
    layers = NETWORKS[options.net].layers()
    return tapped((options.net,), layers, _style_layers(options))


def _style_features(
    params: Params, options: Options, image: Array, extent: Extent | None = None
) -> dict[str, Array]:
    spec = _style_wiring(options)
    found = tapped_features(spec, params, image, extent)
    names = _style_layers(options)
    if extent is None:
        grams = {k: _gram(found[k], math.prod(found[k].shape[:2])) for k in names}
    else:
        seen = spec.extents(extent)
        grams = {
            k: _gram(keep(found[k], seen[k], axis=0), seen[k].count(image.dtype))
            for k in names
        }
    return {"image": image} | grams


def _gram(x: Array, positions: Any) -> Array:
    """The Gram matrix of maps, ``[maps, maps]``: mean products over the map's size."""
    flat = x.reshape(-1, x.shape[-1])
    return product(flat.T, flat) / (positions * x.shape[-1])


def _style(
    params: Params,
    options: Options,
    reference: Maps,
    distorted: Maps,
    extents: Extents = MappingProxyType({}),
) -> Array:
    parts = [
        jnp.square(reference[k] - distorted[k]).sum() for k in _style_layers(options)
    ]
    return layers_added(params, options, parts)


def _style_tiles(options: Options) -> TileReduction:
    return TileReduction((Step(_grams),), _of_grams)


def _grams(params: Params, options: Options, tile: Tile) -> list[dict[str, Array]]:
    """What the tile adds to each layer's matrix, for both images."""
    names = _style_layers(options)
    return [
        {
            name: _gram(maps[name], math.prod(tile.positions[name].size))
            for name in names
        }
        for maps in (tile.reference, tile.distorted)
    ]


def _of_grams(params: Params, options: Options, grams: list[dict[str, Array]]) -> Array:
    reference, distorted = grams
    return _style(params, options, reference, distorted)


@deep_metric(
    title="Style loss",
    tiles=_style_tiles,
    features=_style_features,
    compare=_style,
    any_size=lambda options: True,
    spec=_style_wiring,
    **_SHARED,
)
def style_loss(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "vgg16",
    layers: _Layers = None,
    output: str = "score",
) -> Array:
    """Squared difference of Gram matrices (Johnson et al. 2016, eqs. 3 and 4).

    The Gram matrix of a layer holds the products of its maps, summed over the positions
    and divided by their number and the number of maps; it does not depend on position.
    The losses of the layers are added up.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"vgg16"`` (the authors'), ``"vgg19"`` or ``"alexnet"``.
        layers: names of layers.
        output: ``"score"``, or ``"layers"`` for each layer's.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or ``[..., layers]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

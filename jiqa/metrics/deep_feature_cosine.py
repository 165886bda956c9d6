"""DFB-IQA: the angle between deep features of two images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.feature_maps import add_sums, tapped_features, unit_difference
from jiqa.learned import learned_reference, tapped
from jiqa.nn import NETWORKS
from jiqa.numerics import added
from jiqa.options import one_of
from jiqa.wiring import Pieces, Wiring

_BLOCKS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_LAYERS = {
    "vgg16": _BLOCKS,
    "vgg19": _BLOCKS,
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
}
#: What one cosine is taken over: the axes of ``[h, w, maps]``.
_AXES = {"place": (2,), "map": (0, 1), "layer": (0, 1, 2)}


def _wiring(
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
    cosine: str = "place",
    output: str = "score",
) -> Wiring:
    one_of("net", net, *_LAYERS)
    one_of("cosine", cosine, *_AXES)
    one_of("output", output, "score", "layers", "maps")
    if output == "maps" and cosine != "map":
        raise ValueError(f'output="maps" with cosine={cosine!r}; needed is "map"')
    return tapped((net,), NETWORKS[net].layers(), layers or _LAYERS[net])


def _features(
    params: Mapping[str, Any],
    image: Array,
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
) -> dict[str, Array]:
    return tapped_features(net, params, image, layers or _LAYERS[net])


def _compare(
    params: Mapping[str, Any],
    reference: Mapping[str, Array],
    distorted: Mapping[str, Array],
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
    cosine: str = "place",
    output: str = "score",
) -> Array:
    if output == "maps":
        parts = [
            _distance(reference[name], distorted[name], _AXES[cosine])
            for name in layers or _LAYERS[net]
        ]
        return jnp.concatenate(parts)
    found = _sums(params, reference, distorted, net=net, layers=layers, cosine=cosine)
    return _of_sums(params, found, output=output)


def _sums(
    params: Mapping[str, Any],
    reference: Mapping[str, Array],
    distorted: Mapping[str, Array],
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
    cosine: str = "place",
) -> list[tuple[Array, int]]:
    found = []
    for name in layers or _LAYERS[net]:
        distance = _distance(reference[name], distorted[name], _AXES[cosine])
        found.append((distance.sum(), distance.size))
    return found


def _of_sums(
    params: Mapping[str, Any], sums: list[tuple[Array, int]], *, output: str = "score"
) -> Array:
    parts = [whole / count for whole, count in sums]
    return jnp.stack(parts) if output == "layers" else added(parts) / len(parts)


def _distance(x: Array, y: Array, axes: tuple[int, ...]) -> Array:
    """1 - cosine, which is half the squared distance of the directions."""
    between = jnp.square(unit_difference(x, y, axes)).sum(axes) / 2
    # Without any feature there is no direction, and half the distance is 1/2 only.
    x_empty, y_empty = (jnp.all(v == 0, axes) for v in (x, y))
    return between + 0.5 * (x_empty != y_empty).astype(x.dtype)


@learned_reference(
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
    features=_features,
    compare=_compare,
    pieces=Pieces(
        _sums, add_sums, _of_sums, lambda o: o.get("cosine", "place") == "place"
    ),
    wiring=_wiring,
)
def dfb_iqa(
    params: Mapping[str, Any],
    reference: Array,
    distorted: Array,
    *,
    net: str = "vgg16",
    layers: tuple[str, ...] | None = None,
    cosine: str = "place",
    output: str = "score",
) -> Array:
    """Cosine distance of deep features (after Hou et al. 2018).

    For each layer the mean of ``1 - cos(F_r, F_d)`` over all places; then the mean over
    the layers. Features that are zero in one image only are at distance 1, in both at
    distance 0.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"vgg16"``, ``"vgg19"`` or ``"alexnet"``. The paper's is not known; VGG is
            what its authors used in their other work.
        layers: names of layers, each of equal weight. By default the first rectified
            convolution of each block, as its authors chose for a perceptual loss: one
            a scale; of AlexNet every one.
        cosine: taken over the channels at each ``"place"``, over the places of each
            ``"map"``, or over the whole ``"layer"``. By place, because that compares
            what is seen where, as the paper's pictures do.
        output: ``"score"``, ``"layers"`` for the distance of each layer, or ``"maps"``
            for that of each map, with ``cosine="map"``.

    Returns:
        ``[...]``, 0 for identical images, lower is better; ``[..., layers]`` or
        ``[..., maps]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    options: Any = {"net": net, "layers": layers}
    _wiring(**options, cosine=cosine, output=output)
    pair = (_features(params, image, **options) for image in (reference, distorted))
    return _compare(params, *pair, **options, cosine=cosine, output=output)

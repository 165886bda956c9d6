"""DFB-IQA: the angle between deep features of two images."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.feature_maps import add_sums, unit_difference
from jiqa.learned import learned_reference, tapped
from jiqa.nn import NETWORKS
from jiqa.numerics import added
from jiqa.options import one_of
from jiqa.wiring import Maps, Options, Params, Pieces, Wiring

_BLOCKS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_LAYERS = {
    "vgg16": _BLOCKS,
    "vgg19": _BLOCKS,
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
}
#: What one cosine is taken over: the axes of ``[h, w, maps]``.
_AXES = {"place": (2,), "map": (0, 1), "layer": (0, 1, 2)}


def _wiring(options: Options) -> Wiring:
    one_of("net", options.net, *_LAYERS)
    one_of("cosine", options.cosine, *_AXES)
    one_of("output", options.output, "score", "layers", "maps")
    if options.output == "maps" and options.cosine != "map":
        raise ValueError(
            f'output="maps" with cosine={options.cosine!r}; needed is "map"'
        )
    return tapped((options.net,), NETWORKS[options.net].layers(), _layers(options))


def _layers(options: Options) -> tuple[str, ...]:
    return options.layers or _LAYERS[options.net]


def _compare(
    params: Params, options: Options, reference: Maps, distorted: Maps
) -> Array:
    if options.output == "maps":
        return jnp.concatenate(_distances(options, reference, distorted))
    sums = _sums(params, options, reference, distorted)
    return _of_sums(params, options, sums)


def _distances(options: Options, reference: Maps, distorted: Maps) -> list[Array]:
    """Every cosine distance of each layer."""
    axes = _AXES[options.cosine]
    return [
        _distance(reference[name], distorted[name], axes) for name in _layers(options)
    ]


def _sums(
    params: Params, options: Options, reference: Maps, distorted: Maps
) -> list[tuple[Array, int]]:
    distances = _distances(options, reference, distorted)
    return [(distance.sum(), distance.size) for distance in distances]


def _of_sums(params: Params, options: Options, sums: list[tuple[Array, int]]) -> Array:
    parts = [whole / count for whole, count in sums]
    if options.output == "layers":
        return jnp.stack(parts)
    return added(parts) / len(parts)


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
    compare=_compare,
    pieces=Pieces(_sums, add_sums, _of_sums, lambda o: o.cosine == "place"),
    wiring=_wiring,
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
    ...

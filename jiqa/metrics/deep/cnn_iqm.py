"""Classical metrics on the feature maps of a network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Maps, Options, Params
from jiqa.core.tile_reduction import (
    Extents,
    Mean,
    Step,
    Tile,
    TileReduction,
    over_whole_maps,
)
from jiqa.metrics.full_reference.gmsd import gmsd
from jiqa.metrics.full_reference.uqi import uqi
from jiqa.metrics.parts.feature_maps import (
    REACH,
    SIMILARITY_WORK,
    each_map,
    largest,
    peaks,
    pooled_layers,
    structural_similarity,
)
from jiqa.nn import NETWORKS
from jiqa.nn.operations import Conv

_NETS = ("alexnet", "vgg16", "vgg19")
#: Metrics of jiqa that take a grey image with values of any sign.
_OTHERS = {"gmsd": gmsd, "uqi": uqi}
#: The side of a map that they need.
_SAMPLES = {"gmsd": 2, "uqi": 8}
_METRICS = ("ssim", "psnr", "mse", "mae", *_OTHERS)


def _convolutions(net: str) -> tuple[str, ...]:
    found = [x.name for x in NETWORKS[net].layers() if isinstance(x.op, Conv)]
    return tuple(name for name in found if name.startswith("conv"))


def _layers(options: Options) -> tuple[str, ...]:
    return options.layers or _convolutions(options.net)


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *_NETS)
    one_of("metric", options.metric, *_METRICS)
    one_of("border", options.border, "replicate", "zero", "symmetric")
    one_of("pool_layer", options.pool_layer, "geometric", "mean")
    one_of("per_map", options.per_map, False, True)
    one_of("output", options.output, "score", "layers")
    if options.peak is not None and not options.peak > 0:
        raise ValueError(
            expected("peak", "a positive number or None", repr(options.peak))
        )
    layers, samples = NETWORKS[options.net].layers(), _SAMPLES.get(options.metric, 1)
    return tapped((options.net,), layers, _layers(options), samples=samples)


def _tiles(options: Options) -> TileReduction:
    if options.metric in _OTHERS:
        raise ValueError(f"metric={options.metric!r} needs whole feature maps")
    steps = [Step(_values)]
    if options.metric in ("ssim", "psnr") and options.peak is None:
        steps.insert(0, Step(_peaks, largest))
    if options.metric == "ssim":
        return TileReduction(tuple(steps), _of_values, halo=REACH, work=SIMILARITY_WORK)
    return TileReduction(tuple(steps), _of_values)


def _any_size(options: Options) -> bool:
    return options.metric not in _OTHERS or _OTHERS[options.metric].any_size


def _peaks(params: Params, options: Options, tile: Tile) -> list[Array]:
    return [
        peaks(*tile.pair(name), extent=tile.extent(name)) for name in _layers(options)
    ]


def _tops(options: Options, known: Sequence[Any], dtype: Any) -> list[Array]:
    """The dynamic range of every layer's maps."""
    if options.peak is None:
        return known[0]
    return [jnp.asarray(options.peak, dtype)] * len(_layers(options))


def _values(params: Params, options: Options, tile: Tile) -> list[Mean]:
    """Mean over every map of the metric's value at each position."""
    names = _layers(options)
    if options.metric == "ssim":
        tops = _tops(options, tile.known, tile.reference[names[0]].dtype)
        return [
            tile.mean(
                name,
                structural_similarity(
                    *tile.pair(name), top, options.border, tile.extent(name)
                ),
            )
            for name, top in zip(names, tops, strict=True)
        ]
    error = jnp.abs if options.metric == "mae" else jnp.square
    pairs = ((name, *tile.pair(name)) for name in names)
    return [tile.mean(name, error(x - y)) for name, x, y in pairs]


def _of_values(params: Params, options: Options, *known: list[Array]) -> Array:
    values = known[-1]
    if options.metric == "psnr":
        tops = _tops(options, known, values[0].dtype)
        values = [_decibels(*of_layer) for of_layer in zip(tops, values, strict=True)]
    return _pooled(options, values)


def _decibels(peak: Array, error: Array) -> Array:
    """PSNR of mean squared errors."""
    seen = error > 0
    ratio = jnp.square(peak) / jnp.where(seen, error, 1)
    return jnp.where(seen, 10 * jnp.log10(jnp.where(seen, ratio, 1)), jnp.inf)


def _pooled(options: Options, by_map: list[Array]) -> Array:
    if options.per_map:
        return jnp.concatenate(by_map)
    means = [values.mean() for values in by_map]
    return pooled_layers(means, options.pool_layer, options.output)


def _compare(
    params: Params,
    options: Options,
    reference: Maps,
    distorted: Maps,
    extents: Extents = MappingProxyType({}),
) -> Array:
    if options.metric not in _OTHERS:
        return over_whole_maps(
            _tiles(options), params, options, reference, distorted, extents
        )
    by_map = []
    for name in _layers(options):
        x, y, extent = reference[name], distorted[name], extents.get(name)
        if options.peak is None:
            top = peaks(x, y, extent=extent)
        else:
            top = jnp.asarray(options.peak, x.dtype)
        scale = jnp.where(top > 0, top, 1)
        core = _OTHERS[options.metric].core
        if extent is not None:
            core = functools.partial(core, extent=extent)
        by_map.append(each_map(core, x / scale, y / scale))
    return _pooled(options, by_map)


@deep_metric(
    title="Image quality metric on CNN feature maps",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "S. A. Amirshahi, M. Pedersen and A. Beghdadi, 'Reviving traditional image "
        "quality metrics using CNNs', Color and Imaging Conference 2018, "
        "doi:10.2352/ISSN.2169-2629.2018.26.241"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "after the abstract and another author's implementation of its SSIM variant; "
        "what is open is an argument"
    ),
    tiles=_tiles,
    compare=_compare,
    any_size=_any_size,
    spec=_spec,
)
def cnn_iqm(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "alexnet",
    layers: tuple[str, ...] | None = None,
    metric: str = "ssim",
    border: str = "replicate",
    peak: float | None = None,
    pool_layer: str = "geometric",
    per_map: bool = False,
    output: str = "score",
) -> Array:
    """A classical metric on every feature map (after Amirshahi et al. 2018).

    The mean over the maps of a layer, then over the layers.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"alexnet"`` (the authors'), ``"vgg16"`` or ``"vgg19"``.
        layers: names of layers; by default every convolution, before its rectifier,
            as in the public implementation.
        metric: ``"ssim"``, ``"psnr"``, ``"mse"``, ``"mae"``, ``"uqi"`` or ``"gmsd"``;
            the last two on maps divided by the dynamic range, the others on the maps
            as they are.
        border: what SSIM finds outside a map: its edge (``"replicate"``, as MATLAB's
            ``ssim``, which the public implementation calls), ``"zero"`` or
            ``"symmetric"``.
        peak: dynamic range for SSIM and PSNR; by default, each map's largest magnitude
            in either image, because features have no range of their own. The public
            implementation has 1.
        pool_layer: ``"geometric"``, of magnitudes, or ``"mean"``.
        per_map: return each map's score instead, ``[..., maps]``: the maps of the
            first layer, then those of the second, and so on; 1,152 of AlexNet, 4,224
            of VGG-16.
        output: ``"score"``, or ``"layers"`` for each layer's mean.

    Returns:
        ``[...]``; range, direction and the value of identical images are those of
        ``metric``: for SSIM 1, higher is better.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

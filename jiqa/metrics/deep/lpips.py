"""LPIPS: distance of deep features, with channel weights learned from judgements."""

from __future__ import annotations

from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
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
from jiqa.metrics.parts.feature_maps import layers_added, unit_difference
from jiqa.nn import NETWORKS
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.preprocessing import standardise, symmetric
from jiqa.ops.numerics import added


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *LPIPS_TAPS)
    one_of("version", options.version, "0.1", "0.0")
    one_of("output", options.output, "score", "map", "layers", "maps")
    network, channels = LPIPS_TAPS[options.net]
    return tapped(
        (network, f"lpips-{options.net}-v{options.version}"),
        NETWORKS[network].layers(),
        tuple(channels),
        heads={f"lpips.{tap}": (count,) for tap, count in channels.items()},
        preprocess=standardise if options.version == "0.1" else symmetric,
    )


def _tiles(options: Options) -> TileReduction:
    if options.output == "map":
        raise ValueError("output='map' is as large as the image")
    return TileReduction((Step(_means),), layers_added)


def _means(params: Params, options: Options, tile: Tile) -> list[Mean]:
    """Means of the differences of each layer, or of each of its maps."""
    found = []
    for tap in LPIPS_TAPS[options.net].channels:
        apart = _differences(params, tap, *tile.pair(tap))
        found.append(
            tile.mean(tap, apart if options.output == "maps" else apart.sum(-1))
        )
    return found


def _differences(params: Params, tap: str, x: Array, y: Array) -> Array:
    """The weighted squared differences of one depth ``[h, w, maps]``."""
    weight = jnp.asarray(params[f"lpips.{tap}"]).astype(x.dtype)
    difference = unit_difference(x, y, (-1,))
    return weight * difference * difference


def _compare(
    params: Params,
    options: Options,
    reference: Maps,
    distorted: Maps,
    extents: Extents = MappingProxyType({}),
) -> Array:
    if options.output != "map":
        return over_whole_maps(
            _tiles(options), params, options, reference, distorted, extents
        )
    size = reference["image"].shape[:2]
    apart = (
        _differences(params, tap, reference[tap], distorted[tap]).sum(-1)
        for tap in LPIPS_TAPS[options.net].channels
    )
    return added(
        jax.image.resize(part, size, "linear", antialias=False) for part in apart
    )


@deep_metric(
    title="Learned perceptual image patch similarity",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=True,
    colour="rgb",
    maps="difference",
    citation=(
        "R. Zhang, P. Isola, A. A. Efros, E. Shechtman and O. Wang, 'The unreasonable "
        "effectiveness of deep features as a perceptual metric', CVPR 2018, "
        "doi:10.1109/CVPR.2018.00068, eq. (1)"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "the authors' package (0.1.4), version 0.1, both networks, on 34 pairs: 1e-6 "
        "relative in float64, 1e-4 in float32"
    ),
    compare=_compare,
    any_size=lambda options: options.output != "map",
    tiles=_tiles,
    spec=_spec,
)
def lpips(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "alex",
    version: str = "0.1",
    output: str = "score",
) -> Array:
    """Learned perceptual image patch similarity.

    At five depths of a network trained on ImageNet the features at every position are
    scaled to unit length; their squared differences, weighted by channel, are averaged
    over the positions and added up over the depths.

    Args:
        params: flat; the set ``alexnet``, ``vgg16`` or ``squeezenet1_1`` and
            ``lpips-NET-vVERSION`` together.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"alex"`` (agrees best with observers, and is fastest), ``"vgg"`` (the
            authors' advice for a loss) or ``"squeeze"``.
        version: of the weights: ``"0.1"``, or ``"0.0"``, the first release, which
            feeds the network 2 x - 1 without its own scaling.
        output: ``"score"``; ``"map"``: each depth's distance by position, enlarged
            bilinearly to the image and added up; ``"layers"``: each depth's term;
            ``"maps"``: each feature map's.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or a map ``[..., H, W]``, or
        terms ``[..., 5]`` (7 of squeeze) or ``[..., maps]`` that add up to the score.

    Raises:
        ValueError: an unknown option, parameters that do not fit, or an image below
            31 (alex), 16 (vgg) or 17 (squeeze) pixels.
    """
    ...

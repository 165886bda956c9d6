"""The comparison of LPIPS: unit features, squared differences, weights by channel.

It is that of every metric that gives LPIPS other networks. Their options are named
``net``, a key of ``LPIPS_TAPS``, and ``output``; ``lpips.TAP`` are their weights.
"""

from __future__ import annotations

from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.core.feature_spec import Maps, Options, Params, Shapes
from jiqa.core.tile_reduction import (
    Extents,
    Mean,
    Step,
    Tile,
    TileReduction,
    over_whole_maps,
)
from jiqa.metrics.parts.feature_maps import layers_added, unit_difference
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.ops.numerics import added


def head_shapes(net: str) -> Shapes:
    """Keys and shapes of the channels' weights."""
    return {f"lpips.{tap}": (n,) for tap, n in LPIPS_TAPS[net].channels.items()}


def distance_tiles(options: Options) -> TileReduction:
    """The comparison as means over tiles."""
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


def compare_maps(
    params: Params,
    options: Options,
    reference: Maps,
    distorted: Maps,
    extents: Extents = MappingProxyType({}),
) -> Array:
    """The distance of whole images, or its map."""
    if options.output != "map":
        reduction = distance_tiles(options)
        return over_whole_maps(
            reduction, params, options, reference, distorted, extents
        )
    size = reference["image"].shape[:2]
    apart = (
        _differences(params, tap, reference[tap], distorted[tap]).sum(-1)
        for tap in LPIPS_TAPS[options.net].channels
    )
    return added(
        jax.image.resize(part, size, "linear", antialias=False) for part in apart
    )


def without_map(options: Options) -> bool:
    """Whether the output is no map: then one program can score images of any size."""
    return options.output != "map"

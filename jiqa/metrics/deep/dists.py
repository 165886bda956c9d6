"""DISTS: structure and texture of deep features, channel by channel."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.core.tile_reduction import Step, Tile, TileReduction
from jiqa.nn.lpips_taps import DISTS_CHANNELS, LPIPS_TAPS
from jiqa.nn.networks import vgg
from jiqa.nn.preprocessing import colour
from jiqa.ops.numerics import added
from jiqa.ops.similarity import dissimilarity

_LAYERS = vgg.Config(vgg.VGG16.depths, pool="l2").layers()
_C = 1e-6


def _spec(options: Options) -> FeatureSpec:
    one_of("output", options.output, "score", "layers", "maps")
    total = sum(DISTS_CHANNELS.values())
    heads = {"dists.alpha": (total,), "dists.beta": (total,)}
    # Padding lets any size through; below 16 the deepest maps are one sample.
    return tapped(
        ("vgg16", "dists"),
        _LAYERS,
        tuple(LPIPS_TAPS["vgg"].channels),
        heads=heads,
        min_side=16,
    )


class _Moments(NamedTuple):
    """The means of every channel, and sums of squares about them.

    ``x`` is the reference, ``y`` the distorted image, ``error`` their difference.
    """

    count: Any
    mean_x: Array
    mean_y: Array
    x: Array
    y: Array
    error: Array


def _tiles(options: Options) -> TileReduction:
    return TileReduction((Step(_moments, _merged),), _score)


def _moments(params: Params, options: Options, tile: Tile) -> dict[str, _Moments]:
    found = {}
    for tap in DISTS_CHANNELS:
        x, y = (colour(v) if tap == "image" else v for v in tile.pair(tap))
        mx, my = (tile.mean(tap, v).value for v in (x, y))
        cx, cy = (tile.keep(tap, v - m) for v, m in ((x, mx), (y, my)))
        sums = (jnp.square(v).sum(0).sum(0) for v in (cx, cy, cx - cy))
        found[tap] = _Moments(tile.count(tap, x), mx, my, *sums)
    return found


def _merged(
    first: dict[str, _Moments], second: dict[str, _Moments]
) -> dict[str, _Moments]:
    """Merge the moments of two tiles (Chan, Golub and LeVeque 1983)."""
    found = {}
    for tap in DISTS_CHANNELS:
        a, b = first[tap], second[tap]
        share, weight = b.count / (a.count + b.count), 1 / (1 / a.count + 1 / b.count)
        dx, dy = b.mean_x - a.mean_x, b.mean_y - a.mean_y
        found[tap] = _Moments(
            a.count + b.count,
            a.mean_x + dx * share,
            a.mean_y + dy * share,
            a.x + b.x + jnp.square(dx) * weight,
            a.y + b.y + jnp.square(dy) * weight,
            a.error + b.error + jnp.square(dx - dy) * weight,
        )
    return found


def _score(params: Params, options: Options, moments: dict[str, _Moments]) -> Array:
    dtype = moments["image"].x.dtype
    alpha, beta = (
        jnp.asarray(params[f"dists.{k}"]).astype(dtype) for k in ("alpha", "beta")
    )
    parts, start = [], 0
    for tap, width in DISTS_CHANNELS.items():
        own = slice(start, start + width)
        texture, structure = _distances(moments[tap])
        parts += [alpha[own] * texture, beta[own] * structure]
        start += width
    parts = [p / (alpha.sum() + beta.sum()) for p in parts]
    if options.output == "maps":
        return jnp.concatenate([a + b for a, b in zip(*[iter(parts)] * 2, strict=True)])
    parts = [p.sum() for p in parts]
    return jnp.stack(parts) if options.output == "layers" else added(parts)


def _distances(m: _Moments) -> tuple[Array, Array]:
    """One minus the authors' two similarities, by channel.

    Written on the difference, (a - b)^2 / (a^2 + b^2 + c), they are exactly 0 for
    identical images and lose no digits for similar ones.
    """
    texture = dissimilarity(m.mean_x, m.mean_y, _C)
    structure = (m.error / m.count) / ((m.x + m.y) / m.count + _C)
    return texture, structure


@deep_metric(
    title="Deep image structure and texture similarity",
    direction="lower",
    # Texture's distances are at most 1, structure's 2; beta is 0.124 of the weight.
    range=(0.0, 1.124),
    identity=0.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "K. Ding, K. Ma, S. Wang and E. P. Simoncelli, 'Image quality assessment: "
        "unifying structure and texture similarity', IEEE Transactions on Pattern "
        "Analysis and Machine Intelligence 44(5), 2022, "
        "doi:10.1109/TPAMI.2020.3045810, eqs. (5)-(8)"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "the authors' package (0.1) without resizing, on 34 pairs: 1e-6 relative in "
        "float64, 1e-4 in float32"
    ),
    tiles=_tiles,
    spec=_spec,
)
def dists(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    output: str = "score",
) -> Array:
    """Deep image structure and texture similarity, as a distance.

    Of the image and of five depths of VGG-16, whose maximum pooling gives way to a
    smooth root-mean-square one, every channel's means are compared (texture), and
    every channel's variances and covariance (structure):
    ``sum alpha (mx - my)^2 / (mx^2 + my^2 + c) + beta var(x - y) / (sxx + syy + c)``,
    with c = 1e-6 and weights alpha, beta that sum to 1.

    The image is taken as it is. The authors' demonstration first resizes a shorter
    side above 256 pixels to 256; do that before where their published correlations
    are to be met.

    Args:
        params: flat; the sets of weights ``vgg16`` and ``dists`` together.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        output: ``"score"``; ``"layers"``: the terms of texture and structure of the
            image and of each depth in turn; ``"maps"``: the term of each of the image's
            channels and the feature maps.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or terms ``[..., 12]`` or
        ``[..., 1475]`` that add up to it.

    Raises:
        ValueError: an unknown option, parameters that do not fit, or an image below
            16 pixels.
    """
    ...

"""LPIPS: distance of deep features, with channel weights learned from judgements."""

from __future__ import annotations

from jax import Array

from jiqa.checks import one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.metrics.parts.perceptual_distance import (
    compare_maps,
    distance_tiles,
    head_shapes,
    without_map,
)
from jiqa.nn import NETWORKS
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.preprocessing import standardise, symmetric


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *LPIPS_TAPS)
    one_of("version", options.version, "0.1", "0.0")
    one_of("output", options.output, "score", "map", "layers", "maps")
    network, channels = LPIPS_TAPS[options.net]
    return tapped(
        (network, f"lpips-{options.net}-v{options.version}"),
        NETWORKS[network].layers(),
        tuple(channels),
        heads=head_shapes(options.net),
        preprocess=standardise if options.version == "0.1" else symmetric,
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
    compare=compare_maps,
    any_size=without_map,
    tiles=distance_tiles,
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

"""ST-LPIPS: LPIPS on networks that hardly notice a shift of the image."""

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
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.shift_tolerant import NODES


def _spec(options: Options) -> FeatureSpec:
    one_of("net", options.net, *NODES)
    one_of("output", options.output, "score", "map", "layers", "maps")
    return tapped(
        (f"stlpips-{options.net}",),
        NODES[options.net],
        tuple(LPIPS_TAPS[options.net].channels),
        heads=head_shapes(options.net),
    )


@deep_metric(
    title="Shift-tolerant perceptual similarity",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=True,
    colour="rgb",
    maps="difference",
    citation=(
        "A. Ghildyal and F. Liu, 'Shift-tolerant perceptual similarity metric', "
        "ECCV 2022, doi:10.1007/978-3-031-19797-0_6"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "the authors' package (0.0.2), both networks, on 64 pairs: 1e-6 relative in "
        "float64, 1e-4 in float32"
    ),
    compare=compare_maps,
    any_size=without_map,
    tiles=distance_tiles,
    spec=_spec,
)
def stlpips(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "alex",
    output: str = "score",
) -> Array:
    """Shift-tolerant perceptual similarity: a distance that small shifts hardly change.

    LPIPS on networks that blur before they drop samples (stride 1, then a binomial
    filter of 3x3 with every second sample), trained by the authors for this purpose: at
    five depths the features at every position are scaled to unit length; their squared
    differences, weighted by channel, are averaged over the positions and added up over
    the depths.

    The sets of weights are part of the package ``stlpips-pytorch``, which need not be
    imported: ``pip install --no-deps stlpips-pytorch==0.0.2``, or ``jiqa weights
    convert stlpips-alex alex_shift_tolerant.pth``.

    Args:
        params: flat; the set of weights ``stlpips-alex`` or ``stlpips-vgg``.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"alex"``, the authors' default, or ``"vgg"``, at five times the cost.
        output: ``"score"``; ``"map"``: each depth's distance by position, enlarged
            bilinearly to the image and added up; ``"layers"``: each depth's term;
            ``"maps"``: each feature map's.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or a map ``[..., H, W]``, or
        terms ``[..., 5]`` or ``[..., maps]`` that add up to the score.

    Raises:
        ValueError: an unknown option, parameters that do not fit, or an image below
            21 (alex) or 18 (vgg) pixels.
    """
    ...

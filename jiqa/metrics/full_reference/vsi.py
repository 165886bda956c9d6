"""Visual saliency-induced index (VSI)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import (
    OPPONENT_CHROMA,
    OPPONENT_LUMINANCE,
    Row,
    weighted,
)
from jiqa.ops.extent import Extent
from jiqa.ops.gradients import scharr_power
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import real_power, safe_power, safe_sqrt
from jiqa.ops.resize import average_decimate, factor_of
from jiqa.ops.saliency import simple_priors
from jiqa.ops.similarity import pooled, similarity

_C_SALIENCY, _C_GRADIENT, _C_CHROMA = 1.27, 386.0, 130.0
_GRADIENT_EXPONENT, _CHROMA_EXPONENT = 0.40, 0.02


@full_reference(
    title="Visual saliency-induced index",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=1,
    colour="rgb",
    maps="similarity",
    decimates=True,
    citation=(
        "Zhang, Shen, Li: VSI: a visual saliency-induced index for perceptual image "
        "quality assessment. IEEE TIP 23(10), 2014. doi:10.1109/TIP.2014.2346028"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of VSI.m with SDSP on 39 pairs",
)
def vsi(
    reference: Array,
    distorted: Array,
    *,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Visual saliency-induced index (Zhang, Shen & Li 2014, eq. 9).

    S(a, b; c) = (2 a b + c) / (a^2 + b^2 + c) compares the SDSP saliency V, the
    Scharr gradient G of the luminance and two chroma planes M and N at every sample,
    after box average and decimation by round(min(H, W) / 256). The score is the mean
    of S_V S_G^0.4 (S_M S_N)^0.02, weighted by the larger of the two saliencies.
    Where S_M S_N is negative, its power is the real part of the principal one.

    Args:
        reference: images ``[..., H, W, C]``; grey counts as three equal channels,
            which the authors do not foresee.
        distorted: images of the same shape.
        output: ``"score"``, or ``"map"`` for the unweighted similarity at every
            sample of the decimated image.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 1], higher is better, 1 for identical images. The saliency of
        an image of one colour is 0/0 in the authors' code and 0 here; without any
        salient sample the score is the plain mean.

    Raises:
        ValueError: unknown output.
    """
    one_of("output", output, "score", "map")
    factor = factor_of(reference.shape, extent)
    images = [jnp.stack(rgb(image)) for image in (reference, distorted)]
    v, w = (
        average_decimate(simple_priors(planes, extent), factor, extent=extent)
        for planes in images
    )
    small = [average_decimate(x, factor, extent=extent) * 255 for x in images]
    extent = extent and extent.over(factor)

    def mix(row: Row) -> list[Array]:
        return [weighted(row, [r, g, b]) for r, g, b in small]

    g, h = (scharr_power(plane, extent) for plane in mix(OPPONENT_LUMINANCE))
    gradient = similarity(safe_sqrt(g * h), g + h, _C_GRADIENT)
    chroma = jnp.ones((), g.dtype)
    for a, b in map(mix, OPPONENT_CHROMA):
        chroma = chroma * similarity(a * b, a * a + b * b, _C_CHROMA)
    quality = (
        similarity(v * w, v * v + w * w, _C_SALIENCY)
        * safe_power(gradient, _GRADIENT_EXPONENT)
        * real_power(chroma, _CHROMA_EXPONENT)
    )
    return quality if output == "map" else pooled(quality, jnp.maximum(v, w), extent)

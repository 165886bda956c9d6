"""Spectral residual based similarity (SR-SIM)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.gradients import scharr_power
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import safe_sqrt
from jiqa.ops.resize import automatic_factor, average_decimate
from jiqa.ops.saliency import spectral_residual
from jiqa.ops.similarity import pooled, similarity

_C_SALIENCY, _C_GRADIENT = 0.40, 225.0


@full_reference(
    title="Spectral residual based similarity",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=1,
    colour="luma",
    maps="similarity",
    citation=(
        "Zhang, Li: SR-SIM: a fast and high performance IQA index based on spectral "
        "residual. ICIP 2012. doi:10.1109/ICIP.2012.6467149"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of SR_SIM.m 1.0 on 39 pairs",
)
def sr_sim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    output: str = "score",
) -> Array:
    """Spectral residual based similarity (Zhang & Li 2012, eq. 7).

    S(a, b; c) = (2 a b + c) / (a^2 + b^2 + c) compares the spectral residual saliency
    R and the Scharr gradient G of luma at every sample, after box average and
    decimation by round(min(H, W) / 256). The score is the mean of S_R S_G^(1/2),
    weighted by the larger of the two saliencies.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        output: ``"score"``, or ``"map"`` for the unweighted similarity at every
            sample of the decimated image.

    Returns:
        ``[...]`` in [0, 1], higher is better, 1 for identical images. A frequency
        without any amplitude (flat or periodic images) has no logarithm: NaN in the
        authors' code; here it is missing from the saliency, which stays finite.

    Raises:
        ValueError: unknown option value.
    """
    one_of("output", output, "score", "map")
    factor = automatic_factor(*reference.shape[:2])
    planes = jnp.stack(
        [
            average_decimate(luma255(image, luma), factor)
            for image in (reference, distorted)
        ]
    )
    v, w = jax.vmap(spectral_residual)(planes)
    g, h = (scharr_power(plane) for plane in planes)
    gradient = similarity(safe_sqrt(g * h), g + h, _C_GRADIENT)
    quality = similarity(v * w, v * v + w * w, _C_SALIENCY) * safe_sqrt(gradient)
    return quality if output == "map" else pooled(quality, jnp.maximum(v, w))

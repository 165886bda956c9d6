"""Feature similarity: FSIM on luma and FSIMc with chroma."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import YIQ_CHROMA, weighted
from jiqa.ops.extent import Extent
from jiqa.ops.gradients import scharr_power
from jiqa.ops.luma import channels, luma255
from jiqa.ops.numerics import real_power, safe_sqrt
from jiqa.ops.phase_congruency import phase_congruency
from jiqa.ops.resize import average_decimate, factor_of
from jiqa.ops.similarity import pooled, similarity

_T_PHASE, _T_GRADIENT, _T_CHROMA = 0.85, 160.0, 200.0
_CHROMA_EXPONENT = 0.03

_FIELDS = {
    "direction": "higher",
    "identity": 1.0,
    "symmetric": True,
    "min_side": 3,
    "maps": "similarity",
    "decimates": True,
    "transforms": True,
    "citation": (
        "Zhang, Zhang, Mou, Zhang: FSIM: a feature similarity index for image quality "
        "assessment. IEEE TIP 20(8), 2011. doi:10.1109/TIP.2011.2109730"
    ),
    "fidelity": "authors-code",
    "fidelity_note": "1e-6 relative (x64) of FeatureSIM.m 1.0",
}


def _luma_similarity(
    reference: Array, distorted: Array, luma: str, extent: Extent | None
) -> tuple[Array, Array]:
    """Similarity of phase congruency and gradient, and its weight, decimated."""
    factor = factor_of(reference.shape, extent)
    planes = [
        average_decimate(luma255(image, luma), factor, extent=extent)
        for image in (reference, distorted)
    ]
    extent = extent and extent.over(factor)
    p, q = (phase_congruency(plane, extent) for plane in planes)
    g, h = (scharr_power(plane, extent) for plane in planes)
    phase = similarity(p * q, p * p + q * q, _T_PHASE)
    gradient = similarity(safe_sqrt(g * h), g + h, _T_GRADIENT)
    return phase * gradient, jnp.maximum(p, q)


def _chroma_similarity(
    reference: Array, distorted: Array, extent: Extent | None
) -> Array:
    """Product of the similarities of I and Q."""
    factor = factor_of(reference.shape, extent)
    product = jnp.ones((), reference.dtype)
    for row in YIQ_CHROMA:
        a, b = (
            average_decimate(
                255 * weighted(row, channels(image)), factor, extent=extent
            )
            for image in (reference, distorted)
        )
        product = product * similarity(a * b, a * a + b * b, _T_CHROMA)
    return product


def _check(output: str) -> None:
    one_of("output", output, "score", "map")


@full_reference(title="Feature similarity", range=(0.0, 1.0), colour="luma", **_FIELDS)
def fsim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Feature similarity (Zhang et al. 2011, eq. 5), on luma.

    sum(S_PC S_G m) / sum(m): S_PC compares phase congruency (four scales, four
    orientations), S_G Scharr gradient magnitude, both as
    (2 a b + T) / (a^2 + b^2 + T); m is the larger phase congruency of both images.
    Images are first decimated by round(min(H, W) / 256).

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        output: ``"score"``, or ``"map"`` for S_PC S_G at every decimated pixel.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 1], higher is better; 1 for identical images. Where neither
        image has any phase congruency (two flat images; 0 / 0 in the authors' code)
        the plain mean of S_PC S_G.

    Raises:
        ValueError: unknown option value, or an image under 3 pixels.
    """
    _check(output)
    quality, weight = _luma_similarity(reference, distorted, luma, extent)
    small = extent and extent.over(extent.factor)
    return quality if output == "map" else pooled(quality, weight, small)


@full_reference(
    title="Feature similarity with chroma", range=(-1.0, 1.0), colour="rgb", **_FIELDS
)
def fsimc(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Feature similarity with chroma (Zhang et al. 2011, eq. 9).

    ``fsim`` with every pixel's similarity times (S_I S_Q)^0.03, the similarities of
    the I and Q planes of YIQ. Where S_I S_Q is negative the authors' power is complex;
    this is its real part. Grey images have no chroma and get the value of ``fsim``.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        output: ``"score"``, or ``"map"`` for the similarity at every decimated pixel.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better, below 0 in theory only; 1 for
        identical images. Without phase congruency as ``fsim``.

    Raises:
        ValueError: unknown option value, or an image under 3 pixels.
    """
    _check(output)
    quality, weight = _luma_similarity(reference, distorted, luma, extent)
    if reference.shape[-1] == 3:
        chroma = _chroma_similarity(reference, distorted, extent)
        quality = quality * real_power(chroma, _CHROMA_EXPONENT)
    small = extent and extent.over(extent.factor)
    return quality if output == "map" else pooled(quality, weight, small)

"""Normalised Laplacian pyramid distance (NLPD)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.core.metric import full_reference
from jiqa.ops.burt_pyramid import expand_axis, reduce_axis
from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate2
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import mean, safe_sqrt

# Divisive normalisation per level: floor, and weights of the neighbours' magnitudes as
# (rows down, columns right): weight. Learned by the authors; here from NLP_dist.m.
_NORMALISATION = (
    (
        0.0248,
        {
            (-1, 0): 0.1011,
            (0, -1): 0.1493,
            (0, 1): 0.1460,
            (0, 2): 0.0072,
            (1, 0): 0.1015,
        },
    ),
    (0.0185, {(-1, 0): 0.0757, (0, -1): 0.1986, (0, 1): 0.1846, (1, 0): 0.0837}),
    (0.0179, {(-1, 0): 0.0477, (0, -1): 0.2138, (0, 1): 0.2243, (1, 0): 0.0467}),
    (0.0191, {(0, -1): 0.2503, (0, 1): 0.2616}),
    (0.0220, {(0, -1): 0.2598, (0, 1): 0.2552}),
    (0.2782, {(0, -1): 0.2215, (0, 1): 0.0717}),
)


@full_reference(
    title="Normalised Laplacian pyramid distance",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=True,
    min_side=1,
    colour="luma",
    citation=(
        "Laparra, Balle, Berardino, Simoncelli: Perceptual image quality assessment "
        "using a normalized Laplacian pyramid. Electronic Imaging (HVEI), 2016. "
        "doi:10.2352/ISSN.2470-1173.2016.16.HVEI-103"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of NLP_dist.m on all pairs, odd sizes included",
)
def nlpd(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    extent: Extent | None = None,
) -> Array:
    """Normalised Laplacian pyramid distance (Laparra et al. 2016).

    Luma in [0, 1] is split into five band-pass levels and a low-pass residual, and
    each sample v divided by sigma + sum of P |v| over its neighbours, with weights
    that the authors learned per level. The score is the mean over the six levels of
    each level's root mean squared difference.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: how luma is computed: ``"bt601"``, or ``"matlab"`` (rounded).
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 or more; lower is better, 0 for identical images, flat and black
        ones included (the gradient there is 0).

    Raises:
        ValueError: unknown option value.
    """
    pair = jnp.stack([luma255(reference, luma), luma255(distorted, luma)]) / 255
    score = jnp.zeros((), pair.dtype)
    for level, (floor, weights) in enumerate(_NORMALISATION):
        if level < len(_NORMALISATION) - 1:
            coarse = extent and extent.over(2)
            low = pair
            for axis in (1, 2):
                low = reduce_axis(low, axis, extent and extent.along(axis - 3))
            blurred = low
            for axis in (1, 2):
                length = coarse and coarse.along(axis - 3)
                blurred = expand_axis(blurred, axis, pair.shape[axis], length)
            band = pair - blurred
        else:
            band, low, coarse = pair, pair, extent
        around = correlate2(jnp.abs(band), _kernel(weights), "zero", extent)
        band = band / (floor + around)
        score = score + safe_sqrt(mean(jnp.square(band[0] - band[1]), extent))
        pair, extent = low, coarse
    return score / len(_NORMALISATION)


def _kernel(weights: dict[tuple[int, int], float]) -> np.ndarray:
    """The weights as a correlation kernel: MATLAB's conv2 turns them by 180 degrees."""
    kernel = np.zeros((5, 5))
    for (down, right), weight in weights.items():
        kernel[2 - down, 2 - right] = weight
    return kernel

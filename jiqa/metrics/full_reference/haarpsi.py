"""Haar wavelet-based perceptual similarity index (HaarPSI)."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import BT601, YIQ_CHROMA, all_weighted
from jiqa.ops.extent import Extent
from jiqa.ops.filters import box_sum
from jiqa.ops.luma import channels
from jiqa.ops.numerics import added, safe_divide, total
from jiqa.ops.resize import average_decimate
from jiqa.ops.similarity import dissimilarity
from jiqa.ops.wavelets import haar_magnitudes

#: Sides of the Haar filters; the last one weights.
_SIZES = (2, 4, 8)
_SIMILARITY, _SHARPNESS = 30.0, 4.2
_ODDS = math.exp(-_SHARPNESS)


@full_reference(
    title="Haar wavelet-based perceptual similarity index",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=8,
    colour="rgb",
    maps="similarity",
    citation=(
        "Reisenhofer, Bosse, Kutyniok, Wiegand: A Haar wavelet-based perceptual "
        "similarity index for image quality assessment. Signal Processing: Image "
        "Communication 61, 2018. doi:10.1016/j.image.2017.11.001"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of HaarPSI.m, grey, colour and subsample=False",
)
def haarpsi(
    reference: Array,
    distorted: Array,
    *,
    subsample: bool = True,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Haar wavelet-based perceptual similarity (Reisenhofer et al. 2018).

    For each of two orientations S is the mean over the 2x2 and 4x4 Haar filters of
    (2 a b + 30) / (a^2 + b^2 + 30) on coefficient magnitudes, and w the larger
    magnitude of the 8x8 filter; colour adds a third S, of 2x2 averages of I and Q,
    with the mean of the two w. With l(t) = 1 / (1 + exp(-4.2 t)) the score is
    (l^-1(sum of w l(S) / sum of w))^2. Zeros lie outside the image.

    Args:
        reference: images ``[..., H, W, C]``; a grey image has no third term, which is
            not the same as three equal channels.
        distorted: images of the same shape.
        subsample: ``True`` halves the images by 2x2 averages first, the authors'
            default.
        output: ``"score"``, or ``"map"`` for the same expression at every sample of
            the (halved) image, summed over the terms only.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 1], higher is better; 1 for identical images. Two black
        images, where the authors' weights are all 0 and the result NaN, give 1.

    Raises:
        ValueError: unknown option value, or an image of under 8 pixels.
    """
    one_of("output", output, "score", "map")
    x, y = (_planes(image, subsample, extent) for image in (reference, distorted))
    extent = extent and extent.over(2) if subsample else extent
    x_sides, y_sides = (
        [haar_magnitudes(planes[0], _SIZES, axis, extent) for axis in (0, 1)]
        for planes in (x, y)
    )
    weights, losses = [], []
    for (*x_fine, x_coarse), (*y_fine, y_coarse) in zip(x_sides, y_sides, strict=True):
        weights.append(jnp.maximum(x_coarse, y_coarse))
        losses.append(_loss(x_fine, y_fine))
    if len(x) == 3:
        weights.append((weights[0] + weights[1]) / 2)
        chroma = ([_mean_size(p, extent) for p in planes[1:]] for planes in (x, y))
        losses.append(_loss(*chroma))
    parts = [w * _excess(e) for w, e in zip(weights, losses, strict=True)]
    weighted, weight = added(parts), added(weights)
    if output == "score":
        weighted, weight = total(weighted, extent), total(weight, extent)
    excess = safe_divide(weighted, weight)
    logit = jnp.log1p(-_ODDS * excess) - jnp.log1p(excess)
    return jnp.square(1 + logit / _SHARPNESS)


def _loss(x: list[Array], y: list[Array]) -> Array:
    """1 - S, the mean over the pairs of magnitudes."""
    pairs = zip(x, y, strict=True)
    return added([dissimilarity(a, b, _SIMILARITY) for a, b in pairs]) / len(x)


def _excess(loss: Array) -> Array:
    """(l(1) - l(S)) / (1 - l(1)) for S = 1 - loss.

    With q = exp(-4.2) and u = 1 - exp(-4.2 loss) this is u / (1 + q - u), and the
    score, a logit of l(1) less the mean, becomes the expression above. The direct one
    loses two digits near 1, where the logit is steep.
    """
    gone = 1 - jnp.exp(-_SHARPNESS * loss)
    return gone / (1 + _ODDS - gone)


def _planes(image: Array, subsample: bool, extent: Extent | None) -> list[Array]:
    """Luma, or Y, I and Q, on 0..255."""
    planes = [255 * c for c in channels(image)]
    if len(planes) == 3:
        planes = all_weighted((BT601, *YIQ_CHROMA), planes)
    if subsample:
        return [average_decimate(p, 2, extent=extent) for p in planes]
    return planes


def _mean_size(plane: Array, extent: Extent | None) -> Array:
    """Magnitude of the 2x2 average, zeros beyond the last row and column."""
    return jnp.abs(box_sum(plane, 2, "zero", extent=extent)) * 0.25

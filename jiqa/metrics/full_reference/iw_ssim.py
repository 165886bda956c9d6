"""Information content weighting: IW-SSIM, IW-MSE and IW-PSNR."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.metric import full_reference
from jiqa.metrics.full_reference.ms_ssim import WEIGHTS
from jiqa.metrics.parts.iw_ssim_weights import (
    MARGIN,
    band_tolerance,
    enlarge,
    information_weight,
)
from jiqa.ops.extent import Extent
from jiqa.ops.filters import gaussian_taps
from jiqa.ops.laplacian_pyramid import laplacian_pyramid
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import decibels, mean, real_power, safe_power
from jiqa.ops.similarity import pooled
from jiqa.ops.structural_similarity import CENTRE, similarity_maps, stabilisers

_WINDOW = 11
_SCALES = len(WEIGHTS)
_EXPONENTS = [w / sum(WEIGHTS) for w in WEIGHTS]

#: Most decibels that IW-PSNR gives, and what it gives to identical images.
CEILING = 1000.0

_SHARED: dict[str, Any] = {
    "symmetric": False,
    "min_side": _WINDOW * 2 ** (_SCALES - 1),
    "colour": "luma",
    "citation": (
        "Wang, Li: Information content weighting for perceptual image quality "
        "assessment. IEEE TIP 20(5), 2011. doi:10.1109/TIP.2010.2092435"
    ),
    "fidelity": "authors-code",
    "fidelity_note": "1e-6 relative (x64) of iwssim.m",
}


class _Scale(NamedTuple):
    """One scale: the bands of both images, and the weights; none at the coarsest.

    ``extent`` is the image in the bands, where that is not all, and ``inner`` what
    windows of 11 leave of it.
    """

    x: Array
    y: Array
    weight: Array | None
    extent: Extent | None

    @property
    def inner(self) -> Extent | None:
        return self.extent and self.extent.valid(_WINDOW)


def _scales(
    reference: Array,
    distorted: Array,
    luma: str,
    sigma_nsq: float,
    parent: bool,
    extent: Extent | None,
) -> list[_Scale]:
    if sigma_nsq <= 0:
        raise ValueError(expected("sigma_nsq", "a positive variance", repr(sigma_nsq)))
    pair = jnp.stack([luma255(reference, luma), luma255(distorted, luma)])
    (*bands, rest), blurred = laplacian_pyramid(pair, _SCALES, extent)
    out = []
    for k, (x, y) in enumerate(bands):
        above, coarser = None, extent and extent.over(2)
        if parent and k < _SCALES - 2:
            above = enlarge(bands[k + 1][0], (x.shape[0], x.shape[1]), coarser)
        size = jnp.abs(x) + jnp.abs(blurred[k][0])
        weight = information_weight(x, y, above, size, sigma_nsq, 2.0**k, extent)
        out.append(_Scale(x, y, weight, extent))
        extent = coarser
    return [*out, _Scale(rest[0], rest[1], None, extent)]


def _pool(value: Array, scale: _Scale) -> Array:
    """Weighted mean; the plain one where no sample has any weight."""
    if scale.weight is None:
        return mean(value, scale.inner)
    return pooled(value, scale.weight, scale.inner)


@full_reference(
    title="Information content weighted structural similarity",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    **_SHARED,
)
def iw_ssim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
    extent: Extent | None = None,
) -> Array:
    """Information content weighted SSIM (Wang & Li 2011, eq. 29).

    prod_k (sum(w cs) / sum(w))^b_k over the bands of a Laplacian pyramid, with the
    contrast-structure map cs of ``ssim`` and the information weight w. The fifth band
    is the low-pass rest: the plain mean of the whole SSIM. The exponents b are those
    of ``ms_ssim`` divided by their sum.

    A pooled value below 0 raised to b is complex in the authors' code; this is its
    real part, as in ``ms_ssim``.

    A flat reference has no information (the authors divide 0 by 0): only what the
    distorted image adds has weight, and where nothing has any, the plain mean stands
    for the weighted one. So two flat images differ in luminance alone. A reference
    whose 3x3 blocks do not span their space, a lone straight edge say, is weighted in
    the span of its blocks.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        sigma_nsq: variance of the visual noise.
        parent: whether the next coarser band joins a sample's neighbourhood.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 only for identical images.

    Raises:
        ValueError: unknown option value, or a shorter side under 176.
    """
    c1, c2 = stabilisers()
    taps = gaussian_taps(_WINDOW, 1.5)
    score = jnp.ones((), reference.dtype)
    scales = _scales(reference, distorted, luma, sigma_nsq, parent, extent)
    for scale, exponent in zip(scales, _EXPONENTS, strict=True):
        coarsest = scale.weight is None
        # The low-pass doubles at every level; the other bands are about 0.
        centre = CENTRE * 2 ** (_SCALES - 1) if coarsest else 0.0
        luminance, quality = similarity_maps(
            scale.x, scale.y, taps, c1, c2, centre=centre
        )
        value = _pool(luminance * quality if coarsest else quality, scale)
        score = score * real_power(value, exponent)
    return score


def _iw_mse(scales: list[_Scale]) -> Array:
    error = jnp.ones((), scales[0].x.dtype)
    for scale, exponent in zip(scales, _EXPONENTS, strict=True):
        # The authors cut the border off the low-pass too, which has no weights.
        inner = (slice(MARGIN, -MARGIN),) * 2
        squares = jnp.square(scale.x[inner] - scale.y[inner])
        error = error * safe_power(_pool(squares, scale), exponent)
    return error


@full_reference(
    title="Information content weighted mean squared error",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    **_SHARED,
)
def iw_mse(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
    extent: Extent | None = None,
) -> Array:
    """Information content weighted mean squared error (Wang & Li 2011, eq. 27).

    prod_k (sum(w d^2) / sum(w))^b_k with the difference d of the bands on 0..255;
    weights, exponents and flat references as in ``iw_ssim``. The bands' gain is the
    authors': values double at every level. A product: images that are equal in one
    band have the value 0, also where they differ by a constant.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        sigma_nsq: variance of the visual noise.
        parent: whether the next coarser band joins a sample's neighbourhood.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, at least 0, lower is better; 0 for identical images.

    Raises:
        ValueError: unknown option value, or a shorter side under 176.
    """
    return _iw_mse(_scales(reference, distorted, luma, sigma_nsq, parent, extent))


@full_reference(
    title="Information content weighted peak signal-to-noise ratio",
    direction="higher",
    range=(float("-inf"), CEILING),
    identity=CEILING,
    **_SHARED,
)
def iw_psnr(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
    extent: Extent | None = None,
) -> Array:
    """Information content weighted peak signal-to-noise ratio (Wang & Li 2011).

    min(10 log10(255^2 / ``iw_mse``), 1000) in decibels. An error of 0 gives 1000, and
    so does a flat reference against anything: that is what the authors' minimum makes
    of an undefined error.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        sigma_nsq: variance of the visual noise.
        parent: whether the next coarser band joins a sample's neighbourhood.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better; 1000 for identical images.

    Raises:
        ValueError: unknown option value, or a shorter side under 176.
    """
    scales = _scales(reference, distorted, luma, sigma_nsq, parent, extent)
    flat = [
        mean(s.x * s.x, s.extent) < band_tolerance(s.x, 2.0**k)
        for k, s in enumerate(scales[:-1])
    ]
    error = _iw_mse(scales)
    defined = (error > 0) & ~jnp.all(jnp.stack(flat))
    value = jnp.where(defined, decibels(255**2, error, defined), CEILING)
    return jnp.minimum(value, CEILING)

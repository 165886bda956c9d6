"""PSNR-HVS(-M) that forgives changes of mean and contrast: PSNR-HA and PSNR-HMA."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.psnr_hvs_blocks import (
    SIDE,
    blocks,
    masked_by,
    samples,
    strips,
    transformed,
    visible_error,
)
from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import decibels, mean, product, safe_divide, total
from jiqa.ops.video_planes import matlab_planes

#: What counts of the error that a change of contrast takes away, where the distorted
#: image has the greater contrast and where it has not; and of the square of a change
#: of the mean.
_MORE_CONTRAST, _LESS_CONTRAST, _MEAN = 0.002, 0.25, 0.04
#: Of the errors of Y', Cb and Cr.
_WEIGHTS = np.array([0.5, 0.25, 0.25])
#: The port's best value, in dB; the authors' program has 100000 for equal images.
_BEST = 100.0

_SHARED: Any = {
    "direction": "higher",
    "range": (0.0, _BEST),
    "identity": _BEST,
    "symmetric": False,
    "min_side": SIDE,
    "colour": "rgb",
    "citation": (
        "Ponomarenko, Ieremeiev, Lukin, Egiazarian, Carli: Modified image visual "
        "quality metrics for contrast change and mean shift accounting. CADSM, 2011"
    ),
    "fidelity": "authors-code",
    "fidelity_note": (
        "1e-6 relative (x64) of release 0.3.0 of psnr_hvsm, a port of psnrhma.m, on 47 "
        "pairs"
    ),
}


@full_reference(title="PSNR-HVS after changes of mean and contrast", **_SHARED)
def psnr_ha(
    reference: Array,
    distorted: Array,
    *,
    plane: str = "all",
    quantise: bool = True,
    extent: Extent | None = None,
) -> Array:
    """PSNR-HVS that counts changes of mean and contrast for less (PSNR-HA).

    Of either plane of codes, the distorted image gets the reference's mean, and then
    the contrast that brings it next to the reference: d = m + P (y - m), P the slope
    of least squares. With e the weighted error of ``psnr_hvs`` before the second step
    and f that after it, e > f counts as f + K (e - f): K is .002 if P < 1, where the
    distorted image has the greater contrast, and else .25. Then .04 times the square
    of the change of mean is added.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        plane: ``"all"``: the errors of Y', Cb and Cr times 1/2, 1/4 and 1/4, the
            authors' measure for colour; or ``"y"`` alone.
        quantise: whether planes are whole codes, as MATLAB's ``rgb2ycbcr`` gives them;
            ``False`` gives a function without steps, whose gradient is exact.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, from 0 to 100, higher is better; what would be outside is cut,
        with gradient 0. Rows and columns left over from blocks of 8x8 have a part in
        means and contrast only. The gradient passes through the rounding to codes.

    Raises:
        ValueError: unknown plane, or an image under 8x8.
    """
    return _score(reference, distorted, plane, quantise, extent, masked=False)


@full_reference(
    title="PSNR-HVS with masking, after changes of mean and contrast", **_SHARED
)
def psnr_hma(
    reference: Array,
    distorted: Array,
    *,
    plane: str = "all",
    quantise: bool = True,
    extent: Extent | None = None,
) -> Array:
    """PSNR-HVS-M that counts changes of mean and contrast for less (PSNR-HMA).

    As ``psnr_ha``, on the errors of ``psnr_hvs_m``. What the distorted image masks
    follows its contrast, as in the port; in the authors' program it has its own
    contrast there, too, and scores are up to .02 dB away.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        plane: ``"all"``: the errors of Y', Cb and Cr times 1/2, 1/4 and 1/4, the
            authors' measure for colour; or ``"y"`` alone.
        quantise: whether planes are whole codes, as MATLAB's ``rgb2ycbcr`` gives them;
            ``False`` gives a function without steps, whose gradient is exact.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, from 0 to 100, higher is better; what would be outside is cut,
        with gradient 0. Rows and columns left over from blocks of 8x8 have a part in
        means and contrast only. The gradient passes through the rounding to codes.

    Raises:
        ValueError: unknown plane, or an image under 8x8.
    """
    return _score(reference, distorted, plane, quantise, extent, masked=True)


def _score(
    reference: Array,
    distorted: Array,
    plane: str,
    quantise: bool,
    extent: Extent | None,
    *,
    masked: bool,
) -> Array:
    one_of("plane", plane, "all", "y")
    x, y = (matlab_planes(v, quantise=quantise) for v in (reference, distorted))
    # The chroma of a grey image is one number.
    coloured = plane == "all" and reference.shape[-1] == 3
    one, other = (jnp.stack(v if coloured else v[:1]) for v in (x, y))
    errors = _errors(one, other, extent, masked)
    error = product(_WEIGHTS[: len(one)], errors) if plane == "all" else errors[0]
    seen = error > 0
    return jnp.where(seen, jnp.clip(decibels(255**2, error, seen), 0, _BEST), _BEST)


def _errors(x: Array, y: Array, extent: Extent | None, masked: bool) -> Array:
    """The errors of planes ``[N, H, W]`` of codes 0..255."""
    size = jax.vmap(lambda v: mean(v, extent))
    power = jax.vmap(lambda v: total(v, extent))
    shift = size(x - y)
    x, y = x - size(x)[:, None, None], y - size(y)[:, None, None]
    contrast = safe_divide(power(x * y), power(y * y), 1.0)

    def both(parts: tuple[Array, ...]) -> Array:
        """The errors of a strip before and after the change of contrast."""
        change, difference, other, *reference = parts
        difference, other, *reference = map(blocks, (difference, other, *reference))
        plain, slope = transformed(difference), transformed(other)
        hidden = [masked_by(v) for v in (*reference, other)] if masked else []
        adjusted = hidden and [hidden[0], jnp.abs(change) * hidden[1]]
        return jnp.stack(
            [
                visible_error(plain, *hidden),
                visible_error(plain + (1 - change) * slope, *adjusted),
            ]
        )

    whole = extent and extent.whole(SIDE)
    planes = [keep(v, whole) for v in ((x - y, y, x) if masked else (x - y, y))]
    parts = jax.vmap(strips)(planes)
    count = parts[0].shape[1]
    flat = (v.reshape(-1, *v.shape[2:]) for v in parts)
    sums = lax.map(both, (jnp.repeat(contrast, count), *flat))
    before, after = sums.reshape(-1, count, 2).sum(1).T / samples(x[0], extent)
    less = jnp.asarray(_LESS_CONTRAST, x.dtype)
    share = jnp.where(contrast < 1, _MORE_CONTRAST, less)
    error = jnp.where(before > after, after + share * (before - after), before)
    return error + _MEAN * jnp.square(shift)

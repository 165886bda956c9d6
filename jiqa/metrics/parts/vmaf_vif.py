"""VIF as VMAF computes it: information of four scales, each by itself."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate, gaussian_taps, pad, strided_sum
from jiqa.ops.numerics import total
from jiqa.ops.once import once

#: Window of each scale, finest first; the Gaussian's sigma is a fifth of it.
WINDOWS = (17, 9, 5, 3)
#: Variance of the neural noise.
_NOISE = 2.0
#: What the authors take for no variance, also the floor of the error's.
_TOLERANCE = 1e-10


def vif_sums(
    planes: Array, gain_limit: float, extent: Extent | None = None
) -> tuple[Array, Array]:
    """Shared and total information of every scale.

    Args:
        planes: luma of the reference and of the distorted image less 128,
            ``[2, H, W]``.
        gain_limit: the largest gain that counts.
        extent: what of the planes is the image.

    Returns:
        The information that the images share, and that of the reference, ``[4]`` each.
    """
    shared, whole = [], []
    for scale, size in enumerate(WINDOWS):
        taps = gaussian_taps(size, size / 5)
        if scale:
            planes = _halved(planes, taps, extent)
            extent = extent and extent.blocks(2)
        x, y = planes
        fields = jnp.stack([x, y, x * x, y * y, x * y])
        moments = correlate(fields, taps, taps, "reflect", extent)
        both, held = _information(moments, gain_limit)
        shared.append(total(both, extent))
        whole.append(total(held, extent))
    return jnp.stack(shared), jnp.stack(whole)


def _information(moments: Array, gain_limit: float) -> tuple[Array, Array]:
    """Of every window: what the images share, and what the reference holds, in bits.

    Windows in which the reference varies less than the noise hold one bit, and share
    all of it but for what the distorted image varies.
    """
    mx, my, xx, yy, xy = moments
    # Laid out: their derivatives are then computed once, not for each of the moments.
    v, w, cross = map(once, (xx - mx * mx, yy - my * my, xy - mx * my))
    v, w = jnp.maximum(v, 0), jnp.maximum(w, 0)
    faint = v < _NOISE
    v = jnp.where(faint, _NOISE, v)
    gain = cross / (v + _TOLERANCE)
    error = jnp.maximum(w - gain * cross, _TOLERANCE)
    gain = jnp.minimum(gain, gain_limit)
    seen = jnp.log1p(gain * gain * v / (error + _NOISE))
    # Where contrast is inverted, or there is none, nothing is shared.
    seen = jnp.where((cross < 0) | (w < _TOLERANCE), 0, seen)
    bit = math.log(2)
    rest = bit * (1 - w * (_NOISE * _NOISE / 255**2))
    held = jnp.log1p(v * (1 / _NOISE))
    return jnp.where(faint, rest, seen), jnp.where(faint, bit, held)


def _halved(planes: Array, taps: np.ndarray, extent: Extent | None) -> Array:
    """Filter, and keep every second row and column; of an odd number not the last."""
    half = len(taps) // 2
    before = (half, half)
    after = before
    if extent is None:
        after = (half - planes.shape[-2] % 2, half - planes.shape[-1] % 2)
    planes = pad(planes, before, after, "reflect", extent)
    for axis in (-2, -1):
        planes = strided_sum(planes, taps, axis, 2)
    return planes

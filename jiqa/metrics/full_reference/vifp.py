"""Visual information fidelity in the pixel domain (VIFp)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate, gaussian_taps, shifted_sum
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import least, most, safe_divide, total

#: Window of each scale, finest first; the Gaussian's sigma is a fifth of it.
_WINDOWS = (17, 9, 5, 3)
#: What the authors take for zero, also the floor of the error's variance.
_TOLERANCE = 1e-10


@full_reference(
    title="Visual information fidelity, pixel domain",
    direction="higher",
    range=(0.0, float("inf")),
    identity=1.0,
    symmetric=False,
    min_side=41,
    colour="luma",
    citation=(
        "Sheikh, Bovik: Image information and visual quality. IEEE TIP 15(2), 2006. "
        "doi:10.1109/TIP.2005.859378; pixel-domain release vifp_mscale.m"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of vifp_mscale.m on 42 pairs",
)
def vifp(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    noise: float = 2.0,
    extent: Extent | None = None,
) -> Array:
    """Visual information fidelity in the pixel domain (Sheikh & Bovik 2006).

    At four scales, in Gaussian windows of 17, 9, 5 and 3 pixels that lie inside the
    image, the distorted luma is taken for g times the reference plus an independent
    error of variance v. The score is what an observer with neural noise of variance
    n can learn about the reference from the distorted image, over what can be learned
    from the reference: sum log(1 + g^2 s / (v + n)) / sum log(1 + s / n), with s the
    variance of the reference and both sums over all windows of all scales.

    The authors' pixel-domain code, not the wavelet VIF of the paper. Enhanced
    contrast can score above 1.

    Args:
        reference: images ``[..., H, W, C]``, shorter side 41 or more.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        noise: variance n of the neural noise, on the scale 0..255.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 or more, higher is better; identical images score 1. A flat
        reference has no information (0/0 in the authors' code): then the score is 1 if
        the distorted image is flat too, else 0.

    Raises:
        ValueError: unknown luma, noise that is not positive, or a small image.
    """
    if not noise > 0:
        raise ValueError(expected("noise", "a positive variance", repr(noise)))
    images = (reference, distorted)
    planes = jnp.stack([_centred(luma255(i, luma), extent) for i in images])
    shared_information = total_information = structure = jnp.zeros((), planes.dtype)
    for scale, size in enumerate(_WINDOWS):
        taps = gaussian_taps(size, size / 5)
        if scale > 0:
            planes = _halve(planes, taps)
            extent = extent and extent.valid(size, 2)
        s, t, gain, error = _channel(planes, taps)
        inner = extent and extent.valid(size)
        shared = jnp.log1p(gain * gain * s / (error + noise))
        shared_information += total(shared, inner)
        total_information += total(jnp.log1p(s * (1 / noise)), inner)
        structure += total(t, inner)
    flat = jnp.where(structure > 0, 0.0, 1.0).astype(total_information.dtype)
    return safe_divide(shared_information, total_information, flat)


def _centred(plane: Array, extent: Extent | None) -> Array:
    """The plane about the middle of its range; a flat plane becomes exactly 0.

    No variance changes, and float32 cancels less.
    """
    low, high = least(plane, extent), most(plane, extent)
    # Luma that is computed twice can come back with another last digit.
    rounding = 2048 * float(jnp.finfo(plane.dtype).eps)
    return jnp.where(high - low > rounding, plane - (low + high) / 2, 0)


def _halve(planes: Array, taps: np.ndarray) -> Array:
    """Filter, and keep every second row and column of what lies inside."""
    count = (planes.shape[-2] - len(taps) + 2) // 2
    rows = sum(
        float(tap) * planes[:, i : i + 2 * count - 1 : 2] for i, tap in enumerate(taps)
    )
    return shifted_sum(jnp.asarray(rows), taps, -1)[..., ::2]


def _channel(planes: Array, taps: np.ndarray) -> tuple[Array, Array, Array, Array]:
    """Variances of both images, gain and error variance, in every window."""
    x, y = planes
    fields = jnp.stack([x, y, x * x, y * y, x * y])
    mx, my, xx, yy, xy = correlate(fields, taps, taps)
    s = jnp.maximum(xx - mx * mx, 0)
    t = jnp.maximum(yy - my * my, 0)
    cross = xy - mx * my
    gain = cross / (s + _TOLERANCE)
    error = t - gain * cross
    no_source = s < _TOLERANCE
    gain = jnp.where(no_source, 0, gain)
    error = jnp.where(no_source, t, error)
    s = jnp.where(no_source, 0, s)
    nothing = t < _TOLERANCE
    gain = jnp.where(nothing, 0, gain)
    error = jnp.where(nothing, 0, error)
    opposed = gain < 0
    error = jnp.where(opposed, t, error)
    gain = jnp.where(opposed, 0, gain)
    return s, t, gain, jnp.maximum(error, _TOLERANCE)

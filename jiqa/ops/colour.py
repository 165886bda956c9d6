"""Convert between sRGB, linear light, CIELAB, XYB and YCbCr; keep small differences.

The numbers are those of ``jiqa.ops.colour_constants``.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.colour_constants import (
    CONE_BIAS,
    D65,
    LAB_KNEE,
    TO_CONES,
    TO_XYZ,
    TO_YCBCR,
    YCBCR_OFFSET,
    all_weighted,
)
from jiqa.ops.luma import rgb

Planes = tuple[Array, Array, Array]

#: Linear sRGB to XYZ over the white D65, and back.
_TO_RATIOS = TO_XYZ / D65[:, None]
_FROM_RATIOS = np.linalg.inv(TO_XYZ) * D65
#: Whose cube root, 1e-4 of that of white, is black in any display.
_DARKEST = 1e-12
#: Slope of the tangent that replaces the cube root below the knee.
_SLOPE = 841 / 108


def to_linear(x: Array, knee: float = 0.04045) -> Array:
    """Linear light of sRGB samples of any shape, both in [0, 1] (IEC 61966-2-1).

    Up to the knee it is a straight line, on which negative samples lie, too. Some
    programs round the standard's knee.
    """
    bright = x > knee
    base = jnp.where(bright, (x + 0.055) / 1.055, 1)
    return jnp.where(bright, _power(base, 2.4), x / 12.92)


def from_linear(light: Array) -> Array:
    """The inverse of ``to_linear``; negative light follows the straight part."""
    bright = light > 0.0031308
    root = jnp.where(bright, light, 1) ** (1 / 2.4)
    return jnp.where(bright, 1.055 * root - 0.055, 12.92 * light)


def lab_responses(x: Array) -> Planes:
    """f(X/Xn), f(Y/Yn), f(Z/Zn) of an sRGB image ``[H, W, C]``; white is D65.

    f is the cube root above (6/29)^3 and its tangent below. CIELAB is linear in these,
    so its differences are best taken here: see ``lab_axes``. Grey counts as R = G = B.
    """
    red, green, blue = (to_linear(plane) for plane in rgb(x))
    return light_responses((red, green, blue))


def light_responses(light: Planes) -> Planes:
    """``lab_responses`` of linear light, as planes of red, green and blue."""
    fx, fy, fz = (lab_response(ratio) for ratio in all_weighted(_TO_RATIOS, light))
    return fx, fy, fz


def lab_axes(responses: Planes) -> Planes:
    """116 f(Y), 500 (f(X) - f(Y)), 200 (f(Y) - f(Z)): L* + 16, a*, b*.

    Of the differences of two colours' responses it gives the differences of their L*,
    a*, b*, which are then exactly 0 where the colours are equal.
    """
    fx, fy, fz = responses
    return 116 * fy, 500 * (fx - fy), 200 * (fy - fz)


def srgb_to_lab(x: Array) -> Array:
    """CIELAB ``[H, W, 3]`` of an sRGB image ``[H, W, C]`` in [0, 1]; white is D65."""
    light, a, b = lab_axes(lab_responses(x))
    return jnp.stack([light - 16, a, b], axis=-1)


def lab_to_srgb(lab: Array) -> Array:
    """CIELAB ``[H, W, 3]`` (white D65) as sRGB, not clipped: MATLAB's ``lab2rgb``.

    Colours outside sRGB come out below 0 or above 1.
    """
    fy = (lab[..., 0] + 16) / 116
    responses = (fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200)
    ratios = [
        jnp.where(f > LAB_KNEE, f**3, (f - 4 / 29) * (1 / _SLOPE)) for f in responses
    ]
    planes = [from_linear(light) for light in all_weighted(_FROM_RATIOS, ratios)]
    return jnp.stack(planes, axis=-1)


def linear_to_xyb(light: Sequence[Array]) -> Planes:
    """X, Y and B of three planes of linear sRGB, as in libjxl; 0 for black.

    Cube roots of what the cones absorb: X is half the difference of long and medium
    ones, Y half their sum and B the short ones. Negative absorption counts as 0.
    """
    root = CONE_BIAS ** (1 / 3)
    # The smallest number has a finite gradient, which 0 has not.
    long, medium, short = (
        _power(jnp.maximum(cones + CONE_BIAS, _DARKEST), 1 / 3) - root
        for cones in all_weighted(TO_CONES, light)
    )
    return 0.5 * (long - medium), 0.5 * (long + medium), short


def rgb_to_ycbcr(image: Array) -> Array:
    """Y in [16, 235] / 255 and Cb, Cr in [16, 240] / 255 of RGB ``[H, W, 3]``."""
    planes = all_weighted(TO_YCBCR / 255, [image[..., c] for c in range(3)])
    shifted = [p + float(o) for p, o in zip(planes, YCBCR_OFFSET / 255, strict=True)]
    return jnp.stack(shifted, axis=-1)


def ycbcr_to_rgb(ycbcr: Array) -> Array:
    """RGB of what ``rgb_to_ycbcr`` gives, clipped to [0, 1] as in MATLAB."""
    planes = [ycbcr[..., c] - float(YCBCR_OFFSET[c] / 255) for c in range(3)]
    planes = all_weighted(np.linalg.inv(TO_YCBCR) * 255, planes)
    return jnp.clip(jnp.stack(planes, axis=-1), 0, 1)


def lab_response(ratio: Array) -> Array:
    """CIELAB's f of X/Xn, Y/Yn or Z/Zn: cube root, or a tangent below (6/29)^3."""
    # Both branches, each clamped to its range: in the loop over a batch a choice
    # between them keeps the compiler from vectorising (measured: eight times as slow).
    knee = LAB_KNEE**3
    root = _power(jnp.maximum(ratio, knee), 1 / 3)
    return root + (jnp.minimum(ratio, knee) - knee) * _SLOPE


def _power(x: Array, exponent: float) -> Array:
    # On the CPU four times as fast as a power and thirteen times as jnp.cbrt.
    return jnp.exp(exponent * jnp.log(x))

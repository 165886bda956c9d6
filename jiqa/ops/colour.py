"""From sRGB to CIELAB (D65), in steps that keep small differences exact."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.luma import rgb

Planes = tuple[Array, Array, Array]

#: Linear sRGB to XYZ, six decimals after IEC 61966-2-1 (B. Lindbloom's table), and the
#: tristimulus values of D65.
_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE = (0.95047, 1.0, 1.08883)
#: Below this ratio to white the cube root gives way to its tangent (CIE 15).
_KNEE = (6 / 29) ** 3


def linear_rgb(x: Array) -> Planes:
    """Linear light of an sRGB image ``[H, W, C]``; grey counts as R = G = B."""
    r, g, b = (_linear(plane) for plane in rgb(x))
    return r, g, b


def lab_responses(x: Array) -> Planes:
    """f(X/Xn), f(Y/Yn), f(Z/Zn) of an sRGB image ``[H, W, C]``.

    f is the cube root above (6/29)^3 and its tangent below. CIELAB is linear in these,
    so its differences are best taken here: see ``lab_axes``.
    """
    light = linear_rgb(x)
    ratios = (
        sum(weight / white * plane for weight, plane in zip(row, light, strict=True))
        for row, white in zip(_TO_XYZ, _WHITE, strict=True)
    )
    fx, fy, fz = (_response(jnp.asarray(t)) for t in ratios)
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


def _power(x: Array, exponent: float) -> Array:
    # On the CPU four times as fast as a power and thirteen times as jnp.cbrt.
    return jnp.exp(exponent * jnp.log(x))


def _linear(plane: Array) -> Array:
    bright = plane > 0.04045
    base = jnp.where(bright, (plane + 0.055) / 1.055, 1)
    return jnp.where(bright, _power(base, 2.4), plane / 12.92)


def _response(ratio: Array) -> Array:
    # Both pieces at their end of the other: in the loop over a batch a choice between
    # them keeps the compiler from vectorising (measured: eight times as slow).
    return _power(jnp.maximum(ratio, _KNEE), 1 / 3) + (
        jnp.minimum(ratio, _KNEE) - _KNEE
    ) * (841 / 108)


#: XYZ over D65's white to linear sRGB: the inverse of the matrix that jiqa.ops.colour
#: holds (IEC 61966-2-1, six decimals) with its columns multiplied by the white.
_WHITE_ROW = np.array([0.95047, 1.0, 1.08883])


_TO_LINEAR = (
    np.linalg.inv(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    * _WHITE_ROW
)


_ROOT_KNEE = 6 / 29


def lab_to_srgb(lab: Array) -> Array:
    """CIELAB ``[H, W, 3]`` (white D65) as sRGB, not clipped: MATLAB's ``lab2rgb``.

    Colours outside sRGB come out below 0 or above 1.
    """
    fy = (lab[..., 0] + 16) / 116
    responses = (fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200)
    ratios = [
        jnp.where(f > _ROOT_KNEE, f**3, (f - 4 / 29) * (108 / 841)) for f in responses
    ]
    return jnp.stack([_companded(c) for c in _mixed(_TO_LINEAR, ratios)], axis=-1)


def _companded(light: Array) -> Array:
    bright = light > 0.0031308
    root = jnp.where(bright, light, 1) ** (1 / 2.4)
    return jnp.where(bright, 1.055 * root - 0.055, 12.92 * light)


def _mixed(matrix: np.ndarray, planes: list[Array]) -> list[Array]:
    # Sums of planes: a product with three columns would not vectorise, and accelerators
    # would multiply in fewer bits.
    first, second, third = planes
    return [
        float(a) * first + float(b) * second + float(c) * third for a, b, c in matrix
    ]


#: ITU-R BT.601 with head-room, on the scale 0..255 as MATLAB's ``rgb2ycbcr`` has it.
_TO_YCBCR = np.array(
    [
        [65.481, 128.553, 24.966],
        [-37.797, -74.203, 112.0],
        [112.0, -93.786, -18.214],
    ]
)


_YCBCR_OFFSET = np.array([16.0, 128.0, 128.0]) / 255


def rgb_to_ycbcr(image: Array) -> Array:
    """Y in [16, 235] / 255 and Cb, Cr in [16, 240] / 255 of RGB ``[H, W, 3]``."""
    planes = _mixed(_TO_YCBCR / 255, [image[..., c] for c in range(3)])
    return jnp.stack(
        [p + float(o) for p, o in zip(planes, _YCBCR_OFFSET, strict=True)], axis=-1
    )


def ycbcr_to_rgb(ycbcr: Array) -> Array:
    """RGB of what ``rgb_to_ycbcr`` gives, clipped to [0, 1] as in MATLAB."""
    planes = [ycbcr[..., c] - float(_YCBCR_OFFSET[c]) for c in range(3)]
    return jnp.clip(jnp.stack(_mixed(np.linalg.inv(_TO_YCBCR) * 255, planes), -1), 0, 1)

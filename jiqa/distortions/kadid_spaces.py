"""Colour spaces and back, with MATLAB's constants: CIELAB to sRGB, YCbCr both ways."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

#: XYZ over D65's white to linear sRGB: the inverse of the matrix that jiqa.colour
#: holds (IEC 61966-2-1, six decimals) with its columns multiplied by the white.
_WHITE = np.array([0.95047, 1.0, 1.08883])
_TO_LINEAR = (
    np.linalg.inv(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    * _WHITE
)
_KNEE = 6 / 29

#: ITU-R BT.601 with head-room, on the scale 0..255 as MATLAB's ``rgb2ycbcr`` has it.
_TO_YCBCR = np.array(
    [
        [65.481, 128.553, 24.966],
        [-37.797, -74.203, 112.0],
        [112.0, -93.786, -18.214],
    ]
)
_OFFSET = np.array([16.0, 128.0, 128.0]) / 255


def lab_to_srgb(lab: Array) -> Array:
    """CIELAB ``[H, W, 3]`` (white D65) as sRGB, not clipped: MATLAB's ``lab2rgb``.

    Colours outside sRGB come out below 0 or above 1.
    """
    fy = (lab[..., 0] + 16) / 116
    responses = (fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200)
    ratios = [jnp.where(f > _KNEE, f**3, (f - 4 / 29) * (108 / 841)) for f in responses]
    return jnp.stack([_companded(c) for c in _mixed(_TO_LINEAR, ratios)], axis=-1)


def _companded(light: Array) -> Array:
    bright = light > 0.0031308
    root = jnp.where(bright, light, 1) ** (1 / 2.4)
    return jnp.where(bright, 1.055 * root - 0.055, 12.92 * light)


def rgb_to_ycbcr(image: Array) -> Array:
    """Y in [16, 235] / 255 and Cb, Cr in [16, 240] / 255 of RGB ``[H, W, 3]``."""
    planes = _mixed(_TO_YCBCR / 255, [image[..., c] for c in range(3)])
    return jnp.stack(
        [p + float(o) for p, o in zip(planes, _OFFSET, strict=True)], axis=-1
    )


def ycbcr_to_rgb(ycbcr: Array) -> Array:
    """RGB of what ``rgb_to_ycbcr`` gives, clipped to [0, 1] as in MATLAB."""
    planes = [ycbcr[..., c] - float(_OFFSET[c]) for c in range(3)]
    return jnp.clip(jnp.stack(_mixed(np.linalg.inv(_TO_YCBCR) * 255, planes), -1), 0, 1)


def _mixed(matrix: np.ndarray, planes: list[Array]) -> list[Array]:
    # Sums of planes: a product with three columns would not vectorise, and accelerators
    # would multiply in fewer bits.
    first, second, third = planes
    return [
        float(a) * first + float(b) * second + float(c) * third for a, b, c in matrix
    ]

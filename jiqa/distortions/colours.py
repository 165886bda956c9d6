"""YCbCr as MATLAB has it, and what is done to the colours of an image."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.distortions.blurs import gaussian_blur
from jiqa.distortions.eight_bits import from_levels, to_levels

#: ITU-R BT.601 for [0, 1] in and 16..240 out, as MATLAB and scikit-image have it.
_TO_YCBCR = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
_OFFSET = np.array([16.0, 128.0, 128.0])


def need_rgb(image: Array, what: str) -> None:
    """Raise ``ValueError`` for an image without three channels."""
    if image.shape[-1] != 3:
        raise ValueError(
            f"{what}: image of shape {tuple(image.shape)}; needed are 3 channels (RGB)"
        )


def rgb_to_ycbcr(image: Array) -> Array:
    """``rgb2ycbcr`` of uint8: whole levels 0..255 of an image ``[H, W, 3]``."""
    planes = _combine(to_levels(image), _TO_YCBCR / 255)
    return jnp.floor(planes + jnp.asarray(_OFFSET, planes.dtype) + 0.5)


def ycbcr_to_rgb(ycbcr: Array) -> Array:
    """``ycbcr2rgb`` of double: planes on [0, 1] to RGB, clipped to [0, 1]."""
    light = ycbcr * 255 - jnp.asarray(_OFFSET, ycbcr.dtype)
    return jnp.clip(_combine(light, np.linalg.inv(_TO_YCBCR)), 0, 1)


def _combine(planes: Array, matrix: np.ndarray) -> Array:
    """``matrix`` times every pixel, in full precision on every device."""
    parts = [planes[..., c] for c in range(3)]
    return jnp.stack(
        [
            float(row[0]) * parts[0]
            + float(row[1]) * parts[1]
            + float(row[2]) * parts[2]
            for row in matrix
        ],
        axis=-1,
    )


def colour_saturation(image: Array, factor: Any) -> Array:
    """Cb and Cr moved towards 0.5, their middle, by ``factor`` (RankIQA).

    1 changes next to nothing, 0 takes the colour away, below 0 turns it into its
    complement. The middle of 8-bit planes is 128/255, so grey gets a trace of colour.

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        factor: of the distance to the middle.
    """
    need_rgb(image, "colour saturation")
    ycbcr = rgb_to_ycbcr(image) / 255
    factor = jnp.asarray(factor, image.dtype)
    chroma = 0.5 + (ycbcr[..., 1:] - 0.5) * factor
    return from_levels(
        ycbcr_to_rgb(jnp.concatenate([ycbcr[..., :1], chroma], -1)) * 255
    )


def chromatic_shift(image: Array, level: Any) -> Array:
    """Red moved right by ``level`` - 1 pixels, green by half of ``level`` - 1.

    The columns that the move leaves free keep what they had. A Gaussian blur of 3x3
    pixels (sigma 0.5) follows. The authors' program (RankIQA's ``CA``) calls the
    second channel blue.

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        level: even number of pixels, 2 or more.
    """
    need_rgb(image, "chromatic shift")
    level = jnp.asarray(level)
    columns = jnp.arange(image.shape[1])
    moved = [
        image[:, jnp.where(columns < shift, columns, columns - shift), channel]
        for channel, shift in enumerate((level - 1, level // 2 - 1))
    ]
    return gaussian_blur(jnp.stack([*moved, image[..., 2]], -1), 3)

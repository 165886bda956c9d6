"""Rounding to whole grey levels, 0 to 255, and checks of an operation's image.

The generators of the published sets are MATLAB programs on uint8 images: a step that
gives an image rounds it, halves upwards, and saturates. Images here stay floating
point in [0, 1]; ``to_levels`` and ``from_levels`` are the rounding, and their namesakes
the same on the host.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.images import to_float


def to_levels(image: Array) -> Array:
    """MATLAB's ``double(im2uint8(image))``: whole numbers 0..255 in the same type."""
    return jnp.floor(jnp.clip(image * 255, 0, 255) + 0.5)


def from_levels(levels: Array) -> Array:
    """MATLAB's ``uint8(levels)`` as an image in [0, 1]: rounded and saturated."""
    whole = jnp.floor(jnp.clip(levels, 0, 255) + 0.5).astype(jnp.uint8)
    return to_float(whole).astype(levels.dtype)


def to_uint8(image: Any) -> np.ndarray:
    """The same rounding on the host, to uint8, as codecs and files expect it.

    In double precision, whatever the image's: MATLAB's generators compute in it.
    """
    levels = np.asarray(image, np.float64) * 255
    return np.floor(np.clip(levels, 0, 255) + 0.5).astype(np.uint8)


def from_uint8(pixels: np.ndarray, like: Array | np.ndarray) -> np.ndarray:
    """Decoded pixels as an image in [0, 1] of the shape and type of ``like``."""
    return (pixels.reshape(like.shape) / 255.0).astype(like.dtype)


def full_range(x: Array) -> Array:
    """Stretch an image so that its smallest sample is 0 and its largest 1.

    All channels alike, as KADID-10k's ``mapmm``; a flat image stays as it is.
    """
    low, high = x.min(), x.max()
    spread = high > low
    stretched = (x - low) / jnp.where(spread, high - low, 1)
    return jnp.where(spread, stretched, x)


def needs_colour(image: Array | np.ndarray, distortion: str) -> None:
    """Raise ``ValueError`` unless the image has three channels."""
    if image.shape[-1] != 3:
        raise ValueError(
            expected(
                distortion,
                "an image [H, W, 3]",
                f"shape {tuple(image.shape)}",
                "grey has no colour to distort",
            )
        )

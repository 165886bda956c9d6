"""The whole range and whole grey levels: what KADID-10k's generator does around it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array


def full_range(x: Array) -> Array:
    """Stretch an image so that its smallest sample is 0 and its largest 1.

    All channels alike, as the authors' ``mapmm``; a flat image stays as it is.
    """
    low, high = x.min(), x.max()
    spread = high > low
    stretched = (x - low) / jnp.where(spread, high - low, 1)
    return jnp.where(spread, stretched, x)


def to_bytes(image: Array | np.ndarray) -> np.ndarray:
    """MATLAB's ``im2uint8`` of an image in [0, 1], on the host: halves round up.

    In double precision, whatever the image's: MATLAB's generator computes in it.
    """
    levels = np.asarray(image, np.float64) * 255
    return np.clip(np.floor(levels + 0.5), 0, 255).astype(np.uint8)


def needs_colour(image: Array | np.ndarray, distortion: str) -> None:
    """Raise ``ValueError`` unless the image has three channels."""
    if image.shape[-1] != 3:
        raise ValueError(
            f"{distortion}: image of shape {tuple(image.shape)}; needed is a colour "
            "image [H, W, 3], since grey has nothing to distort"
        )


def needs_side(image: Array | np.ndarray, minimum: int, distortion: str) -> None:
    """Raise ``ValueError`` unless both sides have ``minimum`` pixels or more."""
    height, width = image.shape[:2]
    if min(height, width) < minimum:
        raise ValueError(
            f"{distortion}: image of {width}x{height} (width x height); needed are "
            f"{minimum} pixels a side or more"
        )

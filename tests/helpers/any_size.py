"""Images for programs that take any size."""

from __future__ import annotations

import numpy as np


def pair(height: int, width: int, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Smooth structure with noise and coarser levels as the distortion, uint8."""
    rng = np.random.default_rng(height * 10007 + width)
    y, x = np.mgrid[:height, :width]
    waves = [
        np.sin(x / rng.uniform(4, 40) + y / rng.uniform(4, 40) + rng.uniform(0, 6))
        for _ in range(4 * channels)
    ]
    smooth = np.stack(np.split(np.array(waves), channels), -1).sum(0)
    smooth = 255 * (smooth - smooth.min()) / np.ptp(smooth)
    noisy = smooth + rng.normal(0, 3, smooth.shape)
    worse = np.round((noisy + rng.normal(0, 9, smooth.shape)) / 12) * 12
    first, second = (np.clip(v, 0, 255).astype(np.uint8) for v in (noisy, worse))
    return first, second


def in_noise(image: np.ndarray, bucket: tuple[int, int]) -> np.ndarray:
    """In the corner of an array that holds noise elsewhere: what lies there is free."""
    array = np.random.default_rng(1).integers(0, 256, (*bucket, image.shape[-1]))
    array = array.astype(image.dtype)
    array[: image.shape[0], : image.shape[1]] = image
    return array[None]

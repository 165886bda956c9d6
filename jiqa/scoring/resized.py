"""One image of a pair at the size of the other."""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np

from jiqa.ops.resize import resize_weights

#: Which one of a pair takes on the size of the other.
Resize = Literal["reference", "image"]


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize as MATLAB's ``imresize`` does: bicubic, antialiased when it shrinks.

    Args:
        pixels: ``[H, W, C]``, uint8 or uint16.
        size: the new height and width in pixels.

    Returns:
        ``[height, width, C]`` of the same type, rounded and within its range.
    """
    height, width = map(_weights, pixels.shape[:2], size)
    # One channel at a time: of a large image float64 takes eight times its bytes.
    channels = [
        (width @ (height @ pixels[..., c]).T).T for c in range(pixels.shape[-1])
    ]
    most = np.iinfo(pixels.dtype).max
    values = np.stack([np.clip(np.floor(c + 0.5), 0, most) for c in channels], -1)
    return values.astype(pixels.dtype)


@functools.lru_cache(maxsize=64)
def _weights(old: int, new: int) -> Any:
    from scipy.sparse import csr_array

    # The band alone: of large images a dense matrix takes hundreds of megabytes.
    return csr_array(resize_weights(old, new, new / old, "bicubic"))

"""Luma and local statistics in NumPy, as the authors of NIQE and PIQE have them."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from PIL import Image

from tests.helpers.golden_open import FOLDER


def grey(image: np.ndarray) -> np.ndarray:
    """MATLAB's ``rgb2gray`` of uint8, to whole levels."""
    weights = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
    return np.floor(image.astype(float) @ weights + 0.5)


def local_deviation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviation and mean in a Gaussian window of 7, edges repeated."""
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    taps /= taps.sum()

    def smooth(v: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            v = scipy.ndimage.correlate1d(v, taps, axis, mode="nearest")
        return v

    mean = smooth(x)
    return np.sqrt(np.abs(smooth(x * x) - mean * mean)), mean


def photo(name: str = "chelsea_ref.png") -> np.ndarray:
    """One of the golden photographs, uint8."""
    return np.asarray(Image.open(FOLDER / "images" / name))

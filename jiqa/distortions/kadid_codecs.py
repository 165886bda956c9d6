"""Compression of KADID-10k on the host: types 9 and 10, NumPy in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import Array

from jiqa.distortions.codecs import rated_jpeg2000, there_and_back
from jiqa.distortions.eight_bits import from_uint8
from jiqa.distortions.kadid_ranges import to_bytes


def jpeg(image: Array | np.ndarray, quality: int, key: Any = None) -> np.ndarray:
    """JPEG at a quality of the Independent JPEG Group's tables, chroma halved.

    As MATLAB's ``imwrite(..., 'jpg', 'Quality', quality)``.
    """
    del key
    options = {"quality": quality, "subsampling": "4:2:0"}
    return from_uint8(there_and_back(to_bytes(image), "JPEG", **options), image)


def jpeg2000(image: Array | np.ndarray, ratio: float, key: Any = None) -> np.ndarray:
    """JPEG 2000 with ``ratio`` times fewer bytes than the raw samples.

    The settings of MATLAB's ``imwrite(..., 'jp2', 'CompressionRatio', ratio)``: the
    9/7 wavelet, four decompositions, one tile, one layer; coded by OpenJPEG.
    """
    del key
    # Four decompositions, or as many as halve the side down to one sample.
    resolutions = min(5, max(min(image.shape[:2]), 1).bit_length())
    return from_uint8(rated_jpeg2000(to_bytes(image), ratio, resolutions), image)

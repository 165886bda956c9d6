"""Compression of KADID-10k on the host: types 9 and 10, NumPy in and out."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from jax import Array

from jiqa.distortions.kadid_ranges import from_bytes, to_bytes


def jpeg(image: Array | np.ndarray, quality: int, key: Any = None) -> np.ndarray:
    """JPEG at a quality of the Independent JPEG Group's tables, chroma halved.

    As MATLAB's ``imwrite(..., 'jpg', 'Quality', quality)``.
    """
    del key
    return _through(image, format="JPEG", quality=quality, subsampling="4:2:0")


def jpeg2000(image: Array | np.ndarray, ratio: float, key: Any = None) -> np.ndarray:
    """JPEG 2000 with ``ratio`` times fewer bytes than the raw samples.

    The settings of MATLAB's ``imwrite(..., 'jp2', 'CompressionRatio', ratio)``: the
    9/7 wavelet, four decompositions, one tile, one layer; coded by OpenJPEG.
    """
    del key
    return _through(
        image,
        format="JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        num_resolutions=_resolutions(min(image.shape[:2])),
    )


def _resolutions(side: int) -> int:
    """Four decompositions, or as many as halve the side down to one sample."""
    return min(5, max(side, 1).bit_length())


def _through(image: Array | np.ndarray, **options: Any) -> np.ndarray:
    from PIL import Image

    pixels = to_bytes(image)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    picture.save(file, **options)
    file.seek(0)
    with Image.open(file) as decoded:
        return from_bytes(np.asarray(decoded.convert(picture.mode)), image)

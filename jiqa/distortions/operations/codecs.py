"""JPEG and JPEG 2000 there and back, through Pillow; on the host only."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from jax import Array

from jiqa.distortions.operations.rounding import from_uint8, to_bytes, to_uint8


def jpeg(image: Any, quality: int) -> np.ndarray:
    """Baseline JPEG by libjpeg, chroma at half resolution as MATLAB and libjpeg do it.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        quality: 0 to 100; libjpeg takes 0 for 1.
    """
    options = {"quality": max(1, int(quality)), "subsampling": "4:2:0"}
    image = np.asarray(image)
    return from_uint8(there_and_back(to_uint8(image), "JPEG", **options), image)


def jpeg2000(image: Any, bits_per_pixel: float) -> np.ndarray:
    """JPEG 2000, irreversible 9/7 wavelet, one quality layer, by OpenJPEG.

    MATLAB writes JPEG 2000 with Kakadu: at the same rate the two do not put their
    bits in quite the same place.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        bits_per_pixel: of the file, all channels together. The authors give MATLAB
            the compression ratio 24 / bits per pixel of an RGB image. The file's
            header, some 260 bytes, counts, so that of a small image at a low rate
            little more than a flat field is left.
    """
    image = np.asarray(image)
    ratio = 8 * image.shape[-1] / bits_per_pixel
    # Five decompositions, OpenJPEG's own choice, as far as the image allows.
    resolutions = min(6, int(np.log2(min(image.shape[:2]))) + 1)
    return from_uint8(rated_jpeg2000(to_uint8(image), ratio, resolutions), image)


def rated_jpeg2000(pixels: np.ndarray, ratio: float, resolutions: int) -> np.ndarray:
    """JPEG 2000 with ``ratio`` times fewer bytes than the uint8 samples.

    Args:
        pixels: ``[H, W, C]``, uint8.
        ratio: of compression.
        resolutions: one more than the wavelet's decompositions.
    """
    return there_and_back(
        pixels,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        num_resolutions=resolutions,
    )


def there_and_back(pixels: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    """What Pillow makes of uint8 pixels ``[H, W, C]`` in a format; grey loses its C."""
    from PIL import Image

    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    file = io.BytesIO()
    picture.save(file, kind, **options)
    with Image.open(file) as decoded:
        return np.asarray(decoded)


def jpeg_of_quality(
    image: Array | np.ndarray, quality: int, key: Any = None
) -> np.ndarray:
    """JPEG at a quality of the Independent JPEG Group's tables, chroma halved.

    As MATLAB's ``imwrite(..., 'jpg', 'Quality', quality)``.
    """
    del key
    options = {"quality": quality, "subsampling": "4:2:0"}
    return from_uint8(there_and_back(to_bytes(image), "JPEG", **options), image)


def jpeg2000_of_ratio(
    image: Array | np.ndarray, ratio: float, key: Any = None
) -> np.ndarray:
    """JPEG 2000 with ``ratio`` times fewer bytes than the raw samples.

    The settings of MATLAB's ``imwrite(..., 'jp2', 'CompressionRatio', ratio)``: the
    9/7 wavelet, four decompositions, one tile, one layer; coded by OpenJPEG.
    """
    del key
    # Four decompositions, or as many as halve the side down to one sample.
    resolutions = min(5, max(min(image.shape[:2]), 1).bit_length())
    return from_uint8(rated_jpeg2000(to_bytes(image), ratio, resolutions), image)

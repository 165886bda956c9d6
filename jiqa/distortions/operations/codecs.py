"""JPEG and JPEG 2000 compression by Pillow, on the host only."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from jiqa.distortions.operations.rounding import from_uint8, to_uint8


def jpeg(image: Any, quality: int) -> np.ndarray:
    """Baseline JPEG by libjpeg, chroma at half resolution as MATLAB and libjpeg do it.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        quality: 0 to 100; libjpeg takes 0 for 1.
    """
    options = {"quality": max(1, int(quality)), "subsampling": "4:2:0"}
    return _there_and_back(image, "JPEG", **options)


def jpeg2000_at_rate(image: Any, bits_per_pixel: float) -> np.ndarray:
    """JPEG 2000 with so many bits per pixel, by five decompositions (RankIQA).

    OpenJPEG chooses five too, or fewer where the image is small.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        bits_per_pixel: of the file, all channels together. The authors give MATLAB
            the compression ratio 24 / bits per pixel of an RGB image. The file's
            header, some 260 bytes, counts, so that of a small image at a low rate
            little more than a flat field is left.
    """
    return _jpeg2000(image, 8 * np.shape(image)[-1] / bits_per_pixel, 5)


def jpeg2000_at_ratio(image: Any, ratio: float) -> np.ndarray:
    """JPEG 2000 with ``ratio`` times fewer bytes than the raw samples (KADID-10k).

    MATLAB's ``imwrite(..., 'jp2', 'CompressionRatio', ratio)``: four decompositions.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        ratio: of compression.
    """
    return _jpeg2000(image, ratio, 4)


def _jpeg2000(image: Any, ratio: float, decompositions: int) -> np.ndarray:
    """The irreversible 9/7 wavelet, one tile, one quality layer, by OpenJPEG.

    MATLAB writes JPEG 2000 with Kakadu: at the same rate the two distribute their bits
    a little differently. A side can be halved until it has one sample.
    """
    halvings = min(np.shape(image)[:2]).bit_length()
    return _there_and_back(
        image,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        num_resolutions=min(1 + decompositions, halvings),
    )


def _there_and_back(image: Any, kind: str, **options: Any) -> np.ndarray:
    """Encode an image's 8-bit levels in a format by Pillow, and decode them."""
    from PIL import Image

    image = np.asarray(image)
    pixels = to_uint8(image)
    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    file = io.BytesIO()
    picture.save(file, kind, **options)
    with Image.open(file) as decoded:
        return from_uint8(np.asarray(decoded), image)

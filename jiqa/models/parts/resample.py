"""Resizing of images as Pillow does it, and conversion to three channels.

``*_host`` works on NumPy arrays and keeps their type, its namesake on the device.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.ops.extent import Extent
from jiqa.ops.padded_resize import padded_imresize

Resampling = Literal["bilinear", "bicubic", "nearest"]


def resized_host(
    image: np.ndarray, rows: int, columns: int, method: Resampling = "bilinear"
) -> np.ndarray:
    """Resize ``[H, W, C]`` with Pillow; the dtype is kept.

    ``resized`` is the same on the device, but that it does not round.
    """
    from PIL import Image

    one_of("method", method, "bilinear", "bicubic", "nearest")
    if image.shape[:2] == (rows, columns):
        return image
    if method == "nearest":
        return image[np.ix_(*_nearest(image.shape, rows, columns))]
    how = Image.Resampling[method.upper()]
    if image.dtype == np.uint8 and image.shape[-1] in (1, 3):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        small = np.asarray(picture.resize((columns, rows), how))
        return small.reshape(rows, columns, image.shape[-1])
    planes = [
        Image.fromarray(plane.astype(np.float32)).resize((columns, rows), how)
        for plane in np.moveaxis(image, -1, 0)
    ]
    small = np.stack([np.asarray(plane) for plane in planes], -1)
    if np.issubdtype(image.dtype, np.integer):
        small = np.clip(np.floor(small + 0.5), 0, np.iinfo(image.dtype).max)
    return small.astype(image.dtype)


def resized(
    image: Array,
    rows: int,
    columns: int,
    method: Resampling = "bilinear",
    extent: Extent | None = None,
) -> Array:
    """Resize an image ``[H, W, C]`` as Pillow does.

    ``"bilinear"`` and ``"bicubic"`` widen their kernels when they shrink;
    ``"nearest"`` does not. Bicubic numbers may lie outside [0, 1].

    Raises:
        ValueError: an ``extent``, what of the array is the image, with ``"nearest"``.
    """
    one_of("method", method, "bilinear", "bicubic", "nearest")
    if extent is not None:
        one_of("method with an extent", method, "bilinear", "bicubic")
        planes = padded_imresize(
            jnp.moveaxis(image, -1, 0),
            (rows, columns),
            "bicubic" if method == "bicubic" else "bilinear",
            source=extent,
            border="cut",
        )
        return jnp.moveaxis(planes, 0, -1)
    if image.shape[:2] == (rows, columns):
        return image
    if method == "nearest":
        down, right = _nearest(image.shape, rows, columns)
        return image[down][:, right]
    how = {"bilinear": "linear", "bicubic": "cubic"}[method]
    return jax.image.resize(image, (rows, columns, image.shape[-1]), how)


def _nearest(
    shape: tuple[int, ...], rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns that hold the centres of the new samples.

    Where a middle falls between two samples, rounding decides: steps are added up one
    by one, as Pillow does.
    """
    down, right = (
        np.add.accumulate([old / new / 2] + [old / new] * (new - 1)).astype(np.int64)
        for new, old in zip((rows, columns), shape, strict=False)
    )
    return down, right


def coloured(image: np.ndarray, count: int = 3) -> np.ndarray:
    """Return ``[H, W, count]`` of the same dtype; grey becomes equal channels.

    Raises:
        ValueError: an image with other channels, as a full-reference model without its
            reference has it.
    """
    if image.shape[-1] == count:
        return image
    if image.shape[-1] == 1 and count == 3:
        return np.repeat(image, 3, -1)
    hint = "those of the image, then those of its reference" if count == 6 else ""
    got = f"shape {image.shape}"
    raise ValueError(expected("image", f"{count} channels", got, hint))

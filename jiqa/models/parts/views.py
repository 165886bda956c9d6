"""The crops of an image that a model takes: random in training, fixed for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.models.parts import backbones, resample
from jiqa.nn import Network
from jiqa.ops.extent import Extent


def training_crop(
    image: np.ndarray,
    rng: np.random.Generator | None,
    *,
    crop: int,
    resize: int | None = None,
    flip: bool = True,
    channels: int = 3,
    resampling: resample.Resampling = "bilinear",
) -> np.ndarray:
    """Take a random crop ``[crop, crop, 3]``, flipped left to right half of the time.

    Args:
        image: ``[H, W, C]``.
        rng: random numbers; ``None``: the middle crop, not flipped.
        crop: its side. An image with a shorter side under it is first enlarged, both
            sides alike.
        resize: side of the square that the image is first brought to; ``None``: it
            keeps its size.
        flip: whether it may be flipped.
        channels: 3, or 6 with a reference.
        resampling: how the image is brought to ``resize``.
    """
    image = resample.coloured(image, channels)
    if resize is not None:
        image = resample.resized_host(image, resize, resize, resampling)
    height, width = image.shape[:2]
    if min(height, width) < crop:
        factor = crop / min(height, width)
        height, width = (max(crop, round(n * factor)) for n in (height, width))
        image = resample.resized_host(image, height, width)
    if rng is None:
        top, left, turned = (height - crop) // 2, (width - crop) // 2, False
    else:
        top, left = (int(rng.integers(n - crop + 1)) for n in (height, width))
        turned = flip and bool(rng.integers(2))
    part = image[top : top + crop, left : left + crop]
    return np.ascontiguousarray(part[:, ::-1] if turned else part)


def prepared(
    config: Any,
    image: np.ndarray,
    rng: np.random.Generator | None,
    resampling: resample.Resampling = "bilinear",
) -> np.ndarray:
    """Return the ``prepare`` for the options ``crop``, ``resize`` and ``flip``."""
    return training_crop(
        image,
        rng,
        crop=config.crop,
        resize=config.resize,
        flip=config.flip,
        resampling=resampling,
    )


def fixed_views(
    image: Array,
    *,
    crop: int,
    count: int,
    resize: int | None,
    multiple: int = 1,
    extent: Extent | None = None,
    resampling: resample.Resampling = "bilinear",
) -> Array:
    """Return the views of an image ``[H, W, C]`` to score, ``[N, h, w, C]``.

    Args:
        image: in [0, 1].
        crop: side of the crops of a grid.
        count: of them along each side; 0: the whole image.
        resize: side of the square that the image is first brought to, if any.
        multiple: what both sides must be multiples of; the rest is cut off.
        extent: what of the array is the image, where that is not all; then the image
            is resized, or the whole of it taken.
        resampling: how the image is brought to ``resize``.
    """
    if resize is not None:
        image = resample.resized(image, resize, resize, resampling, extent)
    image = trimmed(image, multiple)
    if not count:
        return image[None]
    found = grid(image, crop, count)
    return found if multiple == 1 else jax.vmap(lambda x: trimmed(x, multiple))(found)


def of_image(
    config: Any,
    image: Array,
    extent: Extent | None = None,
    resampling: resample.Resampling = "bilinear",
) -> tuple[Array, Extent | None]:
    """Return a whole image ``[H, W, C]`` or its grid of crops, ``[N, h, w, C]``.

    Of a model with the options ``backbone``, ``crop``, ``grid`` and ``resize``. With an
    ``extent``, of one that is ``any_size``, it says what of the array is the image;
    what of the views is, comes second.
    """
    found = fixed_views(
        image,
        crop=config.crop,
        count=config.grid,
        resize=config.resize,
        multiple=backbones.multiple(config.backbone),
        extent=extent,
        resampling=resampling,
    )
    return found, extent if config.resize is None else None


def any_size(config: Any) -> bool:
    """Whether ``of_image`` takes an ``extent`` with these options.

    Crops at positions that follow from the image's size, and sides that are cut to
    multiples, are not known when a program for any size is traced.
    """
    if config.resize is not None:
        return True
    return not config.grid and backbones.multiple(config.backbone) == 1


def grid(image: Array, side: int, count: int) -> Array:
    """Return ``count`` x ``count`` crops ``[count^2, side, side, C]`` on a fixed grid.

    Evenly spread from corner to corner; with ``count`` 1 the middle one. Of an image
    narrower than ``side`` the crops have its width (or height).
    """
    tall, wide = (min(side, n) for n in image.shape[:2])
    tops, lefts = (
        _places(n, part, count)
        for n, part in zip(image.shape[:2], (tall, wide), strict=True)
    )
    return jnp.stack([image[t : t + tall, x : x + wide] for t in tops for x in lefts])


def _places(length: int, part: int, count: int) -> list[int]:
    room = length - part
    if count == 1:
        return [room // 2]
    return [round(k * room / (count - 1)) for k in range(count)]


def trimmed(image: Array, multiple: int) -> Array:
    """Trim an image to its middle, so that its sides are multiples of a number."""
    height, width = (n // multiple * multiple for n in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def min_side(config: Any, *parts: tuple[Network, Sequence[str]]) -> int:
    """Return the smallest side that leaves a sample of all taps of all networks."""
    if config.resize is not None:
        return 1
    least = (backbones.smallest(net, taps) for net, taps in parts)
    return max(*least, backbones.multiple(config.backbone))

"""What part of an image a model sees: drawn on the host, or fixed for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.models.parts import backbones, views
from jiqa.nn import Network

Resampling = Literal["bilinear", "nearest"]


def resized_host(
    image: np.ndarray, rows: int, columns: int, method: Resampling = "bilinear"
) -> np.ndarray:
    """Pillow's resize of ``[H, W, C]``, of the same dtype.

    ``resized`` is the same on the device, but that it does not round.
    """
    from PIL import Image

    one_of("method", method, "bilinear", "nearest")
    if image.shape[:2] == (rows, columns):
        return image
    if method == "nearest":
        return image[np.ix_(*_nearest(image.shape, rows, columns))]
    how = Image.Resampling.BILINEAR
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
        small = np.floor(small + 0.5)
    return small.astype(image.dtype)


def resized(
    image: Array, rows: int, columns: int, method: Resampling = "bilinear"
) -> Array:
    """An image ``[H, W, C]`` of another size, as Pillow resamples.

    ``"bilinear"`` widens its kernel when it shrinks; ``"nearest"`` does not.
    """
    one_of("method", method, "bilinear", "nearest")
    if image.shape[:2] == (rows, columns):
        return image
    if method == "nearest":
        down, right = _nearest(image.shape, rows, columns)
        return image[down][:, right]
    return jax.image.resize(image, (rows, columns, image.shape[-1]), "linear")


def _nearest(
    shape: tuple[int, ...], rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that hold the middles of the new samples.

    Where a middle falls between two samples, rounding decides: steps are added up one
    by one, as Pillow does.
    """
    down, right = (
        np.add.accumulate([old / new / 2] + [old / new] * (new - 1)).astype(np.int64)
        for new, old in zip((rows, columns), shape, strict=False)
    )
    return down, right


def coloured(image: np.ndarray, count: int = 3) -> np.ndarray:
    """``[H, W, count]`` of the same dtype; grey becomes equal channels.

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


def training_crop(
    image: np.ndarray,
    rng: np.random.Generator | None,
    *,
    crop: int,
    resize: int | None = None,
    flip: bool = True,
    channels: int = 3,
) -> np.ndarray:
    """A random crop ``[crop, crop, 3]``, flipped left to right half of the time.

    Args:
        image: ``[H, W, C]``.
        rng: random numbers; ``None``: the middle crop, not flipped.
        crop: its side. An image with a shorter side under it is first enlarged, both
            sides alike.
        resize: side of the square that the image is first brought to; ``None``: it
            keeps its size.
        flip: whether it may be flipped.
        channels: 3, or 6 with a reference.
    """
    image = coloured(image, channels)
    if resize is not None:
        image = resized_host(image, resize, resize)
    height, width = image.shape[:2]
    if min(height, width) < crop:
        factor = crop / min(height, width)
        height, width = (max(crop, round(n * factor)) for n in (height, width))
        image = resized_host(image, height, width)
    if rng is None:
        top, left, turned = (height - crop) // 2, (width - crop) // 2, False
    else:
        top, left = (int(rng.integers(n - crop + 1)) for n in (height, width))
        turned = flip and bool(rng.integers(2))
    part = image[top : top + crop, left : left + crop]
    return np.ascontiguousarray(part[:, ::-1] if turned else part)


def prepared(
    config: Any, image: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    """The ``prepare`` of a model with ``crop``, ``resize`` and ``flip`` of its own."""
    return training_crop(
        image, rng, crop=config.crop, resize=config.resize, flip=config.flip
    )


def fixed_views(
    image: Array, *, crop: int, count: int, resize: int | None, multiple: int = 1
) -> Array:
    """What is scored of an image ``[H, W, C]``, ``[N, h, w, C]``; the same every time.

    Args:
        image: in [0, 1].
        crop: side of the crops of a grid.
        count: of them along each side; 0: the whole image.
        resize: side of the square that the image is first brought to, if any.
        multiple: what both sides must be multiples of; the rest at the rim is left.
    """
    if resize is not None:
        image = resized(image, resize, resize)
    image = trimmed(image, multiple)
    if not count:
        return image[None]
    found = grid(image, crop, count)
    return found if multiple == 1 else jax.vmap(lambda x: trimmed(x, multiple))(found)


def grid(image: Array, side: int, count: int) -> Array:
    """``count`` x ``count`` crops ``[count^2, side, side, C]`` at fixed places.

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
    """The middle of an image whose sides are multiples of a number."""
    height, width = (n // multiple * multiple for n in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def patches(image: Array, side: int) -> Array:
    """All patches ``[N, side, side, C]`` side by side; the rest at the ends is left."""
    rows, columns = (n // side for n in image.shape[:2])
    part = image[: rows * side, : columns * side]
    cut = part.reshape(rows, side, columns, side, image.shape[-1])
    return cut.swapaxes(1, 2).reshape(-1, side, side, image.shape[-1])


def patch_column(
    image: np.ndarray,
    rng: np.random.Generator | None,
    *,
    side: int,
    count: int,
    channels: int = 3,
) -> np.ndarray:
    """``count`` patches one under the other, ``[count side, side, channels]``.

    Random places; without ``rng`` places on an even grid.

    Raises:
        ValueError: an image that holds no patch.
    """
    image = coloured(image, channels)
    height, width = image.shape[:2]
    if min(height, width) < side:
        wanted = f"at least {side}x{side} pixels, the size of a patch"
        raise ValueError(expected("image", wanted, f"{width}x{height}"))
    if rng is None:
        across = int(np.ceil(np.sqrt(count)))
        tops, lefts = (
            np.round(np.linspace(0, n - side, across)).astype(int)
            for n in (height, width)
        )
        places = [(t, x) for t in tops for x in lefts][:count]
    else:
        places = [
            (int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1)))
            for _ in range(count)
        ]
    return np.concatenate([image[t : t + side, x : x + side] for t, x in places])


def from_column(images: Array, side: int) -> Array:
    """Columns ``[B, count side, side, C]`` as patches ``[B, count, side, side, C]``."""
    return images.reshape(images.shape[0], -1, side, side, images.shape[-1])


def seen(config: Any, image: Array) -> Array:
    """``[N, h, w, C]``: a whole image ``[H, W, C]``, or a fixed grid of crops of it.

    Of a model with the options ``backbone``, ``crop``, ``grid`` and ``resize``.
    """
    return views.fixed_views(
        image,
        crop=config.crop,
        count=config.grid,
        resize=config.resize,
        multiple=backbones.multiple(config.backbone),
    )


def min_side(config: Any, *parts: tuple[Network, Sequence[str]]) -> int:
    """The smallest side that leaves a sample of all taps of all networks."""
    if config.resize is not None:
        return 1
    least = (backbones.smallest(net, taps) for net, taps in parts)
    return max(*least, backbones.multiple(config.backbone))

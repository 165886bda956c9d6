"""Distortions of colour: saturation, shifts and blur, which leave grey as it is."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.distortions.operations.blurs import gaussian_blur, smoothed
from jiqa.distortions.operations.rounding import (
    from_levels,
    full_range,
    needs_colour,
    to_levels,
)
from jiqa.ops.colour import lab_to_srgb, rgb_to_ycbcr, srgb_to_lab, ycbcr_to_rgb
from jiqa.ops.colour_constants import BT601_FOUR_DIGITS, weighted
from jiqa.ops.numerics import round_half_away


def ycbcr_levels(image: Array) -> Array:
    """``rgb2ycbcr`` of uint8: whole levels 0..255 of an image ``[H, W, 3]``."""
    return jnp.floor(rgb_to_ycbcr(to_levels(image) / 255) * 255 + 0.5)


def saturation_ycbcr(image: Array, factor: Any) -> Array:
    """Cb and Cr moved towards 0.5, their middle, by ``factor`` (RankIQA).

    1 changes next to nothing, 0 takes the colour away, below 0 turns it into its
    complement. The middle of 8-bit planes is 128/255, so grey gets a trace of colour.

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        factor: of the distance to the middle.
    """
    needs_colour(image, "colour saturation")
    ycbcr = ycbcr_levels(image) / 255
    factor = jnp.asarray(factor, image.dtype)
    chroma = 0.5 + (ycbcr[..., 1:] - 0.5) * factor
    return from_levels(
        ycbcr_to_rgb(jnp.concatenate([ycbcr[..., :1], chroma], -1)) * 255
    )


def saturation_hsv(image: Array, factor: Any) -> Array:
    """Saturation of HSV times ``factor``; below 0 colours turn into their opposites.

    With hue H and value V = max(R, G, B) kept, every channel c becomes
    V - factor (V - c): the hue drops out. MATLAB's ``hsv2rgb`` divides by the largest
    of all 1 - S f, which is 1 unless the saturation is negative.

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "colour_saturation_1")
    value = image.max(-1, keepdims=True)
    distorted = value - factor * (value - image)
    lowest = image.min(-1, keepdims=True)
    saturation = 1 - lowest / jnp.where(value > 0, value, 1)
    saturation = jnp.where(value > 0, saturation, 0)
    return distorted / (1 - jnp.minimum(factor, 0) * saturation.max())


def saturation_lab(image: Array, factor: Any) -> Array:
    """a* and b* times ``factor``.

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "colour_saturation_2")
    lab = srgb_to_lab(image)
    lab = jnp.concatenate([lab[..., :1], lab[..., 1:] * factor], -1)
    return jnp.clip(lab_to_srgb(lab), 0, 1)


def chromatic_shift(image: Array, level: Any) -> Array:
    """Red moved right by ``level`` - 1 pixels, green by half of ``level`` - 1.

    The columns that the move leaves free keep what they had. A Gaussian blur of 3x3
    pixels (sigma 0.5) follows. The authors' program (RankIQA's ``CA``) calls the
    second channel blue.

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        level: even number of pixels, 2 or more.
    """
    needs_colour(image, "chromatic shift")
    level = jnp.asarray(level)
    columns = jnp.arange(image.shape[1])
    moved = [
        image[:, jnp.where(columns < shift, columns, columns - shift), channel]
        for channel, shift in enumerate((level - 1, level // 2 - 1))
    ]
    return gaussian_blur(jnp.stack([*moved, image[..., 2]], -1), 3)


def colour_diffusion(image: Array, amount: float) -> Array:
    """a* and b* blurred with sigma 1.5 ``amount`` + 2, then multiplied by ``amount``.

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "colour_diffusion")
    lab = srgb_to_lab(image)
    sigma = 1.5 * amount + 2
    hue = smoothed(lab[..., 1:], sigma, math.ceil(2 * sigma)) * amount
    return jnp.clip(lab_to_srgb(jnp.concatenate([lab[..., :1], hue], -1)), 0, 1)


def colour_shift(
    image: Array, amount: float, key: Array, *, differences: str = "central"
) -> Array:
    """Green moved by ``amount`` pixels near edges, in a direction drawn from ``key``.

    The move is down and right, rounded to whole pixels; edge pixels repeat. The moved
    green is blended in by the gradient of grey, blurred with sigma 4, stretched to
    [0, 1], cut below 0.1, and stretched again between its 1st and 99th percentile.

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        amount: length of the move in pixels.
        key: JAX key.
        differences: how the gradient is taken: ``"central"`` (MATLAB's ``gradient``)
            or ``"forward"``. The authors' function for it was not found; ports of
            their code take either. It only shapes the mask.

    Raises:
        ValueError: a grey image, or an unknown option value.
    """
    needs_colour(image, "colour_shift")
    one_of("differences", differences, "central", "forward")
    grey = weighted(BT601_FOUR_DIGITS, [image[..., c] for c in range(3)])
    down, right = (_difference(grey, axis, differences) for axis in (0, 1))
    strength = jnp.sqrt(down**2 + right**2)[..., None]
    mask = full_range(smoothed(strength, 4, 8))[..., 0]
    mask = _between_percentiles(full_range(jnp.maximum(mask, 0.1)))
    direction = jax.random.uniform(key, (2,), image.dtype, 1e-6, 1)
    move = jnp.round(direction / jnp.linalg.norm(direction) * amount).astype(int)
    green = image[..., 1]
    rows, cols = (
        jnp.clip(jnp.arange(length) - move[axis], 0, length - 1)
        for axis, length in enumerate(green.shape)
    )
    moved = green[rows[:, None], cols[None, :]]
    return image.at[..., 1].set(moved * mask + green * (1 - mask))


def _difference(x: Array, axis: int, differences: str) -> Array:
    if x.shape[axis] < 2:
        return jnp.zeros_like(x)
    if differences == "central":
        return jnp.gradient(x, axis=axis)  # pyright: ignore
    last = jax.lax.slice_in_dim(x, x.shape[axis] - 1, x.shape[axis], axis=axis)
    return jnp.diff(x, axis=axis, append=last)


def _between_percentiles(x: Array) -> Array:
    """Clip to the 1st and 99th percentile (by rank, as the authors), then stretch."""
    ranked = jnp.sort(x.ravel())
    rank = max(round_half_away(x.size * 0.99), 1)
    return full_range(jnp.clip(x, ranked[x.size - rank], ranked[rank - 1]))

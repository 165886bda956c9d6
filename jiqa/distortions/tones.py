"""Brightness and contrast: what is done to each sample by its value."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.distortions.eight_bits import from_levels, to_levels


def mean_shift(image: Array, levels: Any) -> Array:
    """Every sample brighter by ``levels`` of 255, saturated (RankIQA)."""
    return from_levels(to_levels(image) + jnp.asarray(levels, image.dtype))


def scaled_contrast(image: Array, factor: Any) -> Array:
    """Every sample times ``factor``, saturated (RankIQA's ``ContrastChange``)."""
    return from_levels(to_levels(image) * jnp.asarray(factor, image.dtype))


def exposure(image: Array, shift: Any) -> Array:
    """Every sample brighter by ``shift`` on [0, 1], saturated (DBCNN)."""
    shift = jnp.asarray(shift, image.dtype)
    return from_levels(to_levels(image) + 255 * shift)


def stretched_contrast(image: Array, limits: tuple[Any, Any]) -> Array:
    """``imadjust(image, stretchlim(image), limits)``: percentiles onto ``limits``.

    In each channel the 1st percentile goes to the lower limit and the 99th to the
    upper one, what lies between linearly, what lies outside is cut off. Narrow limits
    take the contrast away.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        limits: the two ends of the output on [0, 1].
    """
    levels = to_levels(image)
    bottom, top = (jnp.asarray(limit, image.dtype) for limit in limits)
    count = image.shape[0] * image.shape[1]
    channels = []
    for channel in range(image.shape[-1]):
        plane = levels[..., channel]
        below = jnp.cumsum(histogram(plane))
        low = jnp.argmax(below > count // 100)
        high = jnp.argmax(below >= -(-99 * count // 100))
        flat = low == high
        low = jnp.where(flat, 0, low).astype(plane.dtype)
        high = jnp.where(flat, 255, high).astype(plane.dtype)
        place = (jnp.clip(plane, low, high) - low) / (high - low)
        channels.append(place * (top - bottom) + bottom)
    return from_levels(jnp.stack(channels, -1) * 255)


def histogram(levels: Array) -> Array:
    """How often each of the whole numbers 0..255 occurs, ``[256]``, integer."""
    return jnp.bincount(levels.astype(jnp.int32).reshape(-1), length=256)

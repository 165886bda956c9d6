"""Noises of KADID-10k: types 11 to 14, as MATLAB's ``imnoise`` makes them.

Images are ``[H, W, C]`` in [0, 1]; every sample has its own noise; results are clipped.
The strength may be traced.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.distortions.kadid_ranges import needs_colour
from jiqa.distortions.kadid_spaces import rgb_to_ycbcr, ycbcr_to_rgb


def white_noise(image: Array, variance: float, key: Array) -> Array:
    """Gaussian noise of a variance on the scale of [0, 1]."""
    noise = jax.random.normal(key, image.shape, image.dtype)
    return jnp.clip(image + _root(variance, image) * noise, 0, 1)


def white_noise_ycbcr(image: Array, variance: float, key: Array) -> Array:
    """Gaussian noise on Y, Cb and Cr, each on the scale of [0, 1].

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "white_noise_colour_component")
    return ycbcr_to_rgb(white_noise(rgb_to_ycbcr(image), variance, key))


def impulse_noise(image: Array, density: float, key: Array) -> Array:
    """Salt and pepper: a share ``density`` of the samples is 0 or 1, half each."""
    chance = jax.random.uniform(key, image.shape, image.dtype)
    image = jnp.where(chance < density, 1, image)
    return jnp.where(chance < density / 2, 0, image)


def multiplicative_noise(image: Array, variance: float, key: Array) -> Array:
    """Speckle: every sample times 1 + n, n uniform with mean 0 and a variance."""
    noise = jax.random.uniform(key, image.shape, image.dtype, -0.5, 0.5)
    return jnp.clip(image + _root(12 * variance, image) * image * noise, 0, 1)


def _root(variance: float, like: Array) -> Array:
    return jnp.sqrt(jnp.asarray(variance, like.dtype))

"""Random noise: additive, multiplicative, impulses.

Every function draws from its ``key`` alone, in the type of the image, so that one key
gives the same pattern at every strength. A name with ``clipped_`` is the same noise on
samples that are not rounded but cut to [0, 1].
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.distortions.operations.colours import ycbcr_levels
from jiqa.distortions.operations.rounding import from_levels, needs_colour, to_levels
from jiqa.ops.colour import rgb_to_ycbcr, ycbcr_to_rgb
from jiqa.ops.resize import imresize


def gaussian_noise(image: Array, variance: Any, key: Array) -> Array:
    """``imnoise(image, 'gaussian', 0, variance)``: white, each sample on its own.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        variance: of the noise, on [0, 1].
        key: random key.
    """
    return from_levels(to_levels(image) + _white(image, variance, key) * 255)


def clipped_gaussian_noise(image: Array, variance: Any, key: Array) -> Array:
    """``gaussian_noise`` without rounding (KADID-10k)."""
    return jnp.clip(image + _white(image, variance, key), 0, 1)


def ycbcr_noise(image: Array, variance: Any, key: Array) -> Array:
    """White noise on the three planes of YCbCr (RankIQA's ``gnc``).

    Args:
        image: ``[H, W, 3]`` in [0, 1].
        variance: of the noise on each plane, whose scale is that of 8 bits over 255.
        key: random key.

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "noise on YCbCr")
    noisy = ycbcr_levels(image) / 255 + _white(image, variance, key)
    return from_levels(ycbcr_to_rgb(noisy) * 255)


def clipped_ycbcr_noise(image: Array, variance: Any, key: Array) -> Array:
    """``clipped_gaussian_noise`` of Y, Cb and Cr, each on [0, 1] (KADID-10k).

    Raises:
        ValueError: a grey image.
    """
    needs_colour(image, "white_noise_colour_component")
    return ycbcr_to_rgb(clipped_gaussian_noise(rgb_to_ycbcr(image), variance, key))


def _white(like: Array, variance: Any, key: Array) -> Array:
    """Normal noise of a variance, of the shape and type of ``like``."""
    return _root(variance, like) * jax.random.normal(key, like.shape, like.dtype)


def _root(variance: Any, like: Array) -> Array:
    return jnp.sqrt(jnp.asarray(variance, like.dtype))


def salt_and_pepper(image: Array, density: Any, key: Array) -> Array:
    """``imnoise(image, 'salt & pepper', density)``: samples, not pixels, are hit.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        density: fraction of the samples set to 0 or, as often, to 1.
        key: random key.
    """
    return from_levels(_with_impulses(to_levels(image), 255, density, key))


def clipped_salt_and_pepper(image: Array, density: Any, key: Array) -> Array:
    """``salt_and_pepper`` without rounding (KADID-10k)."""
    return _with_impulses(image, 1, density, key)


def _with_impulses(x: Array, white: float, density: Any, key: Array) -> Array:
    density = jnp.asarray(density, x.dtype)
    chance = jax.random.uniform(key, x.shape, x.dtype)
    salted = jnp.where(chance < density, jnp.asarray(white, x.dtype), x)
    return jnp.where(chance < density / 2, 0, salted)


def multiplicative_noise(image: Array, sigma: Any, key: Array) -> Array:
    """Every sample times 1 + ``sigma`` n with standard normal n, per channel."""
    noise = jax.random.normal(key, image.shape, image.dtype)
    return from_levels(to_levels(image) * (1 + jnp.asarray(sigma, image.dtype) * noise))


def uniform_speckle(image: Array, variance: Any, key: Array) -> Array:
    """Every sample times 1 + n, clipped: n uniform with a variance (KADID-10k).

    ``imnoise(image, 'speckle', variance)`` of a double image.
    """
    noise = jax.random.uniform(key, image.shape, image.dtype, -0.5, 0.5)
    return jnp.clip(image + _root(12 * variance, image) * image * noise, 0, 1)


def high_pass_noise(image: Array, variance: Any, key: Array) -> Array:
    """RankIQA's "high frequency noise": a filter in the Fourier domain, then noise.

    The authors multiply the transform by 1 - exp(-d^2 / (2 * 10^2)), d the distance
    from the middle of the array, and do not shift the transform first. So the middle
    is the highest frequency, not zero, and what is removed is the finest chequered
    detail; nearly all the difference to the input is the white noise after it. Done
    as their program does it.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        variance: of the white noise, on [0, 1].
        key: random key.
    """
    height, width, _ = image.shape
    near = _bell(height, image.dtype)[:, None] * _bell(width, image.dtype)
    levels = to_levels(image)
    removed = _filtered(jnp.moveaxis(levels, -1, 0), near)
    kept = levels - jnp.moveaxis(removed, 0, -1)
    return gaussian_noise(from_levels(kept), variance, key)


def _filtered(planes: Array, weight: Array) -> Array:
    """Real part of ``[..., H, W]`` after weighing its Fourier transform."""
    spectrum = jnp.fft.fft2(planes)
    return jnp.fft.ifft2(spectrum * weight.astype(spectrum.dtype)).real


def _bell(length: int, dtype: Any) -> Array:
    """exp(-(i - N/2)^2 / (2 * 10^2)) for i = 1 ... N, MATLAB's count."""
    place = jnp.arange(1, length + 1).astype(dtype) - length / 2
    return jnp.exp(-jnp.square(place) / (2 * 10**2))


#: Side of the square field that pink noise is made on before it is fitted.
_PINK_SIDE = 512


def pink_noise(image: Array, strength: Any, key: Array) -> Array:
    """Noise whose amplitude falls as 1/f, one field for each channel (DBCNN).

    Fields of 512x512 are scaled to a largest magnitude of 1, resized to the image
    with ``imresize`` and added, ``strength`` times 255; the sum is rounded down.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        strength: weight of the noise.
        key: random key.
    """
    height, width, count = image.shape
    keys = jax.random.split(key, count)
    fields = jnp.stack([_pink_field(k, image.dtype) for k in keys])
    fields = fields / jnp.abs(fields).max((1, 2), keepdims=True)
    fitted = jnp.moveaxis(imresize(fields, size=(height, width)), 0, -1) * 255
    strength = jnp.asarray(strength, image.dtype)
    return from_levels(jnp.floor(to_levels(image) + strength * fitted))


def _pink_field(key: Array, dtype: Any) -> Array:
    """White noise divided by its frequency, with its mean and spread restored."""
    white = jax.random.normal(key, (_PINK_SIDE, _PINK_SIDE), dtype)
    frequency = jnp.fft.fftfreq(_PINK_SIDE, 1 / _PINK_SIDE).astype(dtype)
    power = jnp.square(frequency)[:, None] + jnp.square(frequency)
    weight = jnp.where(power > 0, jnp.where(power > 0, power, 1) ** -0.5, 0)
    shaped = _filtered(white, weight)
    shaped = shaped - shaped.mean()
    shaped = shaped / shaped.std(ddof=1)
    return (shaped + white.mean()) * white.std(ddof=1)

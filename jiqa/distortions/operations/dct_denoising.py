"""Denoising by thresholded cosine transforms, and the noise that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.distortions.operations.noises import clipped_gaussian_noise
from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.numerics import added

#: A denoiser takes a noisy image [H, W, C] and the noise's standard deviation on the
#: scale of [0, 1], and returns an image of the same shape.
Denoiser = Callable[[Array, Array], Array]


def dct_threshold(
    noisy: Array, deviation: float | Array, *, size: int = 8, factor: float = 3.0
) -> Array:
    """Threshold the cosine transform of every ``size`` x ``size`` window, and average.

    Yu & Sapiro: DCT image denoising. Image Processing On Line 1 (2011), one channel at
    a time: coefficients below ``factor`` deviations become 0 (the mean stays), and each
    pixel is the mean over all windows that cover it.

    Args:
        noisy: ``[H, W, C]``; windows beyond the border see the edge pixel repeated.
        deviation: standard deviation of the noise.
        size: side of the window; 8 as in the paper's fast variant.
        factor: threshold in deviations; 3 as in the paper.
    """
    planes = jnp.moveaxis(noisy, -1, 0)
    height, width = planes.shape[1:]
    reach = size - 1
    padded = jnp.pad(planes, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    basis = jnp.asarray(dct_matrix(size), noisy.dtype)
    first = jnp.arange(size) == 0
    tall, wide = height + reach, width + reach

    def across(total: Array, given: tuple[Array, Array, Array, Array]):
        rows, row_mean, taps, column_mean = given
        found = added(taps[j] * rows[..., j : j + wide] for j in range(size))
        kept = (jnp.abs(found) >= factor * deviation) | (row_mean & column_mean)
        found = jnp.where(kept, found, 0)
        back = added(
            taps[j] * found[..., reach - j : reach - j + width] for j in range(size)
        )
        return total + back, None

    def down(total: Array, given: tuple[Array, Array]):
        taps, row_mean = given
        rows = added(taps[i] * padded[:, i : i + tall] for i in range(size))
        start = jnp.zeros((planes.shape[0], tall, width), noisy.dtype)
        part, _ = jax.lax.scan(
            lambda t, g: across(t, (rows, row_mean, *g)), start, (basis, first)
        )
        back = added(
            taps[i] * part[:, reach - i : reach - i + height] for i in range(size)
        )
        return total + back, None

    total, _ = jax.lax.scan(down, jnp.zeros_like(planes), (basis, first))
    return jnp.moveaxis(total / size**2, 0, -1)


def noise_after_denoiser(
    image: Array, variance: Any, key: Array, *, denoiser: Denoiser = dct_threshold
) -> Array:
    """Add white noise, clip, and denoise (KADID-10k's type 15).

    Args:
        image: ``[H, W, C]`` in [0, 1].
        variance: of the Gaussian noise, on the scale of [0, 1].
        key: JAX key.
        denoiser: ``denoiser(noisy, deviation)``. The authors take MATLAB's pretrained
            DnCNN, whose weights come with a toolbox only and estimate the noise
            themselves (trained up to a deviation of 55 / 255, below the two strongest
            levels). The default needs no weights, runs inside ``jit`` and leaves
            artefacts of its own: flattened texture and ringing.
    """
    noisy = clipped_gaussian_noise(image, variance, key)
    deviation = jnp.sqrt(jnp.asarray(variance, image.dtype))
    return jnp.clip(denoiser(noisy, deviation), 0, 1)

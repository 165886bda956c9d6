"""Gaussian blur with kernels of any size, borders mirrored as MATLAB's symmetric."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.distortions.eight_bits import from_levels, to_levels
from jiqa.numerics import product


def gaussian_blur(
    image: Array, size: Any, *, sigma: Any = None, largest: int | None = None
) -> Array:
    """``imfilter(image, fspecial('gaussian', size, sigma), 'symmetric')`` on 8 bits.

    The kernel is separable, and blurring one axis with mirrored borders is a product
    with a matrix, whatever the size: the widest kernel of the published sets, 199
    pixels, costs as much as the smallest, on a 512x512 photograph 25 ms on two CPU
    cores where a product of discrete cosine transforms took 80 ms.

    Args:
        image: ``[H, W, C]`` in [0, 1].
        size: side of the kernel in pixels, odd; may be traced if ``largest`` is given.
        sigma: standard deviation in pixels; ``size / 6`` (RankIQA) by default.
        largest: the largest ``size`` that a traced one can take.
    """
    if largest is None:
        largest = int(size)
    height, width, _ = image.shape
    size = jnp.asarray(size, image.dtype)
    sigma = size / 6 if sigma is None else jnp.asarray(sigma, image.dtype)
    # Without the barrier XLA would compute a known kernel's matrices when compiling,
    # slowly, and keep them in the program.
    size, sigma = jax.lax.optimization_barrier((size, sigma))
    down = _matrix(height, size, sigma, largest)
    across = _matrix(width, size, sigma, largest)
    levels = jnp.moveaxis(to_levels(image), -1, 0)
    blurred = product(product(down, levels), across.T)
    return from_levels(jnp.moveaxis(blurred, 0, -1))


def _matrix(length: int, size: Array, sigma: Array, largest: int) -> Array:
    """The blur of one axis: ``[length, length]``, every row sums to 1.

    An image mirrored without end has period 2 N. Sample k of the output weighs sample
    i of the input by T(k - i) + T(k + i + 1), the kernel and its mirror image, with T
    the kernel summed over the periods.
    """
    period = 2 * length
    turns = -(-(largest // 2) // period) + 1
    places = jnp.arange(length)
    apart = places[:, None] - places[None, :]
    mirrored = places[:, None] + places[None, :] + 1
    matrix = jnp.zeros((), size.dtype)
    for turn in range(-turns, turns + 1):
        for distance in (apart + turn * period, mirrored + turn * period):
            matrix = matrix + _tap(distance.astype(size.dtype), size, sigma)
    return matrix / matrix.sum(1, keepdims=True)


def _tap(distance: Array, size: Array, sigma: Array) -> Array:
    inside = jnp.abs(distance) <= (size - 1) / 2
    return jnp.where(inside, jnp.exp(-jnp.square(distance / sigma) / 2), 0)

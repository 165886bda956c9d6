"""Gaussian, lens and motion blur, and sharpening.

``gaussian_blur`` is RankIQA's, on whole levels; the others are KADID-10k's, neither
rounded nor clipped unless they can leave [0, 1].
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.distortions.operations.rounding import from_levels, to_levels
from jiqa.ops.colour import lab_to_srgb, srgb_to_lab
from jiqa.ops.filters import correlate, gaussian_taps
from jiqa.ops.numerics import product


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


def gaussian_smoothing(image: Array, sigma: float) -> Array:
    """``imgaussfilt(image, sigma)``: window of 2 ceil(2 sigma) + 1 pixels a side.

    Unlike in ``gaussian_blur`` the edge pixel repeats beyond the border.
    """
    return smoothed(image, sigma, math.ceil(2 * sigma))


#: Longer windows compile sooner as products with a matrix (81 taps: six times).
_MOST_TAPS = 32


def smoothed(x: Array, sigma: float, reach: int) -> Array:
    """Gaussian average of ``[H, W, C]`` over 2 ``reach`` + 1 pixels a side."""
    taps = gaussian_taps(2 * reach + 1, sigma)
    planes = jnp.moveaxis(x, -1, 0)
    if taps.size <= _MOST_TAPS:
        planes = correlate(planes, taps, taps, "replicate")
    else:
        down, across = (_window_matrix(taps, length) for length in planes.shape[1:])
        planes = product(product(down, planes), across.T)
    return jnp.moveaxis(planes, 0, -1)


def _window_matrix(taps: np.ndarray, length: int) -> np.ndarray:
    """Correlation of a line with ``taps``, edge samples repeated, as a matrix."""
    place = np.arange(length)
    matrix = np.zeros((length, length))
    for offset, tap in enumerate(taps, -(taps.size // 2)):
        np.add.at(matrix, (place, np.clip(place + offset, 0, length - 1)), tap)
    return matrix


def lens_blur(image: Array, radius: float) -> Array:
    """Mean over a disk, as of a lens out of focus: ``fspecial('disk', radius)``."""
    return _weighted(image, disk_kernel(radius))


def disk_kernel(radius: float) -> np.ndarray:
    """Area that each pixel shares with a disk around the centre one, summing to 1."""
    reach = math.ceil(radius - 0.5)
    edges = np.arange(-reach, reach + 2) - 0.5
    corners = _quadrant(edges[:, None], edges[None, :], radius)
    areas = np.diff(np.diff(corners, axis=0), axis=1)
    return areas / areas.sum()


def _quadrant(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Signed area of the disk between the axes and the lines at x and y."""
    sign = np.sign(x) * np.sign(y)
    x, y = (np.minimum(np.abs(v), radius) for v in np.broadcast_arrays(x, y))
    # Up to here the line at y is inside the disk, and the circle bounds the rest.
    bend = np.minimum(np.sqrt(radius**2 - y**2), x)
    return sign * (y * bend + _below(x, radius) - _below(bend, radius))


def _below(t: np.ndarray, radius: float) -> np.ndarray:
    """Area under the circle from 0 to t."""
    angle = np.arcsin(np.clip(t / radius, -1, 1))
    return (t * np.sqrt(np.maximum(radius**2 - t**2, 0)) + radius**2 * angle) / 2


def motion_blur(image: Array, length: float, key: Array) -> Array:
    """Mean along a line of ``length`` pixels, at an angle of 0, 1, ... 180 degrees.

    ``fspecial('motion', length, angle)`` with the angle drawn from ``key``.
    """
    angle = jax.random.randint(key, (), 0, 181)
    return _weighted(image, motion_kernel(length, angle, image.dtype))


def motion_kernel(length: float, angle: Array | float, dtype: Any) -> Array:
    """Weights 1 - distance (where positive) from a line segment, summing to 1.

    The segment is centred, of ``length`` - 1 pixels, counter-clockwise by ``angle``
    degrees. The angle may be traced.
    """
    half = (max(length, 1) - 1) / 2
    reach = math.floor(half + 1)
    grid = np.arange(-reach, reach + 1, dtype=float)
    x, y = (jnp.asarray(v, dtype) for v in np.meshgrid(grid, -grid))
    radians = jnp.asarray(angle, dtype) * (math.pi / 180)
    along = x * jnp.cos(radians) + y * jnp.sin(radians)
    across = y * jnp.cos(radians) - x * jnp.sin(radians)
    beyond = half - jnp.abs(along)
    # MATLAB measures from the tip whatever is as far from the centre as the tip.
    tip = jnp.sqrt(across**2 + beyond**2)
    far = x**2 + y**2 >= half**2
    distance = jnp.where(far & (jnp.abs(across) <= 1), tip, jnp.abs(across))
    weights = jnp.maximum(1 - distance, 0)
    return weights / weights.sum()


def _weighted(image: Array, kernel: np.ndarray | Array) -> Array:
    """Correlate with a 2-D kernel; tap by tap, since 200 at once compile slowly."""
    height, width, channels = image.shape
    rows, cols = kernel.shape
    up, left = rows // 2, cols // 2
    padded = jnp.pad(image, ((up, up), (left, left), (0, 0)), mode="edge")
    weights = jnp.asarray(kernel, image.dtype).ravel()

    def add(tap: Array, total: Array) -> Array:
        start = (tap // cols, tap % cols, jnp.zeros_like(tap))
        part = jax.lax.dynamic_slice(padded, start, (height, width, channels))
        return total + weights[tap] * part

    return jax.lax.fori_loop(0, rows * cols, add, jnp.zeros_like(image))


def unsharp_masking(image: Array, amount: Any, *, radius: float = 3) -> Array:
    """L* plus ``amount`` times its difference to its blur, clipped.

    MATLAB's ``imsharpen`` with ``'Radius', 3`` (standard deviation of the Gaussian,
    cut at twice that). Colour keeps its a*, b*; grey is sharpened as it is.
    """
    reach = math.ceil(2 * radius)

    def sharpened(plane: Array) -> Array:
        return plane + amount * (plane - smoothed(plane, radius, reach))

    if image.shape[-1] == 1:
        return jnp.clip(sharpened(image), 0, 1)
    lab = srgb_to_lab(image)
    lab = jnp.concatenate([sharpened(lab[..., :1]), lab[..., 1:]], -1)
    return jnp.clip(lab_to_srgb(lab), 0, 1)

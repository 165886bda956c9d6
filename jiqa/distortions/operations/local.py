"""Local distortions: copied squares, coloured squares, jitter, pixelation."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.core.images import check_min_side
from jiqa.distortions.operations.rounding import from_levels, needs_colour, to_levels

#: Side of a copied square and how far, down and right, it is taken from.
_COPY, _APART = 15, 5
_BLOCK = 32


def shifted_patches(image: Array, count: Any, key: Array) -> Array:
    """Fill ``count`` squares of 15 pixels from 5 pixels below and to the right.

    RankIQA's non-eccentricity pattern noise. The positions are uniform over those that
    the authors' program draws from, up to 30 pixels from the last row and column;
    with one key the positions of a smaller count are among those of a larger.

    Args:
        image: ``[H, W, C]`` in [0, 1], a side of 31 pixels or more.
        count: number of squares.
        key: random key.

    Raises:
        ValueError: an image that is too small.
    """
    check_min_side(image.shape, 31, "non-eccentricity noise")
    whole = from_levels(to_levels(image))
    size = (_COPY, _COPY, image.shape[-1])
    ends = jnp.asarray([image.shape[0] - 30, image.shape[1] - 30])

    def paste(index: Array, out: Array) -> Array:
        place = jax.random.randint(jax.random.fold_in(key, index), (2,), 0, ends)
        row, column = place[0], place[1]
        source = (row + _APART, column + _APART, 0)
        patch = jax.lax.dynamic_slice(whole, source, size)
        return jax.lax.dynamic_update_slice(out, patch, (row, column, 0))

    return jax.lax.fori_loop(0, count, paste, whole)


def copied_patches(image: Array, count: int, key: Array) -> Array:
    """Copy ``count`` patches of 16x16 to a position up to 8 pixels away.

    A patch starts 15 pixels or more from the top and the left, and ends 16 or more
    from the bottom and the right; later ones copy what earlier ones left.

    Raises:
        ValueError: a side below 48 pixels.
    """
    check_min_side(image.shape, 48, "non_eccentricity_patch")
    side, radius = 16, 16
    height, width, channels = image.shape
    room = jnp.asarray([height, width], image.dtype) - (side + 2 * radius)

    def copy(i: Array, x: Array) -> Array:
        draws = jax.random.uniform(jax.random.fold_in(key, i), (2, 2), image.dtype)
        start = _rounded(draws[0] * room) + radius
        target = _rounded((draws[1] - 0.5) * radius + start)
        # MATLAB counts from 1
        (top, left), (to_top, to_left) = start.astype(int) - 1, target.astype(int) - 1
        zero = jnp.zeros_like(top)
        patch = jax.lax.dynamic_slice(x, (top, left, zero), (side, side, channels))
        return jax.lax.dynamic_update_slice(x, patch, (to_top, to_left, zero))

    return jax.lax.fori_loop(0, count, copy, image)


def mean_colour_blocks(image: Array, blocks: tuple[Any, Any, Any], key: Array) -> Array:
    """Squares of 32 pixels in one colour, the image's mean with another red.

    RankIQA's local block-wise distortion. With one key the positions of a smaller
    number are among those of a larger.

    Args:
        image: ``[H, W, 3]`` in [0, 1], a side of 34 pixels or more.
        blocks: how many; the factor on the mean of red; the levels of 255 added to it.
        key: random key.

    Raises:
        ValueError: an image that is too small or grey.
    """
    needs_colour(image, "colour blocks")
    check_min_side(image.shape, 34, "colour blocks")
    count, gain, shift = blocks
    levels = to_levels(image)
    factor = jnp.asarray([gain, 1, 1]).astype(levels.dtype)
    added = jnp.asarray([shift, 0, 0]).astype(levels.dtype)
    colour = levels.mean((0, 1)) * factor + added
    block = jnp.broadcast_to(from_levels(colour), (_BLOCK, _BLOCK, 3))
    starts = jnp.asarray([0, 1])
    ends = jnp.asarray([image.shape[0] - 32, image.shape[1] - 32])

    def paste(index: Array, out: Array) -> Array:
        place = jax.random.randint(jax.random.fold_in(key, index), (2,), starts, ends)
        return jax.lax.dynamic_update_slice(out, block, (place[0], place[1], 0))

    return jax.lax.fori_loop(0, count, paste, from_levels(levels))


def random_colour_blocks(image: Array, count: int, key: Array) -> Array:
    """``count`` squares of 32x32 pixels, each in one random colour.

    Raises:
        ValueError: a side below 32 pixels.
    """
    side = 32
    check_min_side(image.shape, side, "colour_block")
    height, width, channels = image.shape
    room = jnp.asarray([height, width], image.dtype) - side
    row, column = jnp.arange(height)[:, None], jnp.arange(width)[None]

    def paint(i: Array, x: Array) -> Array:
        shape = (2 + channels,)
        draw = jax.random.uniform(jax.random.fold_in(key, i), shape, image.dtype)
        # Rounded as insertShape does, counting from 1: a square may stick out by one.
        top, left = _rounded(draw[:2] * room).astype(int) - 1
        inside = (row >= top) & (row < top + side)
        inside &= (column >= left) & (column < left + side)
        return jnp.where(inside[..., None], draw[2:], x)

    return jax.lax.fori_loop(0, count, paint, image)


def _rounded(x: Array) -> Array:
    """MATLAB's ``round`` of positive numbers."""
    return jnp.floor(x + 0.5)


def jitter(image: Array, deviation: float, key: Array, *, times: int = 5) -> Array:
    """Every pixel moved by Gaussian steps, ``times`` times in a row.

    Each time the image is sampled at positions that are off by a normal deviate in each
    direction, with cubic interpolation (MATLAB's ``interp2``, a = -0.5); beyond the
    border the edge pixel repeats. Not clipped in between.
    """

    def moved(x: Array, key: Array) -> tuple[Array, None]:
        steps = jax.random.normal(key, (2, *x.shape[:2]), x.dtype) * deviation
        return _read(x, steps[0], steps[1]), None

    out, _ = jax.lax.scan(moved, image, jax.random.split(key, times))
    return out


def _read(x: Array, down: Array, right: Array) -> Array:
    """Samples at (row - down, column - right), cubic."""
    height, width, channels = x.shape
    samples = x.reshape(height * width, channels)
    row, row_weights = _cubic(jnp.arange(height, dtype=x.dtype)[:, None] - down)
    column, column_weights = _cubic(jnp.arange(width, dtype=x.dtype)[None] - right)
    out = jnp.zeros_like(x)
    for i in range(4):
        line = jnp.clip(row + (i - 1), 0, height - 1) * width
        for j in range(4):
            place = line + jnp.clip(column + (j - 1), 0, width - 1)
            out = out + (row_weights[i] * column_weights[j])[..., None] * samples[place]
    return out


def _cubic(place: Array) -> tuple[Array, list[Array]]:
    """The sample before each place, and the weights of the four around it."""
    before = jnp.floor(place)
    t = place - before
    weights = [
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t**2 + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t**2,
    ]
    return before.astype(int), weights


def pixelate(image: Array, strength: float) -> Array:
    """Shrunk by 0.95 - ``strength``^0.6 and enlarged again, by the nearest pixel."""
    scale = 0.95 - strength**0.6
    rows, cols = (_shrunk_and_enlarged(length, scale) for length in image.shape[:2])
    return image[rows][:, cols]


def _shrunk_and_enlarged(length: int, scale: float) -> np.ndarray:
    """Index of the source of each sample of a line after ``imresize`` both ways."""
    small = max(math.ceil(scale * length), 1)
    there = _nearest(length, small, scale)
    return there[_nearest(small, length, length / small)]


def _nearest(length: int, out: int, scale: float) -> np.ndarray:
    centre = np.arange(1, out + 1) / scale + 0.5 * (1 - 1 / scale)
    return np.clip(np.floor(centre + 0.5).astype(int) - 1, 0, length - 1)

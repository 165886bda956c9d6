"""Small squares at random places: shifted content, blocks of one colour."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.distortions.colours import need_rgb
from jiqa.distortions.eight_bits import from_levels, to_levels
from jiqa.images import check_min_side

#: Side of a copied square and how far, down and right, it is taken from.
_COPY, _APART = 15, 5
_BLOCK = 32


def shifted_patches(image: Array, count: Any, key: Array) -> Array:
    """``count`` squares of 15 pixels show what lies 5 further down and right.

    RankIQA's non-eccentricity pattern noise. The places are uniform over those that
    the authors' program draws from, up to 30 pixels from the last row and column;
    with one key the places of a smaller count are among those of a larger.

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


def colour_blocks(image: Array, blocks: tuple[Any, Any, Any], key: Array) -> Array:
    """Squares of 32 pixels in one colour, the image's mean with another red.

    RankIQA's local block-wise distortion. With one key the places of a smaller number
    are among those of a larger.

    Args:
        image: ``[H, W, 3]`` in [0, 1], a side of 34 pixels or more.
        blocks: how many; the factor on the mean of red; the levels of 255 added to it.
        key: random key.

    Raises:
        ValueError: an image that is too small or grey.
    """
    need_rgb(image, "colour blocks")
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

"""Groups of similar blocks: find, cut out and put back, one row of them at a time.

The first half of BM3D (Dabov, Foi, Katkovnik, Egiazarian, "Image denoising by sparse
3-D transform-domain collaborative filtering", IEEE TIP 16(8), 2007): for every third
8x8 block in both directions the most similar blocks within 19 pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.filters import shifted_sum

#: Side of a block, step between reference blocks, reach of the search each way.
BLOCK, _STEP, _REACH = 8, 3, 19
_SPAN = 2 * _REACH + 1
#: Outside the image: no block that holds some of it is ever similar.
_FAR = 1e5


class Groups(NamedTuple):
    """The blocks similar to each reference block of one row, the most similar first.

    Attributes:
        corners: upper left corners ``[G, size, 2]``, row and column.
        count: how many of ``size`` are similar enough, ``[G]``, at least 1: itself.
    """

    corners: Array
    count: Array


def anchors(length: int) -> np.ndarray:
    """Where reference blocks begin along one axis: every third sample and the last."""
    return np.unique(np.append(np.arange(0, length - BLOCK + 1, _STEP), length - BLOCK))


def padded(guide: Array) -> Array:
    """The plane ``[H, W]`` that blocks are compared on, ready for ``match_row``."""
    return jnp.pad(guide, _REACH, constant_values=_FAR)


def match_row(guide: Array, row: Array, size: int, furthest: float) -> Groups:
    """Find the groups of the reference blocks that begin in one row.

    Args:
        guide: plane as ``padded`` gives it.
        row: first row of the blocks.
        size: most blocks in a group.
        furthest: largest mean squared difference of similar blocks.
    """
    width = guide.shape[1] - 2 * _REACH
    columns = anchors(width)
    strip = lax.dynamic_slice(guide, (row, 0), (BLOCK + 2 * _REACH, guide.shape[1]))
    block = strip[_REACH : _REACH + BLOCK, _REACH : _REACH + width]

    def at_height(down: Array) -> Array:
        """Sums of squared differences for all moves across, ``[39, G]``."""
        window = (BLOCK, width)
        moved = jax.vmap(lambda right: lax.dynamic_slice(strip, (down, right), window))
        apart = jnp.square(moved(jnp.arange(_SPAN)) - block).sum(1)
        return shifted_sum(apart, np.ones(BLOCK), -1)[:, columns]

    apart = lax.map(at_height, jnp.arange(_SPAN)).reshape(_SPAN**2, -1)
    itself = _REACH * _SPAN + _REACH
    apart = apart.at[itself].set(-1)  # first, also among blocks just like it
    nearness, index = lax.top_k(-apart.T, size)
    similar = -nearness <= furthest * BLOCK**2
    move = jnp.stack([index // _SPAN, index % _SPAN], -1) - _REACH
    start = jnp.stack([jnp.full(len(columns), row), jnp.asarray(columns)], -1)[:, None]
    corners = start + jnp.where(similar[..., None], move, 0)
    return Groups(corners, similar.sum(-1))


def cut_out(planes: Array, corners: Array) -> Array:
    """Blocks ``[G, size, C, 8, 8]`` of planes ``[C, H, W]``."""
    window = (planes.shape[0], BLOCK, BLOCK)

    def one(corner: Array) -> Array:
        return lax.dynamic_slice(planes, (0, corner[0], corner[1]), window)

    return jax.vmap(jax.vmap(one))(corners)


def put_back(planes: Array, corners: Array, blocks: Array) -> Array:
    """Planes with the blocks added where ``cut_out`` would have taken them."""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(1, 2, 3),
        inserted_window_dims=(),
        scatter_dims_to_operand_dims=(1, 2),
    )
    count = corners.shape[0] * corners.shape[1]
    return lax.scatter_add(
        planes,
        corners.reshape(count, 2),
        blocks.reshape(count, *blocks.shape[2:]),
        numbers,
        mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )

"""What PSNR-HVS and its kin see in blocks of 8x8 samples, and what blocks hide.

Of Egiazarian et al. (2006) and Ponomarenko et al. (2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import product, safe_divide, safe_sqrt

#: Of a block.
SIDE = 8
#: Rows of blocks that are worked on at once.
_STRIP = 4

# Luminance quantisation table of JPEG (ITU-T T.81, Annex K.1): how coarse each DCT
# coefficient may be before it is seen. The tables that the authors publish are these
# two functions of it, digit for digit.
_JPEG = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).reshape(-1)
_SENSITIVITY = np.round(25.73509 / _JPEG, 6)
_MASKING = np.round((10 / _JPEG) ** 2, 6)


def strips(planes: Sequence[Array]) -> list[Array]:
    """Planes ``[H, W]`` as ``[strips, rows, 8, columns, 8]``.

    A few rows of blocks at a time stay in the cache. Blocks of zeros, which fill the
    last strip, add nothing. Rows and columns left over are not used.
    """
    height, width = planes[0].shape
    rows, cols = height // SIDE, width // SIDE
    strip = min(_STRIP, rows)
    count = -(-rows // strip)
    below = (count * strip - rows) * SIDE
    return [
        jnp.pad(p[: rows * SIDE, : cols * SIDE], ((0, below), (0, 0))).reshape(
            count, strip, SIDE, cols, SIDE
        )
        for p in planes
    ]


def samples(plane: Array, extent: Extent | None) -> Array | int:
    """How many samples of a plane ``[H, W]`` lie in whole blocks."""
    if extent is not None:
        return extent.whole(SIDE).count(plane.dtype)
    height, width = plane.shape
    return (height // SIDE) * (width // SIDE) * SIDE**2


def blocks(strip: Array) -> Array:
    """``[64, blocks]``: row by row, the samples of each block are one column."""
    return strip.transpose(1, 3, 0, 2).reshape(SIDE**2, -1)


def transformed(columns: Array) -> Array:
    """The orthonormal DCT of every block ``[64, blocks]``."""
    return product(_DCT, columns)


def visible_error(difference: Array, *masking: Array) -> Array:
    """Sum of squared visible differences of coefficients ``[64, blocks]``.

    Args:
        difference: the transform of a difference of two images.
        *masking: how much each block of either image hides; the larger counts.
    """
    seen = jnp.abs(difference)
    if masking:
        # The first coefficient, the mean, is never masked.
        share = np.append(0, 1 / _MASKING[1:])
        hidden = jnp.asarray(share, seen.dtype)[:, None] * jnp.maximum(*masking)
        seen = jnp.maximum(seen - hidden, 0)
    return product(_SENSITIVITY**2, jnp.square(seen)).sum()


def masked_by(columns: Array) -> Array:
    """How much each block ``[64, blocks]`` hides, ``[blocks]``."""
    # From a sample of the block, so that a constant block is 0 to the last digit.
    columns = columns - columns[:1]
    power = jnp.square(product(_DCT, columns))
    energy = product(np.append(0, _MASKING[1:]), power)
    whole = product(np.append(0, np.ones(SIDE**2 - 1)), power) * (64 / 63)
    quadrants = jnp.square(product(_DEVIATION, columns))
    spread = product(np.ones(SIDE**2), quadrants) * (16 / 15)
    return safe_sqrt(energy * safe_divide(spread, whole)) / 32


def _deviation_matrix() -> np.ndarray:
    """Takes the mean of its quadrant from each of 64 samples."""
    half = np.kron(np.eye(2), np.full((SIDE // 2, SIDE // 2), 2 / SIDE))
    return np.eye(SIDE**2) - np.kron(half, half)


#: The DCT of a block of 64 samples, and what takes the means of the quadrants away.
_DCT = np.kron(dct_matrix(SIDE), dct_matrix(SIDE))
_DEVIATION = _deviation_matrix()

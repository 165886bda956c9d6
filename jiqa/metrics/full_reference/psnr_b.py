"""PSNR-B: the PSNR of images that are coded in blocks, less where blocks are seen."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent, keep
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import decibels, mean

#: The side of the blocks of JPEG.
_BLOCK = 8


def _side(block_size: Any = _BLOCK, **_: object) -> int:
    """With one boundary of blocks at least in either direction."""
    return _checked(block_size) + 1


@full_reference(
    title="PSNR with the blocking effect",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    min_side=_BLOCK + 1,
    min_side_for=_side,
    colour="luma",
    citation=(
        "Yim, Bovik: Quality assessment of deblocked images. IEEE TIP 20(1), 2011. "
        "doi:10.1109/TIP.2010.2061859"
    ),
    fidelity="paper",
    fidelity_note=(
        "1e-10 relative (x64) of a loop over pixels that follows the paper; "
        "torchmetrics 1.9 counts H (W / 8) - 1 pairs at boundaries for the paper's "
        "H (W / 8 - 1)"
    ),
)
def psnr_b(
    reference: Array,
    distorted: Array,
    *,
    block_size: int = _BLOCK,
    luma: str = "bt601",
    extent: Extent | None = None,
) -> Array:
    """PSNR whose error has the blocking effect of the distorted image added to it.

    10 log10(255^2 / (MSE + BEF)), BEF = eta (D_B - D_BC) where D_B > D_BC and else 0.
    D_B is the mean squared difference of neighbours, in a row or a column, that a
    boundary of blocks separates, D_BC that of all others, and eta = log2(block_size) /
    log2(the shorter side).

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        block_size: pixels in a row of a block, 2 or more: 8 by default, as in JPEG and
            MPEG-2. The first block lies in the top left corner.
        luma: how luma is computed: ``"bt601"``, or ``"matlab"`` (rounded).
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better. Two identical images have the blocking effect
        that their content shows by chance, and give infinity if that is 0.

    Raises:
        ValueError: a block size under 2, or an image with a side of one block or less.
    """
    size = _checked(block_size)
    if luma == "bt601":
        difference = luma255(reference - distorted, luma)
    else:
        difference = luma255(reference, luma) - luma255(distorted, luma)
    image = luma255(distorted, luma)
    error = mean(jnp.square(difference), extent) + _blocking(image, size, extent)
    none = error == 0
    return jnp.where(none, jnp.inf, decibels(255**2, error, ~none))


def _blocking(x: Array, size: int, extent: Extent | None) -> Array:
    """The blocking effect factor of luma ``[H, W]`` on 0..255."""
    height, width = x.shape if extent is None else (extent.rows, extent.cols)
    bounds, others, bound_count, other_count = (jnp.zeros((), x.dtype),) * 4
    for plane, rows, cols in ((x, height, width), (x.T, width, height)):
        pairs = jnp.square(plane[:, 1:] - plane[:, :-1])
        if extent is not None:
            pairs = keep(pairs, Extent(rows, cols - 1))
        columns = pairs.sum(0)
        at_bound = np.arange(1, plane.shape[1]) % size == 0
        bounds += jnp.where(at_bound, columns, 0).sum()
        others += jnp.where(at_bound, 0, columns).sum()
        # In floating point: products of sides may not fit 32 bits.
        lines, steps, crossed = (
            jnp.asarray(n, x.dtype) for n in (rows, cols - 1, (cols - 1) // size)
        )
        bound_count += lines * crossed
        other_count += lines * (steps - crossed)
    excess = bounds / bound_count - others / other_count
    shorter = jnp.minimum(jnp.asarray(height, x.dtype), jnp.asarray(width, x.dtype))
    return np.log2(size).astype(x.dtype) / jnp.log2(shorter) * jnp.maximum(excess, 0)


def _checked(block_size: Any) -> int:
    if block_size != int(block_size) or block_size < 2:
        wanted = "a whole number of pixels, 2 or more"
        raise ValueError(expected("block_size", wanted, repr(block_size)))
    return int(block_size)

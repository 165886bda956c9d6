"""NIQE: distance of an image's scene statistics from those of good photographs."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.core.metric import no_reference
from jiqa.ops.extent import Extent, inside
from jiqa.ops.natural_scene_statistics import (
    asymmetric_law,
    centred_luma,
    check_flat,
    half_size,
    local_moments,
    normalised,
)
from jiqa.ops.numerics import safe_sqrt
from jiqa.ops.shipped_tables import shipped_table

_BLOCK = 96


@no_reference(
    title="Natural image quality evaluator",
    direction="lower",
    range=(0.0, float("inf")),
    identity=None,
    symmetric=False,
    min_side=_BLOCK,
    colour="luma",
    citation=(
        "Mittal, Soundararajan, Bovik: Making a completely blind image quality "
        "analyzer. IEEE SPL 20(3), 2013. doi:10.1109/LSP.2012.2227726"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-6 relative (x64) of the NIQE release (2012): on 15 images without flat "
        "areas, and on 40 with residuals under 1e-8 set to 0 in it"
    ),
)
def niqe(
    image: Array,
    *,
    flat: str = "snap",
    luma: str = "matlab",
    extent: Extent | None = None,
) -> Array:
    """NIQE (Mittal et al. 2013, eq. 10): distance to natural scenes, without training.

    Luma, cut to whole blocks of 96, is normalised as in ``brisque`` but with the edge
    pixel repeated. Every block gives 18 parameters of asymmetric Gaussians, of the
    field and of its products with itself shifted by one pixel in four directions
    inside the block, at full and half size. With mean m and covariance C of the blocks
    and the authors' M and S of 125 pristine photographs the score is
    sqrt((m - M)' ((C + S) / 2)^-1 (m - M)). As in the release every block counts, not
    only the sharp ones.

    Args:
        image: images ``[..., H, W, C]`` with sides of 96 or more. A covariance needs
            two blocks (96 x 192); for a single one C is 0, which is no case of
            the authors.
        flat: ``"snap"`` or ``"authors"``, for residuals of exactly 0, as in
            ``brisque``; here the release's own order of additions moves the score of
            images with flat areas by up to 5 %.
        luma: ``"matlab"``: rounded to whole grey levels, as the authors' ``rgb2gray``
            of uint8 does; ``"bt601"``: not rounded, for images that are not 8-bit.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 or more, lower is better; photographs have 2 to 4. A block where
        one side of a law is empty has no covariance, and its other parameters enter
        m, as in the authors' code. Where the authors' result is NaN: fewer than two
        complete blocks leave C = 0, and a parameter that no block has counts as 0;
        a flat image so has 30.3. The shapes are steps of 0.001; the gradient
        sees the smooth curve behind them, and is 0 in flat images.

    Raises:
        ValueError: unknown option value, or a side under 96 pixels.
    """
    found = block_statistics(image, flat=flat, luma=luma, extent=extent)
    pristine = shipped_table("niqe")
    return distance(
        found.values, found.known, pristine["mean"], whitening(pristine["covariance"])
    )


class BlockStatistics(NamedTuple):
    """The statistics of the blocks of an image that NIQE uses, row by row.

    Attributes:
        values: the parameters ``[N, 36]``.
        known: which of them the authors have; they have none where a law has one side,
            and there are none of a block outside the image.
        sharpness: mean local deviation in grey levels ``[N]``.
    """

    values: Array
    known: Array
    sharpness: Array


def block_statistics(
    image: Array, *, flat: str, luma: str, extent: Extent | None = None
) -> BlockStatistics:
    """The blocks of one image ``[H, W, C]`` in [0, 1]; options as in ``niqe``."""
    rule = check_flat(flat)
    x, zero = centred_luma(image, luma)
    rows, cols = (n // _BLOCK for n in x.shape)
    x = x[: rows * _BLOCK, : cols * _BLOCK]
    whole = extent and extent.whole(_BLOCK)
    spread = local_moments(x, "replicate", whole)[1]
    sharpness = _blocks(spread, rows, cols).mean((1, 2))
    values, known = [], []
    for scale in range(2):
        if scale:
            x, whole = half_size(x, whole), whole and whole.over(2)
        field = normalised(x, "replicate", rule, zero, whole)
        found = _parameters(_blocks(field, rows, cols))
        values, known = values + found[0], known + found[1]
    has = jnp.stack(known, -1)
    if extent is not None:
        has = has & inside(extent.blocks(_BLOCK), (rows, cols)).reshape(-1, 1)
    return BlockStatistics(jnp.stack(values, -1), has, sharpness)


def _blocks(x: Array, rows: int, cols: int) -> Array:
    """A plane cut into ``rows`` x ``cols`` blocks, ``[N, h, w]``."""
    height, width = x.shape[0] // rows, x.shape[1] // cols
    cut = x.reshape(rows, height, cols, width).swapaxes(1, 2)
    return cut.reshape(-1, height, width)


def _parameters(blocks: Array) -> tuple[list[Array], list[Array]]:
    """18 parameters ``[N]`` of blocks ``[N, S, S]``, and which the authors have."""
    law = asymmetric_law(blocks)
    left, right = law.left * law.scale, law.right * law.scale
    always, both = jnp.ones_like(law.has_left), law.has_left & law.has_right
    values, known = [law.shape, (left + right) / 2], [always, both]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        law = asymmetric_law(blocks * jnp.roll(blocks, shift, (1, 2)))
        left, right = law.left * law.scale, law.right * law.scale
        both = law.has_left & law.has_right
        values += [law.shape, (right - left) * law.spread, left, right]
        known += [always, both, law.has_left, law.has_right]
    return values, known


def whitening(covariance: np.ndarray) -> np.ndarray:
    """The matrix that makes this covariance 1, float64.

    Raises:
        numpy.linalg.LinAlgError: a covariance that is not positive definite.
    """
    return np.linalg.inv(np.linalg.cholesky(covariance))


def distance(
    values: Array, known: Array, mean: np.ndarray, whiten: np.ndarray
) -> Array:
    """Distance between the Gaussian of the blocks ``[N, 36]`` and the pristine one.

    In coordinates where the pristine covariance, whose eigenvalues spread over five
    decades, is 1. The mean covariance is then at least 1/2, so that the authors'
    pseudo-inverse is an inverse.

    Args:
        values: see ``BlockStatistics``.
        known: likewise.
        mean: of pristine blocks ``[36]``.
        whiten: ``whitening`` of their covariance.
    """
    dtype, exact = values.dtype, lax.Precision.HIGHEST
    to_unit = jnp.asarray(whiten, dtype)
    # Column by column over what is known (nanmean); rows without gaps only (nancov).
    count = known.sum(0, dtype=jnp.int32).astype(dtype)
    average = jnp.where(known, values, 0).sum(0) / jnp.maximum(count, 1)
    complete = known.all(-1, keepdims=True)
    number = complete.sum(dtype=jnp.int32).astype(dtype)
    centre = jnp.where(complete, values, 0).sum(0) / jnp.maximum(number, 1)
    spread = jnp.where(complete, values - centre, 0)
    spread = jnp.matmul(spread, to_unit.T, precision=exact)
    covariance = jnp.matmul(spread.T, spread, precision=exact)
    covariance = covariance / jnp.maximum(number - 1, 1)
    away = jnp.matmul(to_unit, average - jnp.asarray(mean, dtype), precision=exact)
    both = (covariance + jnp.eye(len(away), dtype=dtype)) / 2
    return safe_sqrt((away * jnp.linalg.solve(both, away)).sum())

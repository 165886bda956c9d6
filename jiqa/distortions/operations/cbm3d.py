"""CBM3D, after the published description, and the noise that it leaves.

K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Color image denoising via sparse 3D
collaborative filtering with grouping constraint in luminance-chrominance space", IEEE
ICIP 2007, with the parameters of its normal profile: groups of similar blocks are
shrunk in a 3-D transform domain, twice, and averaged where they overlap. The authors'
program, which only non-profit use is free for, is not part of this.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.core.images import check_min_side
from jiqa.distortions.operations.block_matching import (
    BLOCK,
    anchors,
    cut_out,
    match_row,
    padded,
    put_back,
)
from jiqa.distortions.operations.noises import gaussian_noise
from jiqa.distortions.operations.rounding import from_levels
from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.wavelets import biorthogonal_matrix, haar_matrix

#: RGB to one luminance and two chrominances, none of them scaled by its noise.
_OPPONENT = np.array(
    [[1 / 3, 1 / 3, 1 / 3], [1 / 2, 0, -1 / 2], [1 / 4, -1 / 2, 1 / 4]]
)
#: Most blocks in a group, largest mean squared difference (levels of 255, squared).
_FIRST, _SECOND = (16, 3000.0), (32, 400.0)
#: Coefficients below this many standard deviations of the noise are dropped.
_THRESHOLD = 2.7
_KAISER = np.outer(np.kaiser(BLOCK, 2.0), np.kaiser(BLOCK, 2.0))


def noise_after_cbm3d(
    image: Array, variance: Any, key: Array, *, sigma: float = 25.0
) -> Array:
    """White noise added twice, then CBM3D (RankIQA's ``ImageDenoising``).

    Args:
        image: ``[H, W, C]`` in [0, 1], a side of 8 pixels or more.
        variance: of the first noise, on [0, 1]; its result is rounded to 8 bits.
        key: random key.
        sigma: standard deviation of the second noise, the only one that the denoiser
            knows about, in levels of 255.
    """
    first, second = jax.random.split(key)
    noisy = gaussian_noise(image, variance, first) * 255
    noisy = noisy + sigma * jax.random.normal(second, image.shape, image.dtype)
    return from_levels(cbm3d(noisy, sigma))


def cbm3d(noisy: Array, sigma: float) -> Array:
    """Denoise levels ``[H, W, C]``, neither rounded nor clipped; C = 1 is BM3D.

    Args:
        noisy: levels 0..255 with white noise on them.
        sigma: standard deviation of the noise; 40 or less, as the authors change the
            parameters above that.

    Raises:
        ValueError: a side of less than 8 pixels.
    """
    check_min_side(noisy.shape, BLOCK, "CBM3D")
    mix = _OPPONENT if noisy.shape[-1] == 3 else np.eye(1)
    planes = _mixed(jnp.moveaxis(noisy, -1, 0), mix)
    sigmas = jnp.asarray(sigma * np.sqrt((mix**2).sum(1)), noisy.dtype)
    basic = _filtered(planes, planes, sigmas, _hard_threshold, *_FIRST)
    final = _filtered(planes, basic, sigmas, _wiener, *_SECOND)
    return jnp.moveaxis(_mixed(final, np.linalg.inv(mix)), 0, -1)


def _mixed(planes: Array, matrix: np.ndarray) -> Array:
    return _einsum("dc,chw->dhw", matrix, planes)


Shrink = Callable[[Array, Array, Array], tuple[Array, Array]]


def _filtered(
    planes: Array,
    guide: Array,
    sigmas: Array,
    shrink: Shrink,
    size: int,
    furthest: float,
) -> Array:
    """One pass: group by the guide's luminance, shrink, average.

    Both the weights and the sum of the weighted blocks gather in one array, row of
    reference blocks by row.
    """
    count, height, _ = planes.shape
    compared = padded(guide[0])
    both = jnp.concatenate([planes, guide])
    haar = jnp.asarray(_haar_matrices(size), planes.dtype)
    window = jnp.asarray(_KAISER, planes.dtype)

    def add_row(sums: Array, row: Array) -> tuple[Array, None]:
        groups = match_row(compared, row, size, furthest)
        # Groups have 1, 2, 4, ... blocks, the most similar ones.
        power = jnp.floor(jnp.log2(groups.count.astype(planes.dtype))).astype(int)
        member = jnp.arange(size) < (1 << power)[:, None]
        along = haar[power]
        blocks = _einsum("gij,gjcuv->gicuv", along, cut_out(both, groups.corners))
        estimate, weight = shrink(blocks[:, :, :count], blocks[:, :, count:], sigmas)
        estimate = _einsum("gij,gicuv->gjcuv", along, estimate)
        weights = jnp.where(member[..., None], weight[:, None], 0)
        weights = weights[..., None, None] * window
        updates = jnp.concatenate([estimate * weights, weights], 2)
        return put_back(sums, groups.corners, updates), None

    rows = jnp.asarray(anchors(height))
    start = jnp.zeros((2 * count, *planes.shape[1:]), planes.dtype)
    sums, _ = lax.scan(add_row, start, rows)
    return sums[:count] / sums[count:]


def _hard_threshold(noisy: Array, _: Array, sigmas: Array) -> tuple[Array, Array]:
    """Set small coefficients of the noisy group to 0; weight by how many are left."""
    forward = biorthogonal_matrix(BLOCK)
    spectrum = _two_sided(forward, noisy)
    keep = jnp.abs(spectrum) > _THRESHOLD * sigmas[:, None, None]
    left = jnp.maximum(keep.sum((1, 3, 4)), 1).astype(noisy.dtype)
    weight = 1 / (jnp.square(sigmas) * left)
    estimate = _two_sided(np.linalg.inv(forward), jnp.where(keep, spectrum, 0))
    return estimate, weight


def _wiener(noisy: Array, basic: Array, sigmas: Array) -> tuple[Array, Array]:
    """Shrink coefficients by the share of signal in the basic estimate."""
    forward = dct_matrix(BLOCK)
    energy = jnp.square(_two_sided(forward, basic))
    gain = energy / (energy + jnp.square(sigmas)[:, None, None])
    weight = 1 / (jnp.square(sigmas) * jnp.maximum(jnp.square(gain).sum((1, 3, 4)), 1))
    estimate = _two_sided(forward.T, _two_sided(forward, noisy) * gain)
    return estimate, weight


def _two_sided(matrix: np.ndarray, blocks: Array) -> Array:
    """``matrix @ block @ matrix.T`` of every block."""
    half = _einsum("iu,gncuv->gnciv", matrix, blocks)
    return _einsum("jv,gnciv->gncij", matrix, half)


def _einsum(rule: str, matrix: np.ndarray | Array, array: Array) -> Array:
    matrix = jnp.asarray(matrix, array.dtype)
    return jnp.einsum(rule, matrix, array, precision=lax.Precision.HIGHEST)


@functools.cache
def _haar_matrices(size: int) -> np.ndarray:
    """Orthonormal Haar transforms of 1, 2, 4, ... ``size``, filled up with zeros."""
    lengths = [2**k for k in range(size.bit_length())]
    matrices = np.zeros((len(lengths), size, size))
    for full, length in zip(matrices, lengths, strict=True):
        full[:length, :length] = haar_matrix(length)
    return matrices

"""Gaussian scale mixtures of wavelet bands: the model under VIF and IFC."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, keep
from jiqa.ops.filters import strided_sum
from jiqa.ops.once import once

_TOLERANCE = 1e-15

#: A sum of squares less its mean's is rounding up to so many roundings of the sum.
_ROUNDING = 16


class Band(NamedTuple):
    """The model of subbands ``[bands, ...]``, one value for each 3x3 block.

    y = gain x + noise in each window; x is a zero-mean Gaussian field with covariance
    ``scale`` C, whose eigenvalues are ``eigenvalues`` times ``scale``.
    """

    gain: Array
    noise: Array
    scale: Array
    eigenvalues: Array


def _window_sums(x: Array, window: int) -> Array:
    """Sums over windows about every third sample; blocks at the border are left out.

    The centres are those of the 3x3 blocks. So many blocks are left out on each side,
    ceil(window // 2 / 3), that no window leaves the band.
    """
    drop = -(-(window // 2) // 3)
    start = 3 * drop + 1 - window // 2
    for axis in (-2, -1):
        blocks = x.shape[axis] // 3 - 2 * drop
        stop = start + 3 * (blocks - 1) + window
        x = lax.slice_in_dim(x, start, stop, axis=axis)
        x = once(strided_sum(x, (1,) * window, axis, 3))
    return x


def regression(
    pair: Array, window: int, common: Array | float = 1.0
) -> tuple[Array, Array]:
    """Gain and noise variance of the distorted band in windows of the reference's.

    ``pair`` holds the reference band x and that of the error d = y - common * x. The
    residual variance of y given x is that of d given x: computed so it loses no digits
    to cancellation where the error is small, and is 0 where there is none.

    Where x is one constant but for rounding, as in the bands of a ramp, nothing varies
    to fit a line to (the authors' code takes gain 0, or what rounding gives): there the
    line goes through the origin, and an undistorted ramp has gain 1.
    """
    count = window**2
    sx, sd = _window_sums(pair, window)
    raw_xx, raw_dd = _window_sums(pair * pair, window)
    raw_xd = _window_sums(pair[0] * pair[1], window)
    xx = jnp.maximum(raw_xx - sx * sx / count, 0)
    constant = xx <= _ROUNDING * float(jnp.finfo(xx.dtype).eps) * raw_xx
    xx = jnp.where(constant, raw_xx, xx)
    dd = jnp.where(constant, raw_dd, jnp.maximum(raw_dd - sd * sd / count, 0))
    xd = jnp.where(constant, raw_xd, raw_xd - sx * sd / count)
    flat = xx < _TOLERANCE
    # cov(x, y) / (xx + tolerance), less ``common``: next to black it counts.
    slope = (xd - common * _TOLERANCE) / jnp.where(flat, 1, xx + _TOLERANCE)
    yy = common * common * xx + 2 * common * xd + dd
    lost = flat | (yy < _TOLERANCE) | (slope < -common)
    residual = dd - slope * xd + common * _TOLERANCE * (common + slope)
    noise = jnp.maximum(residual / count, _TOLERANCE)
    return jnp.where(lost, 0, common + slope), noise


def covariance(x: Array, extent: Extent | None = None) -> Array:
    """Covariance ``[9, 9]`` of the overlapping 3x3 blocks of a band, row by row."""
    means = _rectangles(keep(x, extent), extent).reshape(9) / _count(x, extent)
    return second_moments(x, extent) - means[:, None] * means


def second_moments(x: Array, extent: Extent | None = None) -> Array:
    """Mean products ``[9, 9]`` of the samples of overlapping 3x3 blocks, row by row.

    An entry is the sum of x times a shifted x over a rectangle. Few shifts occur, and
    the rectangles of a shift differ by a row or column at the border only.
    """
    rows, cols = x.shape
    x = keep(x, extent)
    wide = jnp.pad(x, ((0, 2), (2, 2)))
    shifts = np.array([(i, j) for i in range(3) for j in range(5)], np.int32)

    @jax.checkpoint
    def moments(shift: Array) -> Array:
        shifted = lax.dynamic_slice(wide, (shift[0], shift[1]), (rows, cols))
        return _rectangles(x * shifted, extent)

    sums = lax.map(moments, jnp.asarray(shifts)).reshape(3, 5, 3, 3)
    a, b = np.divmod(np.arange(9), 3)
    down, right = a[None] - a[:, None], b[None] - b[:, None]
    swap = down < 0
    first = np.where(swap, a[None], a[:, None]), np.where(swap, b[None], b[:, None])
    right = np.where(swap, -right, right)
    second = sums[np.abs(down), right + 2, first[0], first[1]]
    return second / _count(x, extent)


def _count(x: Array, extent: Extent | None) -> Any:
    """How many overlapping 3x3 blocks there are."""
    if extent is None:
        return (x.shape[0] - 2) * (x.shape[1] - 2)
    return extent.valid(3).count(x.dtype)


def _rectangles(x: Array, extent: Extent | None) -> Array:
    """Sums ``[3, 3]`` over the nine rectangles two rows and two columns smaller.

    With an ``extent``, ``x`` is 0 outside.
    """
    if extent is not None:
        for size in (extent.rows, extent.cols):
            end, last = (
                lax.dynamic_index_in_dim(x, size - k, 0, keepdims=False) for k in (2, 1)
            )
            whole = x.sum(0)
            x = jnp.stack(
                [whole - end - last, whole - x[0] - last, whole - x[0] - x[1]], 1
            )
        return x
    whole = x.sum(0)
    x = jnp.stack([whole - x[-2] - x[-1], whole - x[0] - x[-1], whole - x[0] - x[1]], 1)
    whole = x.sum(0)
    return jnp.stack(
        [whole - x[-2] - x[-1], whole - x[0] - x[-1], whole - x[0] - x[1]], 1
    )


def spectra(covariance: Array) -> tuple[Array, Array]:
    """Eigenvalues ``[..., 9]`` and inverses ``[..., 9, 9]`` of covariances.

    Directions with no variance but rounding (flat bands, straight edges) count as
    eigenvalue 0 and are left out of the inverse. The decomposition is held constant
    and a term of first order carries the derivative, which is right for every
    symmetric function of the eigenvalues: the derivative of the eigenvectors,
    infinite where eigenvalues repeat, is never computed.
    """
    exact = lax.Precision.HIGHEST
    fixed = lax.stop_gradient(covariance)
    # One after the other: LAPACK's batched routine waits in the CPU's thread pool for
    # threads of that pool, and two of them in one program for each other.
    values, vectors = lax.map(jnp.linalg.eigh, fixed)
    floor = 8 * float(jnp.finfo(values.dtype).eps) * values[..., -1:]
    spanned = values > jnp.maximum(floor, 1e-20)
    eigenvalues = jnp.einsum(
        "bij,bik,bkj->bj", vectors, covariance, vectors, precision=exact
    )
    eigenvalues = jnp.where(spanned, eigenvalues, 0)
    weights = jnp.where(spanned, 1 / jnp.where(spanned, values, 1), 0)
    inverse = jnp.einsum("bij,bj,bkj->bik", vectors, weights, vectors, precision=exact)
    correction = jnp.einsum(
        "bij,bjk,bkl->bil", inverse, covariance - fixed, inverse, precision=exact
    )
    return eigenvalues, inverse - correction


def blocks(x: Array, window: int) -> Array:
    """The 3x3 blocks of a band that ``_window_sums`` keeps, ``[9, rows, cols]``."""
    rows, cols = (n // 3 for n in x.shape)
    drop = -(-(window // 2) // 3)
    planes = x.reshape(rows, 3, cols, 3).transpose(1, 3, 0, 2).reshape(9, rows, cols)
    return planes[:, drop : rows - drop, drop : cols - drop]

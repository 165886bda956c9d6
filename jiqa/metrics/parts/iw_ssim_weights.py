"""Weights of IW-SSIM: the information that both images hold at each sample."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.scipy
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, keep
from jiqa.ops.filters import box_sum
from jiqa.ops.gaussian_scale_mixture import second_moments
from jiqa.ops.laplacian_pyramid import interleave
from jiqa.ops.numerics import mean

#: What SSIM's window of 11 leaves of a band on each side, and a block of 3 inside it.
MARGIN = 5
_BLOCK = 3

#: The authors' own bound of a variance, and what they add to one that they divide by.
_LEAST = 1e-15


def enlarge(x: Array, shape: tuple[int, int], extent: Extent | None = None) -> Array:
    """Twice as large by linear interpolation, cut to ``shape``.

    The authors resize M samples bilinearly to 4 M - 3, extrapolate one at either end
    and keep every second of them. All in all sample j (from 0) lies at
    (4 M j + 3 M - 3) / (8 M - 6), counted from 1, held within 1 and M. ``extent`` is
    the image in ``x``, where that is not all.
    """
    x = keep(x, extent)
    for axis, size in enumerate(shape):
        count = x.shape[axis]
        tents = (
            _tents(count)
            if extent is None
            else _tents_within(count, extent.along(axis - 2), x.dtype)
        )
        around = jnp.pad(x, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
        shifted = [
            around[(slice(None),) * axis + (slice(k, k + count),)] for k in range(3)
        ]
        along = (-1, 1) if axis == 0 else (1, -1)
        even, odd = (
            sum(
                s * jnp.asarray(t[phase::2].reshape(along), x.dtype)
                for s, t in zip(shifted, tents, strict=True)
            )
            for phase in (0, 1)
        )
        x = interleave(jnp.asarray(even), jnp.asarray(odd), axis, size)
    return x


def _tents(count: int) -> list[np.ndarray]:
    """Weights of samples i - 1, i and i + 1 in 2 i and 2 i + 1, which lie between."""
    place = (4 * count * np.arange(2 * count) + 3 * count - 3) / (8 * count - 6)
    place = np.clip(place, 1, count) - 1
    # Three taps, no gather.
    return [
        np.maximum(1 - np.abs(place - (np.arange(2 * count) // 2 + k)), 0)
        for k in (-1, 0, 1)
    ]


def _tents_within(count: int, length: Array, dtype: jnp.dtype) -> list[Array]:
    """``_tents`` of the first ``length`` of ``count`` samples.

    Places are fractions of whole numbers: in float32 they would lose digits.
    """
    index = jnp.arange(2 * count, dtype=jnp.int32)
    whole = 8 * length - 6
    place = jnp.clip(4 * length * index + 3 - 5 * length, 0, (length - 1) * whole)
    return [
        jnp.maximum(
            1
            - jnp.abs(
                (place - (index // 2 + k) * whole).astype(dtype) / whole.astype(dtype)
            ),
            0,
        )
        for k in (-1, 0, 1)
    ]


def _neighbours(x: Array, parent: Array | None, margin: int = 0) -> list[Array]:
    """The 3x3 block around each pixel inside, and its parent, as shifted planes."""
    if margin:
        x = x[margin:-margin, margin:-margin]
    rows, cols = x.shape[0] - 2, x.shape[1] - 2
    planes = [x[i : i + rows, j : j + cols] for i in range(3) for j in range(3)]
    if parent is not None:
        edge = margin + 1
        planes.append(parent[edge:-edge, edge:-edge])
    return planes


def band_tolerance(x: Array, gain: float) -> float:
    """Variance under which a band is nothing but rounding.

    The authors' own in float64; in float32 that of values up to 255 times the gain.
    """
    return max(_LEAST, (4 * float(jnp.finfo(x.dtype).eps) * 255 * gain) ** 2)


def _local_tolerance(size: Array) -> Array:
    """Variance under which a block is nothing but rounding of values of this size.

    Blocks beside black hold values of 1e-7 that are exact, and weigh heavily.
    """
    rounding = 4 * float(jnp.finfo(size.dtype).eps) * box_sum(size, _BLOCK) / _BLOCK**2
    return jnp.maximum(rounding * rounding, _LEAST)


def _moments(x: Array, parent: Array | None, extent: Extent | None) -> Array:
    """Second moments of the neighbourhoods, ``[9, 9]`` or ``[10, 10]``."""
    own = second_moments(x, extent)
    if parent is None:
        return own
    *planes, above = _neighbours(x, parent)
    inner = extent and extent.valid(_BLOCK)
    cross = jnp.stack([mean(plane * above, inner) for plane in planes])[:, None]
    power = mean(above * above, inner)[None, None]
    return jnp.block([[own, cross], [cross.T, power]])


def _model(moments: Array, tolerance: float) -> tuple[Array, Array]:
    """Eigenvalues of the neighbourhoods' second moments, and a whitening matrix.

    The scores depend on the moments C through symmetric functions of the eigenvalues
    and through y' inv(C) y only. Neither needs eigenvectors, whose derivative is
    infinite for repeated eigenvalues: eigenvalues alone and a Cholesky factor,
    C = L L', have finite derivatives. Returns the eigenvalues and inv(L).
    """
    count = len(moments)
    identity = jnp.eye(count, dtype=moments.dtype)
    trace = jnp.trace(moments)
    flat = trace < tolerance
    eigenvalues = jnp.linalg.eigvalsh(jnp.where(flat, identity, moments))
    # Where the blocks do not span the space (a lone straight edge), the authors
    # divide by zero. All blocks lie in the span, so that the inverse on the span,
    # which the smallest multiple of the identity approaches, is the limit.
    least = count * float(jnp.finfo(moments.dtype).eps) * eigenvalues[-1]
    ridge = jnp.maximum(least - eigenvalues[0], 0)
    regular = jnp.where(flat, identity, moments + ridge * identity)
    whitening = jax.scipy.linalg.solve_triangular(
        jnp.linalg.cholesky(regular), identity, lower=True
    )
    # Negative eigenvalues are rounding: to 0, and the others keep the trace.
    clipped = jnp.maximum(eigenvalues, 0)
    clipped = clipped * (jnp.trace(jnp.where(flat, identity, moments)) / clipped.sum())
    return jnp.where(flat, 0, clipped), whitening


def information_weight(
    x: Array,
    y: Array,
    parent: Array | None,
    magnitude: Array,
    sigma_nsq: float,
    gain: float,
    extent: Extent | None = None,
) -> Array:
    """Information that both images hold at each sample, ``[H - 10, W - 10]``.

    sum_j log2(1 + ((v + (1 + g^2) s) u L_j + s v) / s^2) with the local gain g and
    residual variance v of the distorted band, the neighbourhood's scale u and the
    eigenvalues L of the reference, and the noise s. ``magnitude`` is that of the
    numbers whose difference the reference's band is. ``extent`` is the image in the
    bands, where that is not all.
    """
    around = MARGIN - 1
    tolerance = _local_tolerance(magnitude[around:-around, around:-around])
    x_in = x[around:-around, around:-around]
    # With the error e = y - x: the residual variance of y given x is that of e given
    # x, which loses no digits to cancellation for small errors and is 0 for none.
    e_in = y[around:-around, around:-around] - x_in
    size = _BLOCK**2
    mx, me, xx, ee, xe = (
        box_sum(f, _BLOCK) * (1 / size)
        for f in (x_in, e_in, x_in * x_in, e_in * e_in, x_in * e_in)
    )
    vx, ve = jnp.maximum(xx - mx * mx, 0), jnp.maximum(ee - me * me, 0)
    cov = xe - mx * me
    vy = vx + 2 * cov + ve
    flat_x, flat_y = vx < tolerance, vy < tolerance
    # cov(x, y) / (vx + least), less 1: next to black, the authors' constant counts.
    slope = (cov - _LEAST) / jnp.where(flat_x, 1, vx + _LEAST)
    g = jnp.where(flat_x | flat_y, 0, 1 + slope)
    residual = ve - slope * cov + _LEAST * (1 + slope)
    v = jnp.where(flat_x, vy, jnp.maximum(residual, 0))
    v = jnp.where(flat_y, 0, v)

    eigenvalues, whitening = _model(
        _moments(x, parent, extent), band_tolerance(x, gain)
    )
    planes = _neighbours(x, parent, around)

    # Row by row: unrolled, the derivative of fifty shifted terms compiles for long.
    @jax.checkpoint
    def add(u: Array, row: Array) -> tuple[Array, None]:
        white = sum(row[j] * plane for j, plane in enumerate(planes))
        return u + white * white, None

    u, _ = lax.scan(add, jnp.zeros_like(g), whitening)
    u = u / len(planes)
    s = sigma_nsq
    base, slope = 1 + v / s, u * (v + (1 + g * g) * s) / s**2
    bits = sum(jnp.log2(base + slope * eigenvalues[j]) for j in range(len(planes)))
    return jnp.where(bits < 1e-15, 0, bits)

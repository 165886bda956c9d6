"""Wavelets: CDF 9/7 of an image, Haar filters of one, and small transform matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent, keep
from jiqa.ops.filters import pad

# One half of each filter, the centre first, to the digits that the MATLAB codes of
# Chandler and of Gaubatz hold.
_LOW_HALF = (
    0.85269867900889,
    0.37740285561283,
    -0.11062440441844,
    -0.02384946501956,
    0.03782845550726,
)
_HIGH_HALF = (
    -0.78848561640558,
    0.41809227322162,
    0.04068941760916,
    -0.06453888262870,
)

#: Analysis filters of the Cohen-Daubechies-Feauveau 9/7 wavelet (JPEG 2000),
#: symmetric: the low-pass sums to sqrt(2), the high-pass to 0.
CDF97_LOW = np.array([*_LOW_HALF[:0:-1], *_LOW_HALF])
CDF97_HIGH = np.array([*_HIGH_HALF[:0:-1], *_HIGH_HALF])

#: Low-pass filter of the biorthogonal 1.5 wavelet over the square root of 2.
_BIORTHOGONAL_LOW = np.array([3, -3, -22, 22, 128, 128, 22, -22, -3, 3]) / 256


def dwt(x: Array, levels: int) -> tuple[Array, list[tuple[Array, Array, Array]]]:
    """Separable CDF 9/7 transform of ``[..., H, W]``.

    Borders mirror about the edge pixel. The low-pass keeps samples 0, 2, 4 ..., the
    high-pass 1, 3, 5 ...; each level raises the mean by a factor of 2.

    Returns:
        The low-pass residual, and for every level, finest first, the bands that are
        high-pass along rows (low-high), along columns (high-low) and both.
    """
    details = []
    for _ in range(levels):
        low, high = (lax.optimization_barrier(b) for b in split(x, -1))
        x, high_low = split(low, -2)
        low_high, high_high = split(high, -2)
        x = lax.optimization_barrier(x)
        details.append((low_high, high_low, high_high))
    return x, details


def split(x: Array, axis: int) -> tuple[Array, Array]:
    """Low-pass and high-pass half of ``x`` along one of the last two axes (CDF 9/7)."""
    width = (0, len(CDF97_LOW) // 2) if axis == -1 else (len(CDF97_LOW) // 2, 0)
    length = x.shape[axis]
    x = pad(x, width, width, "reflect")
    phases = [_every_second(x, start, axis) for start in (0, 1)]
    # Padding is even, so low-pass output i is centred on padded sample 2 i + 4.
    low = _filter(phases, CDF97_LOW, 0, (length + 1) // 2, axis)
    high = _filter(phases, CDF97_HIGH, 2, length // 2, axis)
    return low, high


def _every_second(x: Array, start: int, axis: int) -> Array:
    return x[..., start::2] if axis == -1 else x[..., start::2, :]


def _filter(
    phases: list[Array], taps: np.ndarray, first: int, count: int, axis: int
) -> Array:
    """Sum over t of taps[t] x[2 i + first + t], from the two phases of x."""
    out = jnp.zeros((), phases[0].dtype)
    for t, tap in enumerate(taps):
        shift, phase = divmod(first + t, 2)
        cut = lax.slice_in_dim(phases[phase], shift, shift + count, axis=axis)
        out = out + float(tap) * cut
    return out


def haar_magnitudes(
    plane: Array, sizes: Sequence[int], axis: int, extent: Extent | None = None
) -> list[Array]:
    """Magnitudes of Haar filters over ``axis`` of a plane ``[H, W]``, at every sample.

    The filter of size n, the second half of n x n samples less the first, over n,
    covers i - n/2 + 1 ... i + n/2, where MATLAB's conv2 puts it. Zeros lie outside.

    Args:
        plane: ``[H, W]``.
        sizes: n of each filter, powers of 2.
        axis: along which the halves follow each other.
        extent: what of the plane is the image, where that is not all.
    """
    half = max(sizes) // 2
    field = pad(keep(plane, extent), (half - 1, half - 1), (half, half), "zero")
    rows, cols = plane.shape
    found = []
    for size in sizes:
        along = _run(_run(field, size // 2, axis), size, 1 - axis)
        start = [half - size // 2] * 2
        before = along[start[0] : start[0] + rows, start[1] : start[1] + cols]
        start[axis] += size // 2
        after = along[start[0] : start[0] + rows, start[1] : start[1] + cols]
        found.append(jnp.abs(after - before) * (1 / size))
    return found


def _run(x: Array, size: int, axis: int) -> Array:
    """Sums of ``size`` (a power of 2) neighbours from each sample on."""
    width = 1
    while width < size:
        rest = x.shape[axis] - width
        x = lax.slice_in_dim(x, 0, rest, axis=axis) + lax.slice_in_dim(
            x, width, width + rest, axis=axis
        )
        width *= 2
    return x


@functools.cache
def haar_matrix(size: int) -> np.ndarray:
    """The orthonormal Haar transform of ``size`` (a power of 2) samples, row by row."""
    haar = np.ones((1, 1))
    while len(haar) < size:
        average, difference = np.kron(haar, [1, 1]), np.kron(np.eye(len(haar)), [1, -1])
        haar = np.concatenate([average, difference]) / np.sqrt(2)
    haar.setflags(write=False)
    return haar


@functools.cache
def biorthogonal_matrix(size: int) -> np.ndarray:
    """The biorthogonal 1.5 transform of ``size`` (a power of 2) periodic samples.

    As deep as it goes; rows of unit length.
    """
    whole = np.eye(size)
    length = size
    while length > 1:
        step = np.zeros((length, length))
        half = length // 2
        for k in range(half):
            for offset, tap in enumerate(_BIORTHOGONAL_LOW):
                step[k, (2 * k - 4 + offset) % length] += tap
            step[half + k, 2 * k], step[half + k, 2 * k + 1] = 0.5, -0.5
        whole[:length] = step @ whole[:length]
        length = half
    whole = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    whole.setflags(write=False)
    return whole

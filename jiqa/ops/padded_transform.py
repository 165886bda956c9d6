"""The discrete Fourier transform of an image of any size in a padded array.

A fast transform is compiled for one length. Of run-time length the transform is a
product with matrices of cosines and sines, made when the program runs. Their phases
are integers, j k modulo n, so that float32 has every entry to its last digit. Cosine
sums are even in k and sine sums odd, which quarters the products: only the first half
of the frequencies is computed, from x[j] + x[n - j] and x[j] - x[n - j].
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jiqa.ops.extent import Extent, keep


class _Axis(NamedTuple):
    """The transform along one axis.

    Attributes:
        length: of the image.
        cosines: of 2 pi j k / n for j and k up to n / 2, 0 beyond.
        sines: the same.
    """

    length: Array
    cosines: Array
    sines: Array


class PaddedTransform:
    """The transform of what lies in ``extent`` of an array ``[P, Q]``, both ways.

    The image and its spectrum lie in the first rows and columns; beyond them is 0.
    """

    def __init__(self, extent: Extent, shape: tuple[int, ...], dtype: Any) -> None:
        """Make the matrices.

        Args:
            extent: rows and columns of the image.
            shape: of the array.
            dtype: float32 or float64.
        """
        self._extent = extent
        self._axes = tuple(
            _axis(jnp.asarray(length, jnp.int32), size, dtype)
            for length, size in zip((extent.rows, extent.cols), shape, strict=True)
        )

    def forward(self, x: Array) -> Array:
        """The spectrum of real ``x`` ``[P, Q]``, as ``jnp.fft.fft2`` of the image."""
        x = keep(x, self._extent)[:, None]
        return self._both(x, jnp.zeros_like(x), 1)[:, 0]

    def inverse(self, spectra: Array) -> Array:
        """The images of spectra ``[S, P, Q]``, as ``jnp.fft.ifft2``."""
        real, imaginary = (jnp.moveaxis(v, 0, 1) for v in (spectra.real, spectra.imag))
        count = self._extent.count(real.dtype)
        images = self._both(real / count, imaginary / count, -1)
        return jnp.moveaxis(images, 1, 0)

    def _both(self, real: Array, imaginary: Array, sign: int) -> Array:
        """Along rows and columns of ``[P, S, Q]``."""
        for axis, along in zip((0, 2), self._axes, strict=True):
            real, imaginary = _transformed(real, imaginary, along, axis, sign)
        return lax.complex(real, imaginary)


def unit_roots(length: Array, size: int, dtype: Any) -> tuple[Array, Array]:
    """Cosine and sine of 2 pi j / n for j = 0 ... size - 1, to the last digit.

    The angle is reduced to an eighth of a turn in integers.
    """
    j = jnp.arange(size, dtype=jnp.int32) % length
    quarter = (4 * j + length // 2) // length
    rest = (4 * j - quarter * length).astype(dtype)
    angle = rest * (jnp.asarray(math.pi / 2, dtype) / length.astype(dtype))
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    turns = [quarter % 4 == k for k in range(3)]
    return (
        jnp.select(turns, [cosine, -sine, -cosine], sine),
        jnp.select(turns, [sine, cosine, -sine], -cosine),
    )


def _axis(length: Array, size: int, dtype: Any) -> _Axis:
    half = size // 2 + 1
    cosine, sine = unit_roots(length, size, dtype)
    j = jnp.arange(half, dtype=jnp.int32)
    phase = (j[:, None] * j) % length
    used = 2 * j <= length
    used = used[:, None] & used
    return _Axis(
        length, jnp.where(used, cosine[phase], 0), jnp.where(used, sine[phase], 0)
    )


def _transformed(
    real: Array, imaginary: Array, along: _Axis, axis: int, sign: int
) -> tuple[Array, Array]:
    """Along one axis: frequencies k and n - k from the same four sums."""
    half = along.cosines.shape[0]
    index = _index(half, axis)
    paired = (index > 0) & (2 * index < along.length)

    def folded(x: Array) -> tuple[Array, Array]:
        first = lax.slice_in_dim(x, 0, half, axis=axis)
        back = jnp.where(paired, _mirrored(x, along.length, axis, half), 0)
        return first + back, jnp.where(paired, first - back, 0)

    def summed(matrix: Array, x: Array) -> Array:
        shape = x.shape
        if axis == 0:
            found = _matmul(matrix, x.reshape(half, -1))
        else:
            found = _matmul(x.reshape(-1, half), matrix)
        return found.reshape(shape)

    (real_even, real_odd), (other_even, other_odd) = folded(real), folded(imaginary)
    a, b = summed(along.cosines, real_even), summed(along.cosines, other_even)
    c = summed(along.sines, real_odd) * sign
    d = summed(along.sines, other_odd) * sign
    size, place = real.shape[axis], _index(real.shape[axis], axis)

    def unfolded(low: Array, high: Array) -> Array:
        widths = [(0, size - half if k == axis else 0) for k in range(3)]
        back = _mirrored(high, along.length, axis, size)
        return jnp.where(2 * place <= along.length, jnp.pad(low, widths), back)

    return unfolded(a + d, a - d), unfolded(b - c, b + c)


def _index(size: int, axis: int) -> Array:
    shape = [size if k == axis else 1 for k in range(3)]
    return jnp.arange(size, dtype=jnp.int32).reshape(shape)


def _mirrored(x: Array, length: Array, axis: int, count: int) -> Array:
    """Samples n - k of ``x`` for k = 0 ... count - 1, and 0 where there are none."""
    size = x.shape[axis]
    widths = [(count, count) if k == axis else (0, 0) for k in range(x.ndim)]
    flipped = jnp.pad(jnp.flip(x, axis), widths)
    return lax.dynamic_slice_in_dim(flipped, count + size - 1 - length, count, axis)


def _matmul(a: Array, b: Array) -> Array:
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def padded_frequencies(
    length: Any, size: int, dtype: Any, *, mirrored: bool = False
) -> Array:
    """``jiqa.ops.phase_congruency.frequencies`` of run-time length, ``[size]``.

    Args:
        length: of the image, an integer.
        size: of the array; beyond the image the values are arbitrary.
        dtype: of the result.
        mirrored: the frequency of the opposite index, n - j, in place of that of j.
    """
    j = jnp.arange(size, dtype=jnp.int32)
    if mirrored:
        j = (length - j) % length
    cycles = jnp.where(2 * j < length, j, j - length).astype(dtype)
    return cycles / jnp.maximum(length - length % 2, 1).astype(dtype)

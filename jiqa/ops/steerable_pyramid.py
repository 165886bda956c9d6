"""Steerable pyramids of matlabPyrTools: bands by orientation, real and complex.

``steerable_bands`` takes the real bands by small filters, level after level (VIF, IFC);
``oriented_bands`` the complex ones of one level by masks in the Fourier domain
(CW-SSIM).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops import stencil
from jiqa.ops.filters import pad
from jiqa.ops.once import once

# The filters "sp5" of E. Simoncelli's matlabPyrTools as the Python package pyrtools
# 1.1.1 (MIT licence) holds them in pyrtools/pyramids/filters.py. All are symmetric:
# given are the taps from the corner up to and with the centre.
_LOW0 = np.array(
    [
        [0.00341614, -0.01551246, -0.03848215],
        [-0.01551246, 0.05586982, 0.15925570],
        [-0.03848215, 0.15925570, 0.40304148],
    ]
)
_LOW = 2 * np.array(
    [
        [0.00085404, -0.00244917, -0.00387812, -0.00944432, -0.00962054],
        [-0.00244917, -0.00523281, -0.00661117, 0.00410600, 0.01002988],
        [-0.00387812, -0.00661117, 0.01396746, 0.03277038, 0.03981393],
        [-0.00944432, 0.00410600, 0.03277038, 0.06426333, 0.08169618],
        [-0.00962054, 0.01002988, 0.03981393, 0.08169618, 0.10096540],
    ]
)
#: Orientation 1: odd over the rows (the centre row is 0), even over the columns.
#: Orientation 4 is minus its transpose.
_BAND = np.array(
    [
        [0.00277643, 0.00496194, 0.01026699, 0.01455399],
        [-0.00986904, -0.00893064, 0.01189859, 0.02755155],
        [-0.01021852, -0.03075356, -0.08226445, -0.11732297],
    ]
)


def steerable_bands(x: Array, levels: int) -> list[tuple[Array, Array]]:
    """Orientations 1 and 4 (of 6) of the real steerable pyramid, finest level first.

    The pyramid of matlabPyrTools (``buildSpyr`` with ``sp5Filters``) of planes
    ``[..., H, W]``: the image is mirrored about its edge pixels; the low-pass gains a
    factor 2 and halves its sides, rounded up, at every level.
    """
    low = _even(pad(x, (2, 2), (2, 2), "reflect"), _LOW0)
    bands = []
    for level in range(levels):
        wide = once(pad(low, (4, 4), (4, 4), "reflect"))
        bands.append((_odd(wide, -2), -_odd(wide, -1)))
        if level + 1 < levels:
            low = _even(wide, _LOW, 2)
    return bands


def _cut(x: Array, axis: int, start: int, count: int, step: int = 1) -> Array:
    stop = start + (count - 1) * step + 1
    return lax.slice_in_dim(x, start, stop, step, axis=x.ndim + axis)


def _even(x: Array, corner: np.ndarray, step: int = 1) -> Array:
    return stencil.apply(_Even(_rows_of(corner), step), x)


def _odd(wide: Array, axis: int) -> Array:
    return stencil.apply(_Odd(axis), wide)


def _rows_of(taps: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(tap) for tap in row) for row in taps)


@dataclass(frozen=True)
class _Even:
    """Valid correlation with an even kernel, every ``step``-th sample.

    Samples that share a tap are added first. A copy of each phase of the columns
    keeps all later reads contiguous. Given are the taps from the corner to the centre.
    """

    corner: tuple[tuple[float, ...], ...]
    step: int

    def __call__(self, x: Array) -> Array:
        reach, step = len(self.corner) - 1, self.step
        rows, cols = self.shape(x.shape)[-2:]
        out = jnp.zeros((), x.dtype)
        for k in range(reach + 1):
            pair = _cut(x, -2, k, rows, step)
            if k < reach:
                pair = pair + _cut(x, -2, 2 * reach - k, rows, step)
            phases = [pair[..., p::step] for p in range(step)]
            if step > 1:
                phases = [once(p) for p in phases]
            for j in range(reach + 1):
                term = _cut(phases[j % step], -1, j // step, cols)
                if j < reach:
                    mirror = 2 * reach - j
                    term = term + _cut(phases[mirror % step], -1, mirror // step, cols)
                out = out + self.corner[k][j] * term
        return out

    def shape(self, shape: stencil.Shape) -> stencil.Shape:
        less = 2 * (len(self.corner) - 1)
        sides = ((n - less - 1) // self.step + 1 for n in shape[-2:])
        return (*shape[:-2], *sides)

    def adjoint(self, y: Array, shape: stencil.Shape) -> Array:
        window = 2 * len(self.corner) - 1
        for axis in (-2, -1):
            y = stencil.spread(y, axis, shape[axis], window, self.step)
        return stencil.apply(_Even(self.corner, 1), y)


@dataclass(frozen=True)
class _Odd:
    """Valid correlation, less one sample a side, with the band filter odd in ``axis``.

    Rows (or columns) that differ in the sign of their taps are subtracted first, so
    that a constant gives exactly 0.
    """

    axis: int

    def __call__(self, wide: Array) -> Array:
        axis, other = self.axis, -3 - self.axis
        count, across = wide.shape[axis] - 8, wide.shape[other] - 8
        out = jnp.zeros((), wide.dtype)
        for k, taps in enumerate(_BAND):
            pair = _cut(wide, axis, 1 + k, count) - _cut(wide, axis, 7 - k, count)
            for j in range(7):
                tap = float(taps[min(j, 6 - j)])
                out = out + tap * _cut(pair, other, 1 + j, across)
        return out

    def shape(self, shape: stencil.Shape) -> stencil.Shape:
        return stencil.shorter(stencil.shorter(shape, -2, 8), -1, 8)

    def adjoint(self, y: Array, shape: stencil.Shape) -> Array:
        for axis in (-2, -1):
            y = stencil.windows(y, axis, 8, 8)
        return -stencil.apply(self, y)


def oriented_bands(x: Array, level: int, orientations: int) -> tuple[Array, Array]:
    """Complex oriented bands of one level (1 is the finest) of planes ``[..., H, W]``.

    The bands of matlabPyrTools' ``buildSCFpyr``: the analytic parts of the steerable
    pyramid's, by masks in the Fourier domain, with both sides halved (rounded up) at
    every level below the first. Only the frequencies that the level keeps are ever
    formed. The factor (-i)^(orientations - 1), common to all bands, is left out.

    Args:
        x: planes; a constant added to one changes nothing.
        level: the level, at most log2(min(H, W)) - 2.
        orientations: number of bands.

    Returns:
        Real and imaginary parts, each ``[..., orientations, h, w]``.
    """
    height, width = x.shape[-2:]
    # Transforming the rows and cropping first halves the work of a 2-D transform.
    spectrum = _lowest(jnp.fft.fft(x, axis=-1), -1, band_size(width, level))
    spectrum = _lowest(jnp.fft.fft(spectrum, axis=-2), -2, band_size(height, level))
    masks = _masks(height, width, level, orientations)
    filters = jnp.asarray(masks, spectrum.dtype)
    bands = jnp.fft.ifft2(spectrum[..., None, :, :] * filters)
    return bands.real, bands.imag


def band_size(length: int, level: int) -> int:
    """Samples that level ``level`` keeps of ``length``."""
    for _ in range(level - 1):
        length = (length + 1) // 2
    return length


def _lowest(spectrum: Array, axis: int, count: int) -> Array:
    """The ``count`` lowest frequencies along one axis, origin first."""
    size = spectrum.shape[axis]
    ends = (0, (count + 1) // 2), (size - count // 2, size)
    parts = [lax.slice_in_dim(spectrum, *end, axis=axis) for end in ends]
    return jnp.concatenate(parts, axis=axis)


@functools.lru_cache(maxsize=8)
def _masks(height: int, width: int, level: int, orientations: int) -> np.ndarray:
    """Masks of the bands on the lowest frequencies, ``[orientations, h, w]``."""
    sizes = band_size(height, level), band_size(width, level)
    rows, cols = (np.fft.fftfreq(n, 1 / n) for n in sizes)
    y, x = np.meshgrid(rows / (height / 2), cols / (width / 2), indexing="ij")
    radius, angle = np.hypot(y, x), np.arctan2(y, x)
    # The origin takes the radius of its left neighbour.
    radius[0, 0] = 2 / width
    octave = np.log2(radius)
    radial = _high(octave + level)
    for shift in range(level):
        radial = radial * _low(octave + shift)
    turned = [_angular(angle, b, orientations) for b in range(orientations)]
    return radial * np.stack(turned)


def _radial_table() -> tuple[np.ndarray, np.ndarray]:
    """Octaves and the squared high-pass: a raised cosine from -1 to 0, in 259 steps."""
    phase = np.pi * np.arange(-257, 2) / 512
    squared = np.cos(phase) ** 2
    squared[0], squared[-1] = squared[1], squared[-2]
    return -0.5 + (2 / np.pi) * (phase + np.pi / 4), squared


def _high(octave: np.ndarray) -> np.ndarray:
    at, squared = _radial_table()
    return np.interp(octave, at, np.sqrt(squared))


def _low(octave: np.ndarray) -> np.ndarray:
    at, squared = _radial_table()
    # The authors' tables hold roots, of which 1 - Y^2 is formed.
    return np.interp(octave, at, np.sqrt(np.abs(1 - np.sqrt(squared) ** 2)))


def _angular(angle: np.ndarray, band: int, orientations: int) -> np.ndarray:
    """2 sqrt(c) cos(angle - turn)^(n - 1) on its half-plane, from a table of 3075."""
    order = orientations - 1
    constant = 4**order * math.factorial(order) ** 2
    constant /= orientations * math.factorial(2 * order)
    at = np.pi * np.arange(-2049, 1026) / 1024
    half_plane = np.abs(np.mod(np.pi + at, 2 * np.pi) - np.pi) < np.pi / 2
    value = 2 * math.sqrt(constant) * np.cos(at) ** order * half_plane
    return np.interp(angle, at + np.pi * band / orientations, value)

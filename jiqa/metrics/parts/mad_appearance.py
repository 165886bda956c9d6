"""Statistics of overlapping blocks, and the change of an image's appearance by them.

The 16 x 16 blocks lie 4 pixels apart, so each is made of 4 x 4 cells that it shares
with its neighbours. Central moments are merged from pixels to cells to blocks and never
taken from raw sums: a band can vary by a hundredth of its mean, whose fourth power
float32 would lose.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.numerics import added, safe_sqrt, varying_as

#: Side of a cell, and cells along the side of a block.
CELL, CELLS = 4, 4

#: Shortest wavelength in pixels, ratio between scales, bandwidth of the log-Gabor
#: filters, their orientations, and angular spread (radians).
_WAVELENGTH, _RATIO, _BANDWIDTH = 3, 3, 0.55
_ORIENTATIONS, _SPREAD = 4, np.pi / 4 / 1.5
#: Weight of each scale, fine to coarse.
_SCALE_WEIGHTS = np.array([0.5, 0.75, 1, 5, 6]) / 13.25

#: Magnitudes that deviate by less than this share of a rounding of their plane's RMS
#: are flat. More, and the tails of edges in a flat part would count as flat, too.
_ROUNDING = 0.25

#: Mean and central moments (sums, not divided) of order 2 and on.
Moments = tuple[Array, ...]


def merge(parts: Sequence[Moments], count: int) -> Moments:
    """Moments of the union of equally large groups of ``count`` samples each."""
    centre = added(p[0] for p in parts) / len(parts)
    shifts = [p[0] - centre for p in parts]
    squares = [d * d for d in shifts]
    second = third = fourth = jnp.zeros((), centre.dtype)
    for part, d, d2 in zip(parts, shifts, squares, strict=True):
        second = second + (part[1] + count * d2)
        if len(part) > 2:
            third = third + (part[2] + d * (3 * part[1] + count * d2))
            fourth = fourth + (
                part[3] + d * (4 * part[2]) + d2 * (6 * part[1] + count * d2)
            )
    return (centre, second, third, fourth)[: len(parts[0])]


def cell_moments(x: Array, order: int) -> Moments:
    """Moments of the 4 x 4 cells that tile ``[..., H, W]``, up to 2 or to 4."""
    rows = [x[..., i::CELL, :] for i in range(CELL)]
    centre = added(rows) / CELL
    powers = [[r - centre for r in rows]]
    for _ in range(order - 1):
        powers.append([p * d for p, d in zip(powers[-1], powers[0], strict=True)])
    columns = (centre, *(added(p) for p in powers[1:]))
    parts = [tuple(m[..., j::CELL] for m in columns) for j in range(CELL)]
    return merge(parts, CELL)


def block_moments(cells: Moments, across: int = CELLS) -> Moments:
    """Moments of all blocks of ``across`` x ``across`` cells."""
    count = CELL * CELL
    for axis in (-2, -1):
        size = cells[0].shape[axis] - across + 1
        parts = [
            tuple(lax.slice_in_dim(m, i, i + size, axis=axis) for m in cells)
            for i in range(across)
        ]
        cells = merge(parts, count)
        count *= across
    return cells


def scored_cells(side: int) -> tuple[int, np.ndarray]:
    """The cells that the score uses along one axis.

    The outer 16 pixels before and 17 after are left out; the blocks that start at a
    cell stand for it. Returns the number of cells and how many of each one's pixels
    count (the last may be cut).
    """
    pixels = side - 33
    count = -(-pixels // CELL)
    share = np.full(count, CELL)
    share[-1] = pixels - CELL * (count - 1)
    return count, share


def scored_blocks(x: Array, shape: tuple[int, int]) -> Array:
    """The part of ``[..., H, W]`` that the blocks of the scored cells cover."""
    rows, cols = (CELL * (scored_cells(n)[0] + CELLS - 1) for n in shape)
    return x[..., 16 : 16 + rows, 16 : 16 + cols]


def root_mean_square(cells: Array, shape: tuple[int, int]) -> Array:
    """RMS over the scored pixels of a map that is constant on each cell."""
    down, across = (scored_cells(n)[1] for n in shape)
    weight = jnp.asarray(np.outer(down, across) / (down.sum() * across.sum()))
    return safe_sqrt(jnp.sum(weight.astype(cells.dtype) * jnp.square(cells)))


def appearance_change(reference: Array, distorted: Array) -> Array:
    """Change of the local statistics of log-Gabor magnitudes, ``[H, W]`` planes.

    Per 16 x 16 block and band: |change of standard deviation| + 2 |of skewness| +
    |of kurtosis|, summed with the scale's weight over 5 scales x 4 orientations. On
    the cells of ``scored_cells``, whose blocks begin there.
    """
    shape = (reference.shape[0], reference.shape[1])
    planes = jnp.stack([_centred(reference), _centred(distorted)])
    spectra = jnp.fft.fft2(planes)
    size = lax.stop_gradient(_size(planes))
    radial, angular = _filters(*shape, reference.dtype)
    scale, turn = np.divmod(np.arange(len(_SCALE_WEIGHTS) * _ORIENTATIONS), 4)

    # Without checkpoint, reverse mode would keep 20 bands of complex images.
    @functools.partial(jax.checkpoint, prevent_cse=False)
    def add_band(change: Array, band: tuple[Array, ...]) -> tuple[Array, None]:
        k, o, weight = band
        wave = jnp.fft.ifft2(weighted(spectra, radial[k] * angular[o]))
        power = jnp.square(jnp.real(wave)) + jnp.square(jnp.imag(wave))
        # Magnitudes of about 1, whatever the contrast: in float32 the fourth power of a
        # small one would underflow.
        magnitude = safe_sqrt(scored_blocks(power, shape)) / size
        spread, skew, tail = _shape(block_moments(cell_moments(magnitude, 4)))
        step = _moved(spread * size) + 2 * _moved(skew) + _moved(tail)
        return change + weight * step, None

    start = jnp.zeros([scored_cells(n)[0] for n in shape], reference.dtype)
    bands = (scale, turn, jnp.asarray(_SCALE_WEIGHTS[scale], reference.dtype))
    return lax.scan(add_band, varying_as(reference, start), bands)[0]


def weighted(spectrum: Array, gain: Array) -> Array:
    """A complex spectrum times a real gain."""
    return lax.complex(jnp.real(spectrum) * gain, jnp.imag(spectrum) * gain)


def _moved(statistic: Array) -> Array:
    return jnp.abs(statistic[1] - statistic[0])


def _centred(x: Array) -> Array:
    # No filter passes the mean. A whole number keeps integer levels exact, so that a
    # pure change of brightness, which the filters do not see, leaves no rounding.
    return x - lax.stop_gradient(jnp.round(jnp.mean(x)))


def _size(planes: Array) -> Array:
    """RMS of each plane ``[2, 1, 1]`` as a power of two, so that scaling is exact."""
    square = jnp.mean(jnp.square(planes), (-2, -1), keepdims=True)
    _, exponent = jnp.frexp(safe_sqrt(square))
    return jnp.ldexp(jnp.ones_like(square), exponent)


def _shape(moments: Moments) -> tuple[Array, Array, Array]:
    """Standard deviation (N - 1), skewness and kurtosis (biased, 0 if flat).

    Of magnitudes in units of their plane's RMS; see ``_size``.
    """
    count = (CELL * CELLS) ** 2
    _, second, third, fourth = moments
    rounding = _ROUNDING * float(jnp.finfo(second.dtype).eps)
    varied = second > count * rounding**2
    spread = jnp.where(varied, second, 1)
    # Divisions last: a final product would fuse with the difference that follows,
    # and the change of equal images not come out as 0.
    # One after the other: the derivative of a division by the square of ``spread`` has
    # its fourth power, which float32 may not hold.
    skewness = third * math.sqrt(count) / spread / jnp.sqrt(spread)
    kurtosis = fourth * count / spread / spread
    return (
        safe_sqrt(second / (count - 1)),
        jnp.where(varied, skewness, 0),
        jnp.where(varied, kurtosis, 0),
    )


def _filters(height: int, width: int, dtype: jnp.dtype) -> tuple[Array, Array]:
    """Log-Gabor gains: radial ``[5, H, W]`` and angular ``[4, H, W]``.

    Frequencies run from -1 to 1. On an odd side the authors' shift leaves every
    frequency half a bin off; kept.
    """

    def axis(n: int) -> Array:
        return jnp.asarray(((np.arange(n) - n // 2) % n - n / 2) / (n / 2), dtype)

    x, y = axis(width)[None, :], axis(height)[:, None]
    square = x * x + y * y
    inside = jnp.ones_like(square).at[0, 0].set(0)
    log = 0.5 * jnp.log(jnp.where(inside > 0, square, 1))
    wavelengths = _WAVELENGTH * float(_RATIO) ** np.arange(len(_SCALE_WEIGHTS))
    spread = -1 / (2 * math.log(_BANDWIDTH) ** 2)
    radial = [
        inside * jnp.exp(spread * jnp.square(log - math.log(2 / w)))
        for w in wavelengths
    ]
    theta = jnp.arctan2(-y, x)
    angular = []
    for turn in np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS:
        off = jnp.abs(theta - float(turn))  # a NumPy number would make x64 wide
        off = jnp.minimum(off, 2 * np.pi - off)
        angular.append(jnp.exp(jnp.square(off) / (-2 * _SPREAD**2)))
    return jnp.stack(radial), jnp.stack(angular)

"""One scale of the complex steerable pyramid, straight from its few frequencies."""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


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

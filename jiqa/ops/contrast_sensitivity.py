"""Contrast sensitivity of the eye, on the frequency grids that metrics use.

All of it is NumPy: a grid depends on the image's size alone, and as a constant of the
compiled program it costs nothing, where computing it there took ten times as long as
the Fourier transform that it weights (1920x1080, CPU).
"""

from __future__ import annotations

import functools
import math

import numpy as np

#: Mannos and Sakrison's sensitivity: peak, offset, frequency scale and exponent.
_PEAK, _OFFSET, _SCALE, _EXPONENT = 2.6, 0.0192, 0.114, 1.1
#: Below its maximum the function is held there: low-pass instead of band-pass.
_TOP_FREQUENCY, _TOP = 7.8909, 0.9809
#: The eye sees diagonal gratings less well: the share of the radius that varies.
_OBLIQUE = 0.15


def mannos_sakrison(frequency: np.ndarray | float) -> np.ndarray:
    """2.6 (0.0192 + 0.114 f) exp(-(0.114 f)^1.1) at f cycles/degree."""
    scaled = _SCALE * np.asarray(frequency, float)
    return _PEAK * (_OFFSET + scaled) * np.exp(-(scaled**_EXPONENT))


def lowpass_sensitivity(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sensitivity at frequencies (x, y) in cycles/degree, as WSNR and MAD use it.

    Mannos and Sakrison's function at r / (0.85 + 0.15 cos 4 theta), where the divisor
    is 1 along the axes and 0.7 on the diagonals; 0.9809 below 7.8909 cycles/degree.
    """
    square = x * x + y * y
    # cos 4 theta = 1 - 8 (sin theta cos theta)^2: no angle, none at the origin.
    turn = 1 - 8 * np.square(x * y) / np.square(np.where(square > 0, square, 1))
    radius = np.sqrt(square) / (_OBLIQUE * turn + (1 - _OBLIQUE))
    return np.where(radius < _TOP_FREQUENCY, _TOP, mannos_sakrison(radius))


@functools.lru_cache(maxsize=8)
def sensitivity_grid(height: int, width: int, scale: float) -> np.ndarray:
    """``lowpass_sensitivity`` over a centred spectrum, ``[height, width]``, float64.

    The order is that after ``fftshift``. The authors' axes run from -n/2 + 1/2 to
    n/2 - 1/2, times ``scale`` (cycles/degree a bin, both axes alike: 120 / height in
    WSNR, 64 / width in MAD). An even side therefore has no bin at 0, and everything
    lies half a bin away from its true frequency; the metrics are defined so.
    """
    ix, iy = (np.floor(np.abs(_bins(n))).astype(int) for n in (width, height))
    return _quadrant(height, width, scale)[np.ix_(iy, ix)]


@functools.lru_cache(maxsize=8)
def power_weights(height: int, width: int, scale: float) -> np.ndarray:
    """Weights w with sum(w |rfft2(e)|^2) = sum(|S fft2(e)|^2) for real images e.

    S is ``sensitivity_grid``. Each bin of the half spectrum carries the squared
    sensitivities of the two bins that it stands for. ``[height, width // 2 + 1]``.
    """
    power = np.fft.ifftshift(np.square(sensitivity_grid(height, width, scale)))
    mirror = power[-np.arange(height) % height][:, -np.arange(width) % width]
    kept = np.arange(width // 2 + 1)
    alone = (kept == 0) | (2 * kept == width)
    return power[:, kept] + np.where(alone, 0, mirror[:, kept])


def _bins(length: int) -> np.ndarray:
    return np.arange(length) - (length - 1) / 2


def _quadrant(height: int, width: int, scale: float) -> np.ndarray:
    """The sensitivity where both frequencies are positive; the rest mirrors it."""
    x, y = (_bins(n)[n // 2 :] * scale for n in (width, height))
    return lowpass_sensitivity(x[None, :], y[:, None])


def noise_quality_threshold(frequency: np.ndarray | float) -> float:
    """Contrast above which NQM treats a grating of f cycles/degree as visible."""
    return float(1 / (200 * mannos_sakrison(frequency)))


def viewing_angle(heights: float) -> float:
    """Degrees that a picture fills from ``heights`` picture heights (small angles)."""
    return math.degrees(1 / heights)

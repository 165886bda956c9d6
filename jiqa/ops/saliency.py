"""Visual saliency: the maps that VSI and SR-SIM use as weights."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.colour import to_linear
from jiqa.ops.colour_constants import D50, TO_LAB, TO_XYZ
from jiqa.ops.extent import Extent
from jiqa.ops.filters import correlate, gaussian_taps
from jiqa.ops.numerics import least, most, product, safe_sqrt
from jiqa.ops.padded_resize import padded_imresize
from jiqa.ops.phase_congruency import log_gabor, polar_grid
from jiqa.ops.resize import imresize

#: SDSP: side of its working image; log-Gabor centre and spread (the spread itself,
#: where others take its logarithm); widths of the centre and of the colour prior.
_SIDE = 256
_CENTRE, _SPREAD = 0.021, 1.34
_CENTRE_WIDTH, _COLOUR_WIDTH = 145.0, 0.001

#: The white is D50 in SDSP, though that of sRGB is D65.
_TO_RATIOS = TO_XYZ / D50[:, None]
#: The rounded constants of older editions of CIELAB: the branches do not quite meet.
_EPSILON, _KAPPA = 0.008856, 903.3


def stretch(x: Array, peak: float = 1.0, extent: Extent | None = None) -> Array:
    """``(x - min) / (max - min)``, MATLAB's ``mat2gray``; a constant field gives 0.

    Args:
        x: field ``[H, W]``.
        peak: size of the numbers that made ``x``; a span of their rounding errors
            counts as constant.
        extent: what of the field is the image, where that is not all.
    """
    low, high = least(x, extent), most(x, extent)
    varies = high - low > 64 * float(jnp.finfo(x.dtype).eps) * peak
    return jnp.where(varies, (x - low) / jnp.where(varies, high - low, 1), 0)


def simple_priors(planes: Array, extent: Extent | None = None) -> Array:
    """SDSP saliency of RGB planes ``[3, H, W]`` in [0, 1]: ``[H, W]`` in [0, 1].

    Product of three priors on the image resized to 256 x 256: the energy of its Lab
    channels in a log-Gabor band, nearness to the centre, and warmth of colour (which
    differs from 1 only about the smallest a and b). Resized back and stretched.

    Zhang, Gu, Li: SDSP: a novel saliency detection method by combining simple priors.
    ICIP 2013. doi:10.1109/ICIP.2013.6738036
    """
    lab = _lab(_working_image(planes, extent))
    spectrum = jnp.fft.rfft2(lab)
    band = spectrum * jnp.asarray(_band(), spectrum.dtype)
    response = jnp.fft.irfft2(band, s=(_SIDE, _SIDE))
    energy = safe_sqrt((response * response).sum(0))
    warm = sum(jnp.square(stretch(lab[c], peak=100.0)) for c in (1, 2))
    colour = -jnp.expm1(-warm * _COLOUR_WIDTH**-2)
    centre = np.exp(-(((np.arange(1, _SIDE + 1) - _SIDE / 2) / _CENTRE_WIDTH) ** 2))
    near = jnp.asarray(centre, lab.dtype)
    salient = energy * near[:, None] * near * colour
    return stretch(_full_size(salient, planes.shape, extent), extent=extent)


def _working_image(planes: Array, extent: Extent | None) -> Array:
    if extent is None:
        return imresize(planes, size=(_SIDE, _SIDE), method="bilinear")
    return padded_imresize(planes, (_SIDE, _SIDE), "bilinear", source=extent)


def _full_size(salient: Array, shape: tuple[int, ...], extent: Extent | None) -> Array:
    if extent is None:
        return imresize(salient, size=(shape[-2], shape[-1]), method="bilinear")
    return padded_imresize(salient, (shape[-2], shape[-1]), "bilinear", target=extent)


@functools.cache
def _band() -> np.ndarray:
    radius, _ = polar_grid(_SIDE, _SIDE)
    band = log_gabor(radius, _CENTRE, _SPREAD) * (radius <= 0.5)
    return band[:, : _SIDE // 2 + 1]


def _lab(planes: Array) -> Array:
    """CIE Lab about D50 of sRGB planes ``[3, H, W]`` in [0, 1]."""
    # Two products with matrices: written out, the compiler would fuse all of it and
    # take every power several times over (measured: four times as slow).
    f = _lightness(_mix(_TO_RATIOS, to_linear(planes)))
    return _mix(TO_LAB, f) - jnp.asarray([16, 0, 0], f.dtype)[:, None, None]


def _mix(matrix: np.ndarray, planes: Array) -> Array:
    return product(matrix, planes.reshape(len(planes), -1)).reshape(planes.shape)


def _lightness(t: Array) -> Array:
    large = t > _EPSILON
    return jnp.where(
        large,
        jnp.where(large, t, 1) ** (1 / 3),
        (_KAPPA * t + 16) / 116,
    )


def spectral_residual(plane: Array) -> Array:
    """Saliency of one plane ``[H, W]`` by its spectrum's residual; about [0, 1].

    At a quarter of the size, the spectrum's log amplitude less its 3 x 3 mean; back in
    space its squared modulus, blurred by a 10 x 10 Gaussian, stretched and resized
    (bicubic, which can leave [0, 1] a little). A frequency that is missing has no log
    amplitude, so that the authors' result is NaN or decided by rounding: here what is
    at the level of rounding counts as missing, and its logarithm as that of the level.

    Hou, Zhang: Saliency detection: a spectral residual approach. CVPR 2007.
    doi:10.1109/CVPR.2007.383267, as SR_SIM.m has it.
    """
    small = imresize(plane, scale=0.25)
    spectrum = jnp.fft.fft2(small)
    power = jnp.square(spectrum.real) + jnp.square(spectrum.imag)
    limits = jnp.finfo(power.dtype)
    level = float(limits.eps) ** 2 * power.max(0).max() + float(limits.tiny)
    level = lax.stop_gradient(level)
    present = power > level
    log_amplitude = jnp.log(jnp.where(present, power, level)) / 2
    mean = correlate(log_amplitude, (1 / 3,) * 3, (1 / 3,) * 3, "replicate")
    # exp(log|F| - mean + i arg F) is F exp(-mean).
    gain = jnp.where(present, jnp.exp(-mean), 0)
    residual = jnp.fft.ifft2(spectrum * lax.complex(gain, jnp.zeros_like(gain)))
    found = jnp.square(residual.real) + jnp.square(residual.imag)
    taps = gaussian_taps(10, 3.8)
    height, width = plane.shape
    return imresize(stretch(correlate(found, taps, taps, "zero")), size=(height, width))

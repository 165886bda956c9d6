"""PSNR and SSIM of light of high dynamic range, which PU21 encodes for them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import PU21_LUMINANCE, weighted
from jiqa.ops.extent import Extent
from jiqa.ops.filters import gaussian_taps, pad
from jiqa.ops.luma import channels
from jiqa.ops.numerics import decibels, mean, most
from jiqa.ops.perceptually_uniform import PU21_FITS, pu21, pu21_distance
from jiqa.ops.structural_similarity import similarity_maps, stabilisers

#: The code of 100 cd/m2, which the authors take for the peak.
_PEAK = 256.0
#: The window of MATLAB's ``ssim``.
_SIZE, _SIGMA = 11, 1.5

_SHARED: Any = {
    "direction": "higher",
    "symmetric": True,
    "min_side": 1,
    "dynamic_range": "high",
    "citation": (
        "Mantiuk, Azimi: PU21: A novel perceptually uniform encoding for adapting "
        "existing quality metrics for HDR. Picture Coding Symposium, 2021. "
        "doi:10.1109/PCS50896.2021.9477471"
    ),
    "fidelity": "authors-code",
}


@full_reference(
    title="PSNR of PU21-encoded light",
    range=(float("-inf"), float("inf")),
    identity=float("inf"),
    colour="channels",
    fidelity_note=(
        "1e-10 relative (x64) of NumPy, on codes that the authors' code gives"
    ),
    **_SHARED,
)
def pu_psnr(
    reference: Array,
    distorted: Array,
    *,
    scale: float = 1.0,
    peak: float | None = None,
    colour: str = "rgb",
    encoding: str = "banding_glare",
    data_range: float = _PEAK,
    extent: Extent | None = None,
) -> Array:
    """PSNR of linear light that is encoded by PU21 (Mantiuk & Azimi 2021).

    10 log10(256^2 / mean squared difference of codes), as the authors' ``pu21_metric``
    has it. Light counts in cd/m2 as the display emits it, from .005 to 10000: a score
    of relative values, such as most files of high dynamic range hold, means nothing
    until ``scale`` or ``peak`` says what display they are shown on.

    Args:
        reference: linear light ``[..., H, W, C]``, 0 or more, no sRGB-encoded image.
        distorted: images of the same shape.
        scale: cd/m2 of a sample of 1; by default samples are in cd/m2.
        peak: in place of ``scale``, cd/m2 of the reference's largest sample, such as
            the peak of the display (4000 in the authors' example). Both images are
            then multiplied by the same number.
        colour: ``"rgb"`` for every sample alike, ``"luminance"`` for that of BT.709's
            primaries only (the authors' PSNRY).
        encoding: the fit: ``"banding_glare"``, which the authors advise; also
            ``"banding"``, ``"peaks"`` and ``"peaks_glare"``.
        data_range: the code that counts as the peak, by default that of 100 cd/m2.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better, infinity for identical images. What is as
        dark or bright as codes go, or beyond, has gradient 0.

    Raises:
        ValueError: unknown option value, a scale or peak that is not positive, or both.
    """
    one_of("encoding", encoding, *PU21_FITS)
    one_of("colour", colour, "rgb", "luminance")
    one, other = _absolute(reference, distorted, scale, peak, extent)
    if colour == "luminance":
        one, other = _luminance(one), _luminance(other)
        samples = extent
    else:
        samples = extent and Extent(extent.rows, extent.cols * one.shape[-1])
        one, other = (v.reshape(len(v), -1) for v in (one, other))
    error = mean(jnp.square(pu21_distance(one, other, encoding)), samples)
    none = error == 0
    return jnp.where(none, jnp.inf, decibels(data_range**2, error, ~none))


@full_reference(
    title="SSIM of PU21-encoded light",
    range=(-1.0, 1.0),
    identity=1.0,
    colour="rgb",
    fidelity_note=(
        "1e-9 (x64) of an independent version of MATLAB's ssim in NumPy, on codes that "
        "the authors' code gives"
    ),
    **_SHARED,
)
def pu_ssim(
    reference: Array,
    distorted: Array,
    *,
    scale: float = 1.0,
    peak: float | None = None,
    encoding: str = "banding_glare",
    extent: Extent | None = None,
) -> Array:
    """SSIM of luminance that is encoded by PU21 (Mantiuk & Azimi 2021).

    As in the authors' ``pu21_metric``: MATLAB's ``ssim`` with a dynamic range of 256,
    a Gaussian window of 11 pixels (sigma 1.5) around every pixel, beyond whose border
    the image's edge is repeated. Light counts in cd/m2 as the display emits it; see
    ``pu_psnr``.

    Args:
        reference: linear light ``[..., H, W, C]``, 0 or more, no sRGB-encoded image; a
            grey image is its own luminance.
        distorted: images of the same shape.
        scale: cd/m2 of a sample of 1; by default samples are in cd/m2.
        peak: in place of ``scale``, cd/m2 of the reference's largest sample, such as
            the peak of the display (4000 in the authors' example). Both images are
            then multiplied by the same number.
        encoding: the fit: ``"banding_glare"``, which the authors advise; also
            ``"banding"``, ``"peaks"`` and ``"peaks_glare"``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 for identical images.

    Raises:
        ValueError: unknown option value, a scale or peak that is not positive, or both.
    """
    one_of("encoding", encoding, *PU21_FITS)
    pair = _absolute(reference, distorted, scale, peak, extent)
    margin = _SIZE // 2, _SIZE // 2
    one, other = (
        pad(pu21(_luminance(v), encoding), margin, margin, "replicate", extent)
        for v in pair
    )
    taps = gaussian_taps(_SIZE, _SIGMA)
    luminance, contrast = similarity_maps(one, other, taps, *stabilisers(_PEAK))
    return mean(luminance * contrast, extent)


def _absolute(
    reference: Array,
    distorted: Array,
    scale: float,
    peak: float | None,
    extent: Extent | None,
) -> tuple[Array, Array]:
    """Both images in cd/m2."""
    for name, value in (("scale", scale), ("peak", peak)):
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(expected(name, "a positive number", repr(value)))
    if peak is None:
        return reference * scale, distorted * scale
    if scale != 1:
        raise ValueError(expected("scale", "1 beside a peak", repr(scale)))
    samples = extent and Extent(extent.rows, extent.cols * reference.shape[-1])
    largest = most(reference.reshape(len(reference), -1), samples)
    factor = peak / jnp.where(largest > 0, largest, 1)
    return reference * factor, distorted * factor


def _luminance(light: Array) -> Array:
    planes = channels(light)
    return planes[0] if len(planes) == 1 else weighted(PU21_LUMINANCE, planes)

"""VMAF of still images, and its features ADM and VIF by themselves."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.vmaf_adm import adm_sums
from jiqa.metrics.parts.vmaf_features import (
    luma_planes,
    ratio,
    still_features,
    with_motion,
)
from jiqa.metrics.parts.vmaf_model import predict
from jiqa.metrics.parts.vmaf_vif import vif_sums
from jiqa.ops.extent import Extent

_SHARED: dict[str, Any] = {
    "direction": "higher",
    "symmetric": False,
    "min_side": 17,
    "colour": "luma",
    "fidelity": "authors-code",
}


def _check(scale: int | None, gain_limit: float) -> None:
    one_of("scale", scale, None, 0, 1, 2, 3)
    if not gain_limit >= 1:
        raise ValueError(expected("gain_limit", "1 or more", repr(gain_limit)))


@full_reference(
    title="Video multi-method assessment fusion",
    range=(0.0, 100.0),
    identity=None,
    citation=(
        "Li, Aaron, Katsavounidis, Moorthy, Manohara: Toward a practical perceptual "
        "video quality metric. Netflix Technology Blog, 2016; models v0.6.1 of "
        "libvmaf, https://github.com/Netflix/vmaf"
    ),
    fidelity_note=(
        "0.011 of the authors' package (libvmaf, float path: features in float32 with "
        "an approximate logarithm) on 47 pairs; 1e-10 from its features (x64)"
    ),
    **_SHARED,
)
def vmaf(
    reference: Array,
    distorted: Array,
    *,
    model: str = "v0.6.1",
    transform: bool = False,
    clip: bool = True,
    luma: str = "bt709-limited",
    bits: int | None = None,
    extent: Extent | None = None,
) -> Array:
    """Video multi-method assessment fusion of a still image (VMAF 0.6.1, float path).

    A regression by support vectors, learned from the MOS of compressed video, on six
    features: the detail that is left (``adm``), the information that is left at
    four scales (``vmaf_vif``), and the motion of the reference, which hides errors.

    A still image does not move. The same errors in a video score higher, and a still
    that equals its reference scores 97.4, not 100. Frames of a video are scored with
    their motion by ``jiqa.metrics.vmaf_frames``.

    libvmaf takes luma in whole codes, which is not differentiable, and its default is
    another, fixed-point path: scores differ by up to 0.3 from this one.

    Args:
        reference: images ``[..., H, W, C]``, shorter side 17 or more.
        distorted: images of the same shape.
        model: ``"v0.6.1"``, learned at 1920x1080 seen from three times its height, as
            libvmaf's default was for years; ``"neg"``, the same without credit for
            enhanced contrast; ``"4k"`` for 3840x2160 seen from one and a half times its
            height, and ``"4k-neg"``.
        transform: ``True`` raises scores to those on a small screen ("phone model").
            ``False``, as libvmaf does unless it is asked.
        clip: whether scores are kept in [0, 100], as libvmaf does. There the gradient
            is 0: to train on strong distortions, leave the clipping out.
        luma: how luma is computed from RGB, which the metric's authors leave to the
            decoder: ``"bt709-limited"``, ITU-R BT.709 with head-room (16 to 235 of 8
            bits), as most video has it; ``"bt709-full"``, ``"bt601-limited"`` or
            ``"bt601-full"``.
        bits: 8, 10 or 12 rounds luma to codes of so many bits: what libvmaf gives on
            such files. The gradient passes through as if nothing was rounded. ``None``
            does not round, so that the score is smooth and images of more bits keep
            them; scores are commonly some hundredths away from those with 8.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 100], higher is better; beyond that without ``clip``. Two equal
        images score 97.4, and with ``"4k"`` 100.

    Raises:
        ValueError: unknown option value, a model without a transform, or an image of
            under 17 pixels.
    """
    features = still_features(
        reference, distorted, model=model, luma=luma, bits=bits, extent=extent
    )
    still = jnp.zeros((), features.dtype)
    return predict(with_motion(features, still), model, transform, clip)


@full_reference(
    title="Detail loss of the additive distortion measure",
    range=(0.0, float("inf")),
    identity=1.0,
    citation=(
        "Li, Zhang, Ma, Ngan: Image quality assessment by separately evaluating detail "
        "losses and additive impairments. IEEE TMM 13(5), 2011. "
        "doi:10.1109/TMM.2011.2152382; as in libvmaf, https://github.com/Netflix/vmaf"
    ),
    fidelity_note="6e-5 of the authors' package (libvmaf's float adm2) on 47 pairs",
    **_SHARED,
)
def adm(
    reference: Array,
    distorted: Array,
    *,
    scale: int | None = None,
    gain_limit: float = 100.0,
    luma: str = "bt709-limited",
    bits: int | None = None,
    extent: Extent | None = None,
) -> Array:
    """Detail that is left of the reference, VMAF's feature adm2 (Li et al. 2011).

    In four levels of a wavelet transform the distorted image is divided in what it
    kept of the reference (the same sign, no larger) and an additive impairment. What
    was kept is weighted by the contrast sensitivity of the eye and masked by the
    impairment around it; the score is its cubic norm over that of the reference, bands
    and levels added. The outer tenth of each side does not count.

    Where the bands of both images point the same way within a degree, contrast was
    changed, not structure, and may exceed the reference's.

    Args:
        reference: images ``[..., H, W, C]``, shorter side 17 or more.
        distorted: images of the same shape.
        scale: a level alone, 0 (finest) to 3; ``None`` for all, the feature of VMAF.
        gain_limit: how much larger contrast may be; libvmaf's 100 sets no limit in
            practice, 1 gives no credit for enhancement (NEG).
        luma: how luma is computed from RGB: ``"bt709-limited"`` or another, see
            ``vmaf``.
        bits: to how many bits luma is rounded; ``None``, not at all, has a smooth
            score. See ``vmaf``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` from 0, higher is better; 1 for identical images, flat and black ones
        included, and for any image beside a flat reference; above 1 where contrast was
        enhanced.

    Raises:
        ValueError: unknown option value, or an image of under 17 pixels.
    """
    _check(scale, gain_limit)
    planes = luma_planes(reference, distorted, luma, bits)
    return ratio(adm_sums(planes, gain_limit, extent), scale)


@full_reference(
    title="Visual information fidelity, pixel domain, as in VMAF",
    range=(0.0, float("inf")),
    identity=None,
    citation=(
        "Sheikh, Bovik: Image information and visual quality. IEEE TIP 15(2), 2006. "
        "doi:10.1109/TIP.2005.859378; as in libvmaf, https://github.com/Netflix/vmaf"
    ),
    fidelity_note="4e-5 of the authors' package (libvmaf's float VIF) on 47 pairs",
    **_SHARED,
)
def vmaf_vif(
    reference: Array,
    distorted: Array,
    *,
    scale: int | None = None,
    gain_limit: float = 100.0,
    luma: str = "bt709-limited",
    bits: int | None = None,
    extent: Extent | None = None,
) -> Array:
    """Visual information fidelity of one scale or of all four, as VMAF computes it.

    As ``vifp``, with three changes: windows reach over the border, which is mirrored;
    sums of the scales can be had one by one; and windows in which the variance v of the
    reference is less than the noise (2) hold one bit, of which 1 - 4 w / 255^2 is
    shared, with w the variance of the distorted image.

    Args:
        reference: images ``[..., H, W, C]``, shorter side 17 or more.
        distorted: images of the same shape.
        scale: 0 (full size) to 3 (an eighth), features of VMAF; ``None`` for all.
        gain_limit: the largest gain that counts; libvmaf's 100 sets no limit in
            practice, 1 gives no credit for enhanced contrast (NEG).
        luma: how luma is computed from RGB: ``"bt709-limited"`` or another, see
            ``vmaf``.
        bits: to how many bits luma is rounded; ``None``, not at all, has a smooth
            score. See ``vmaf``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` from 0, higher is better; two equal images score 1 to within 1e-4,
        flat and black ones 1. Above 1 where contrast was enhanced.

    Raises:
        ValueError: unknown option value, or an image of under 17 pixels.
    """
    _check(scale, gain_limit)
    planes = luma_planes(reference, distorted, luma, bits)
    return ratio(vif_sums(planes, gain_limit, extent), scale)

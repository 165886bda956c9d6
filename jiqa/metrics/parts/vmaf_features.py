"""The features of images that VMAF's models take."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.metrics.parts.vmaf_adm import adm_sums
from jiqa.metrics.parts.vmaf_model import MODELS, read_model
from jiqa.metrics.parts.vmaf_vif import vif_sums
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import quotient
from jiqa.ops.video_planes import FORMATS, video_planes

#: How luma is made of sRGB; chroma has no part in it.
_LUMA = tuple(f.removesuffix("-444") for f in FORMATS if f.endswith("-444"))


def luma_plane(image: Array, luma: str, bits: int | None) -> Array:
    """Luma of one image on the scale of 8 bits, less 128: as libvmaf's float path."""
    one_of("luma", luma, *_LUMA)
    yuv = f"{luma}-444"
    if bits is None:
        return video_planes(image, yuv, quantise=False).y - 128
    return video_planes(image, yuv, bits).y * 2.0 ** (8 - bits) - 128


def luma_planes(
    reference: Array, distorted: Array, luma: str, bits: int | None
) -> Array:
    """Luma of both images, ``[2, H, W]``."""
    return jnp.stack([luma_plane(i, luma, bits) for i in (reference, distorted)])


def ratio(sums: tuple[Array, Array], scale: int | None) -> Array:
    """What is left over what there was, at one scale or over all."""
    left, whole = sums
    if scale is None:
        return quotient(left.sum(), whole.sum())
    return quotient(left[scale], whole[scale])


def still_features(
    reference: Array,
    distorted: Array,
    *,
    model: str = "v0.6.1",
    luma: str = "bt709-limited",
    bits: int | None = None,
    extent: Extent | None = None,
) -> Array:
    """Five features of a pair ``[H, W, C]``: adm2, then VIF of four scales, ``[5]``.

    For the arguments see ``jiqa.metrics.vmaf``.
    """
    read_model(model)  # refuses an unknown one
    limit = MODELS[model][1]
    planes = luma_planes(reference, distorted, luma, bits)
    detail = ratio(adm_sums(planes, limit, extent), None)
    return jnp.concatenate([detail[None], quotient(*vif_sums(planes, limit, extent))])


def with_motion(features: Array, motion: Array) -> Array:
    """All six features ``[..., 6]`` in the order of the models."""
    return jnp.concatenate(
        [features[..., :1], motion[..., None], features[..., 1:]], axis=-1
    )

"""Metrics of sequences of frames, whose scores depend on the frames around."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import expected
from jiqa.core.batching import over_batch
from jiqa.core.images import (
    Image,
    as_image,
    check_min_side,
    check_process,
    check_range,
    check_same_shape,
    to_float,
)
from jiqa.metrics.parts.vmaf_features import luma_plane, still_features, with_motion
from jiqa.metrics.parts.vmaf_model import predict
from jiqa.ops.filters import correlate
from jiqa.ops.numerics import mean

__all__ = ["vmaf_frames", "vmaf_motion"]

#: VMAF's blur before frames are compared, one half and the centre.
_BLUR = (0.054488685, 0.244201342, 0.402619947, 0.244201342, 0.054488685)


def vmaf_frames(
    reference: Image,
    distorted: Image,
    *,
    model: str = "v0.6.1",
    transform: bool = False,
    clip: bool = True,
    luma: str = "bt709-limited",
    bits: int | None = None,
) -> Array:
    """VMAF of every frame of a sequence, motion included.

    Args:
        reference: frames ``[..., T, H, W, C]`` in the order of time.
        distorted: frames of the same shape.
        model: ``"v0.6.1"`` or another; this and what follows as for
            ``jiqa.metrics.vmaf``.
        transform: whether scores are raised to those on a small screen.
        clip: whether scores are kept in [0, 100].
        luma: how luma is computed from RGB: ``"bt709-limited"`` or another.
        bits: to how many bits luma is rounded.

    Returns:
        ``[..., T]``, higher is better. The first frame has no motion. libvmaf's score
        of a video is the mean.

    Raises:
        ValueError: unknown option value, shapes that differ, no axis of time, or frames
            of under 17 pixels.
    """
    images = (_frames(reference, "reference"), _frames(distorted, "distorted"))
    check_same_shape(*images)
    check_min_side(images[0].shape, 17, "vmaf_frames")
    options = {"model": model, "luma": luma, "bits": bits}
    return _vmaf(*images, transform=transform, clip=clip, **options)


def vmaf_motion(
    frames: Image, *, luma: str = "bt709-limited", bits: int | None = None
) -> Array:
    """VMAF's feature motion2: how much the luma of every frame changes.

    The mean absolute difference of blurred frames, from the frame before to this one
    or from this one to the next, whichever is less; of the last frame, from the one
    before.

    Args:
        frames: ``[..., T, H, W, C]`` in the order of time; VMAF's are the reference.
        luma: how luma is computed from RGB: ``"bt709-limited"`` or another, see
            ``jiqa.metrics.vmaf``.
        bits: to how many bits luma is rounded.

    Returns:
        ``[..., T]`` on the scale 0..255; 0 for the first frame.

    Raises:
        ValueError: unknown option value, no axis of time, or frames of under 3 pixels.
    """
    images = _frames(frames, "frames")
    check_min_side(images.shape, 3, "vmaf_motion")
    return _motion(images, luma=luma, bits=bits)


def _frames(x: Any, name: str) -> Any:
    check_process()
    images = as_image(x, name)
    if images.ndim < 4 or not images.shape[-4]:
        wanted = "frames [..., time, height, width, channels], at least one"
        raise ValueError(expected(name, wanted, f"shape {tuple(images.shape)}"))
    check_range(images, name)
    return images


@functools.partial(
    jax.jit, static_argnames=("model", "transform", "clip", "luma", "bits")
)
def _vmaf(
    reference: Any,
    distorted: Any,
    *,
    model: str,
    transform: bool,
    clip: bool,
    luma: str,
    bits: int | None,
) -> Array:
    one = functools.partial(still_features, model=model, luma=luma, bits=bits)
    features = over_batch(one, (reference, distorted), {})
    motion = _motion(reference, luma=luma, bits=bits).astype(features.dtype)
    return predict(with_motion(features, motion), model, transform, clip)


@functools.partial(jax.jit, static_argnames=("luma", "bits"))
def _motion(frames: Any, *, luma: str, bits: int | None) -> Array:
    lead = frames.shape[:-4]
    frames = jnp.asarray(frames).reshape(-1, *frames.shape[-4:])
    found = lax.map(functools.partial(_motion2, luma=luma, bits=bits), frames)
    return found.reshape(*lead, -1)


def _motion2(frames: Array, luma: str, bits: int | None) -> Array:
    def blurred(frame: Array) -> Array:
        plane = luma_plane(to_float(frame), luma, bits)
        return correlate(plane, _BLUR, _BLUR, "reflect")

    def step(before: Array, frame: Array) -> tuple[Array, Array]:
        now = blurred(frame)
        return now, mean(jnp.abs(now - before))

    first = blurred(frames[0])
    _, changes = lax.scan(step, first, frames[1:])
    still = jnp.zeros((1,), first.dtype)
    return jnp.minimum(
        jnp.concatenate([still, changes]),
        jnp.concatenate([changes, changes[-1:] if changes.size else still]),
    )

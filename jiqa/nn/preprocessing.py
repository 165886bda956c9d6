"""Preprocessing of images for trained networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
from jax import Array

#: Of ImageNet's training images, in [0, 1]; red, green, blue.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def colour(images: Array) -> Array:
    """``[..., H, W, 1 or 3]`` with three channels; grey counts as three equal ones."""
    if images.shape[-1] == 3:
        return images
    return jnp.broadcast_to(images, (*images.shape[:-1], 3))


@dataclass(frozen=True)
class Preprocessing:
    """From images in [0, 1] to the numbers that a network was trained on.

    Attributes:
        mean: subtracted, in the order of ``channels``.
        deviation: divided by.
        channels: order in which the network takes them.
        peak: value of white that ``mean`` and ``deviation`` refer to.
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_STD
    channels: Literal["rgb", "bgr"] = "rgb"
    peak: float = 1.0

    def __call__(self, images: Array) -> Array:
        """``(peak x - mean) / deviation`` of RGB or grey ``[..., H, W, C]``."""
        mean, deviation = (
            jnp.asarray(v, images.dtype) for v in (self.mean, self.deviation)
        )
        x = colour(images)
        if self.channels == "bgr":
            x = x[..., ::-1]
        if self.peak != 1:
            x = x * self.peak
        return (x - mean) / deviation


#: As torchvision's networks were trained: ImageNet's mean, in units of its deviation.
standardise = Preprocessing()
#: To [-1, 1], as networks trained in TensorFlow want it.
symmetric = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

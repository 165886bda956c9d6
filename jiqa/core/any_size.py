"""One program for images of many sizes: padded arrays, and what of them is the image.

XLA compiles a program for every shape. Images of different sizes share one if they lie
in arrays of one shape, a *bucket*, and their sizes are arguments (``Extent``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.core.batching import over_batch
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.ops.extent import Extent
from jiqa.ops.resize import automatic_factor

#: The smallest side in pixels of images that a program for any size takes: borders of
#: wide windows, mirrored, must fit into the image.
LEAST_SIDE = 32


class Bucket(NamedTuple):
    """The shape of padded arrays, and the factor of metrics that decimate."""

    rows: int
    cols: int
    factor: int = 1

    @property
    def area(self) -> int:
        """Pixels of the arrays."""
        return self.rows * self.cols

    def holds(self, height: int, width: int) -> bool:
        """Whether an image of this size lies in it and has its factor."""
        fits = height <= self.rows and width <= self.cols
        return fits and self.factor in (1, automatic_factor(height, width))


def padded(images: Sequence[np.ndarray], rows: int, cols: int) -> np.ndarray:
    """Images ``[H, W, C]`` of one type in the first rows and columns of arrays.

    Returns:
        ``[N, rows, cols, C]``, 0 (black) outside the images.
    """
    found = np.zeros((len(images), rows, cols, images[0].shape[-1]), images[0].dtype)
    for own, image in zip(found, images, strict=True):
        own[: image.shape[0], : image.shape[1]] = image
    return found


def extent_of(images: Sequence[np.ndarray], factor: int = 1) -> Extent:
    """The extent of padded images ``[H, W, C]``, arrays ``[N]``."""
    rows, cols = (np.array([x.shape[k] for x in images], np.int32) for k in (0, 1))
    return Extent(rows, cols, factor)


def scores(
    member: BoundMetric, params: Params, extent: Extent, *images: Array | np.ndarray
) -> Array:
    """Score padded images ``[N, H, W, C]``, reference first; to be traced in ``jit``.

    Args:
        member: a metric that is ``any_size``, with its options.
        params: parameters by set and key.
        extent: arrays ``[N]``.
        *images: padded images in [0, 1], or of integers.
    """
    sizes = Extent(jnp.asarray(extent.rows), jnp.asarray(extent.cols), extent.factor)
    return over_batch(member.score, images, {}, whole=(params,), extent=sizes)

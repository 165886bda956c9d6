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

from jiqa.checks import expected
from jiqa.core.batching import over_batch
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.images import Image, as_image
from jiqa.ops.extent import MIXED, Extent
from jiqa.ops.resize import automatic_factor

#: The smallest side in pixels of images that a program for any size takes: borders of
#: wide windows, mirrored, must fit into the image.
LEAST_SIDE = 32

#: Sides of buckets. 384, 640, 896 and so on are the last at which a metric that
#: decimates images does so by the same factor.
LADDER = (
    *(64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 896, 1024, 1152),
    *(1408, 1664, 1920, 2176, 2560, 3072, 3584, 4096),
)


class Bucket(NamedTuple):
    """The shape of padded arrays, and the factor of metrics that decimate.

    The factor is 1 where no metric decimates, and ``MIXED`` for images of several.
    """

    rows: int
    cols: int
    factor: int = 1

    @property
    def area(self) -> int:
        """Pixels of the arrays."""
        return self.rows * self.cols


def can_share(height: int, width: int) -> bool:
    """Whether images of a size can be padded: neither tiny nor beyond the ladder."""
    return min(height, width) >= LEAST_SIDE and max(height, width) <= LADDER[-1]


def smallest_bucket(height: int, width: int, *, decimates: bool) -> Bucket:
    """The smallest bucket that holds images of a size that ``can_share``.

    Args:
        height: rows of the image.
        width: columns.
        decimates: whether a metric divides images by a factor that follows from their
            size; images of a bucket then have the same one.
    """
    rows, cols = (next(s for s in LADDER if s >= n) for n in (height, width))
    return Bucket(rows, cols, automatic_factor(height, width) if decimates else 1)


def padded(images: Sequence[np.ndarray], rows: int, cols: int) -> np.ndarray:
    """Images ``[H, W, C]`` in the first rows and columns of arrays.

    Returns:
        ``[N, rows, cols, C]``, 0 (black) outside the images.
    """
    found = np.zeros((len(images), rows, cols, images[0].shape[-1]), images[0].dtype)
    for own, image in zip(found, images, strict=True):
        own[: image.shape[0], : image.shape[1]] = image
    return found


def pad(images: Sequence[Image]) -> tuple[np.ndarray, Extent]:
    """Images of different sizes in one array, and what of it each one is.

    For those who make batches themselves: the scores of such arrays come from
    ``jiqa.load(name, sizes="any").padded(extent, ...)``, a pure function.

    Args:
        images: arrays ``[H, W, C]`` of one type and as many channels, with sides of 32
            to 4096 pixels.

    Returns:
        ``[N, rows, cols, C]`` in which every image lies in the first rows and columns,
        with 0 (black) outside, and its extent of arrays ``[N]``. ``rows`` and ``cols``
        are of a fixed ladder, so that batches of few shapes come out.

    Raises:
        ValueError: no image, an invalid one, one that is too small or too large, or
            images whose types or channels differ.

    Example:
        >>> import jiqa, numpy as np
        >>> small, large = np.zeros((60, 40, 3)), np.ones((50, 70, 3))
        >>> arrays, extent = jiqa.pad([small, large])
        >>> arrays.shape, extent.rows.tolist(), extent.cols.tolist()
        ((2, 64, 96, 3), [60, 50], [40, 70])
    """
    arrays = [np.asarray(as_image(x, f"images[{k}]")) for k, x in enumerate(images)]
    if not arrays:
        raise ValueError(expected("images", "a sequence of images", "none"))
    for k, x in enumerate(arrays):
        if x.ndim != 3 or not can_share(*x.shape[:2]):
            wanted = f"one image with sides of {LEAST_SIDE} to {LADDER[-1]} pixels"
            raise ValueError(expected(f"images[{k}]", wanted, f"shape {x.shape}"))
        kinds = [(v.shape[-1], str(v.dtype)) for v in (arrays[0], x)]
        if kinds[0] != kinds[1]:
            wanted, got = (f"{n} channels of {dtype}" for n, dtype in kinds)
            raise ValueError(expected(f"images[{k}]", f"{wanted}, as the first", got))
    sizes = [x.shape[:2] for x in arrays]
    height, width = (max(s[k] for s in sizes) for k in (0, 1))
    rows, cols, _ = smallest_bucket(height, width, decimates=False)
    factors = {automatic_factor(*size) for size in sizes}
    factor = factors.pop() if len(factors) == 1 else MIXED
    return padded(arrays, rows, cols), extent_of(arrays, factor)


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

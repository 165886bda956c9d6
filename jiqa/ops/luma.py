"""The channels of an image as planes, and its luma as authors of metrics define it."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import one_of
from jiqa.ops import stencil
from jiqa.ops.colour_constants import BT601, BT601_MATLAB, weighted

# BT601_MATLAB in two parts: multiples of 2^-14, whose sum over whole grey levels
# float32 holds exactly, and the rest. In one part float32 rounds 168 of the 2^24
# colours to the wrong grey level.
_COARSE = tuple(round(c * 2**14) / 2**14 for c in BT601_MATLAB)
_FINE = tuple(c - a for c, a in zip(BT601_MATLAB, _COARSE, strict=True))


def channels(x: Array) -> tuple[Array, ...]:
    """Split ``[H, W, C]`` into C planes ``[H, W]``."""
    return tuple(stencil.apply(_Channel(c), x) for c in range(x.shape[-1]))


@dataclass(frozen=True)
class _Channel:
    """One channel of ``[..., H, W, C]``."""

    index: int

    def __call__(self, x: Array) -> Array:
        """Strided slices of the flattened rows.

        On the CPU they fuse with what follows, which indexing the last axis does not
        (measured: 2.4 against 7 ms a megapixel).
        """
        *lead, width, count = x.shape
        return x.reshape(*lead, width * count)[..., self.index :: count]

    def shape(self, shape: stencil.Shape) -> stencil.Shape:
        return shape[:-1]

    def adjoint(self, y: Array, shape: stencil.Shape) -> Array:
        """The plane in its channel, 0 in the others, by a product.

        Where slices are padded, the compiler asks at every sample where it lies, and
        computes the whole derivative in a branch for each channel, without vectors.
        """
        here = np.arange(shape[-1]) == self.index
        return y[..., None] * jnp.asarray(here, y.dtype)


def rgb(x: Array) -> tuple[Array, ...]:
    """The three planes of ``[H, W, C]``; a grey image gives its plane three times."""
    planes = channels(x)
    return planes if len(planes) == 3 else (planes[0],) * 3


def luma255(x: Array, luma: str = "bt601") -> Array:
    """Luma of one image ``[H, W, C]`` as ``[H, W]`` on the scale 0..255.

    Args:
        x: image in [0, 1]; a grey image is its own luma.
        luma: ``"bt601"``: 0.299 R + 0.587 G + 0.114 B, not rounded. ``"matlab"``:
            what ``rgb2gray`` returns for uint8, that is rounded half up to whole
            grey levels; a grey image is rounded too. The gradient passes through
            the rounding as if it were not there.
    """
    one_of("luma", luma, "bt601", "matlab")
    planes = [c * 255 for c in channels(x)]
    if len(planes) == 1:
        grey = planes[0]
    else:
        grey = weighted(BT601 if luma == "bt601" else BT601_MATLAB, planes)
    if luma == "matlab":
        whole = _matlab_level(jax.lax.stop_gradient(x))
        grey = grey + (whole - jax.lax.stop_gradient(grey))
    return grey


def _matlab_level(x: Array) -> Array:
    """``rgb2gray`` of uint8, to the grey level, for ``[H, W, C]`` in [0, 1]."""
    levels = [on_level(c * 255) for c in channels(x)]
    if len(levels) == 1:
        return jnp.floor(levels[0] + 0.5)
    coarse, fine = (weighted(row, levels) for row in (_COARSE, _FINE))
    whole = jnp.floor(coarse + 0.5)
    return whole + jnp.floor((coarse - whole) + fine + 0.5)


def on_level(x: Array) -> Array:
    """Samples on 0..255 whose distance from a whole level is rounding, on that level.

    An 8-bit value that was divided by 255 can come back an ulp off: XLA multiplies by
    the reciprocal, and folds neighbouring constant factors into one.
    """
    near = jnp.round(x)
    return jnp.where(jnp.abs(x - near) < 1e-4, near, x)

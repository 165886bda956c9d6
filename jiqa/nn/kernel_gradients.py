"""Convolutions whose kernels are being learned, as training on the CPU needs them.

XLA computes a kernel's gradient on the CPU as one convolution whose window is the whole
map, which takes it up to eight times as long as the convolution itself, and those of
depth-wise kernels sum by sum. Here both are products of matrices, block by block of the
maps. Where there are many channels, 3x3 kernels and their gradients use Winograd's
method (``jiqa.nn.winograd``), which needs fewer products.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.nn import winograd
from jiqa.nn.operations import Conv, wide
from jiqa.nn.windows import both, margins, shifted

#: Samples of the output that one product covers. Of 500, 1,000 and 2,000 this was the
#: fastest on VGG-16: what the windows see stays in the cache until it is used.
_SAMPLES = 1000

#: Channels in and out from which Winograd's way was faster than XLA's convolution, and
#: those from which (the fewer, the more) it was for the gradient of the kernel.
_MANY = 128
_FEW = 64
#: Samples of the output from which the kernel's own sums, made once a batch, pay.
_LARGE = 2000


@dataclass(frozen=True)
class LearnedConv(Conv):
    """The same convolution, whose kernel is being learned; differentiable in reverse.

    Forward mode is not defined: training has no use for it.
    """

    @classmethod
    def of(cls, conv: Conv) -> LearnedConv:
        """The learned version of a convolution."""
        return cls(**vars(conv))

    def linear(self, x: Array, kernel: Array) -> Array:
        """``x * kernel``."""
        if self.groups > 1 and not self.is_depthwise(x.shape[-1]):
            return self.plain(x, kernel)
        return _convolved(self, x, kernel)

    def plain(self, x: Array, kernel: Array) -> Array:
        """The same, as XLA differentiates it."""
        return super().linear(x, kernel)

    def suits_winograd(self, x: Array) -> bool:
        """Whether Winograd's method applies: 3x3, without stride, in full precision."""
        small = both(self.window) == (3, 3) and self.stride == self.groups == 1
        inside = max(max(m) for m in margins(self.padding)) <= 2
        samples = math.prod(self.size(n, axis) for axis, n in enumerate(x.shape[1:3]))
        large = x.shape[0] * samples >= _LARGE
        return small and inside and large and jnp.finfo(x.dtype).bits >= 32

    def prefers_winograd(self, x: Array) -> bool:
        """Whether that is also faster for ``x * kernel``, ``x`` being the input."""
        return self.suits_winograd(x) and min(x.shape[-1], self.features) >= _MANY

    def kernel_gradient(self, x: Array, slope: Array) -> Array:
        """What ``plain`` gives for its kernel, from matrices.

        Args:
            x: input ``[N, H, W, I]``.
            slope: gradient of the output ``[N, rows, columns, O]``.

        Returns:
            ``[h, w, I, O]``, or ``[h, w, 1, O]`` depth-wise, in the dtype to add many
            numbers in.
        """
        channels = sorted((x.shape[-1], self.features))
        if self.suits_winograd(x) and channels[0] >= _FEW and channels[1] >= _MANY:
            return winograd.kernel_gradient(x, slope, margins(self.padding))
        if self._is_pointwise():
            return _products([x], slope, wide(x.dtype))[None, None]
        product = _sums if self.is_depthwise(x.shape[-1]) else _products
        count, rows, columns, features = slope.shape
        height, width = both(self.window)
        x = jnp.pad(x, ((0, 0), *margins(self.padding), (0, 0)))
        images, lines = parts_of(count, rows, columns)
        bands, stride = rows // lines, self.stride
        seen = (images, (lines - 1) * stride + height, *x.shape[2:])

        def add(total: Array, part: Array) -> tuple[Array, None]:
            image, line = part // bands * images, part % bands * lines
            own = lax.dynamic_slice(x, (image, line * stride, 0, 0), seen)
            windows = shifted(own, (height, width), stride, (lines, columns))
            slopes = lax.dynamic_slice(
                slope, (image, line, 0, 0), (images, lines, columns, features)
            )
            return total + product(windows, slopes, total.dtype), None

        inputs = 1 if product is _sums else x.shape[-1]
        nothing = jnp.zeros((height * width * inputs, features), wide(x.dtype))
        total, _ = lax.scan(add, nothing, jnp.arange(count // images * bands))
        return total.reshape(height, width, inputs, features)


def _products(windows: Sequence[Array], slopes: Array, dtype: Any) -> Array:
    """Of every channel at every place of the window with every output, summed."""
    return lax.dot_general(
        _rows(jnp.concatenate(windows, -1)),
        _rows(slopes),
        (((0,), (0,)), ((), ())),
        precision=lax.Precision.HIGHEST,
        preferred_element_type=dtype,
    )


def _sums(windows: Sequence[Array], slopes: Array, dtype: Any) -> Array:
    """Of every place of the window with the output of its channel, summed."""
    slopes = slopes.astype(dtype)
    ones = jnp.ones((1, slopes.size // slopes.shape[-1]), dtype)
    sums = [
        # As a product: a sum over all but the last axis took up to twice the time.
        jnp.dot(
            ones, _rows(part.astype(dtype) * slopes), precision=lax.Precision.HIGHEST
        )
        for part in windows
    ]
    return jnp.concatenate(sums)


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def parts_of(count: int, rows: int, columns: int) -> tuple[int, int]:
    """Images and rows of the output in a block: rows of one image, or whole images."""
    lines = _divisor(rows, _SAMPLES / columns)
    images = _divisor(count, _SAMPLES / (rows * columns)) if lines == rows else 1
    return images, lines


def _divisor(n: int, wanted: float) -> int:
    """The divisor of ``n`` that is nearest in ratio."""
    found = [d for d in range(1, n + 1) if n % d == 0]
    return min(found, key=lambda d: abs(math.log(d / wanted)))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _convolved(conv: LearnedConv, x: Array, kernel: Array) -> Array:
    if not conv.prefers_winograd(x):
        return conv.plain(x, kernel)
    cpu = functools.partial(winograd.convolved, padding=margins(conv.padding))
    return lax.platform_dependent(x, kernel, cpu=cpu, default=conv.plain)


def _forward(conv: LearnedConv, x: Array, kernel: Array) -> tuple[Array, Any]:
    return _convolved(conv, x, kernel), (x, kernel)


def _backward(conv: LearnedConv, kept: Any, slope: Array) -> tuple[Array, Array]:
    x, kernel = kept
    if conv.is_depthwise(x.shape[-1]):
        # Else XLA makes the gradient anew for every one of the window's places.
        slope = lax.optimization_barrier(slope)

    def plain(x: Array, kernel: Array, slope: Array) -> tuple[Array, Array]:
        of_x, of_kernel = jax.vjp(conv.plain, x, kernel)[1](slope)
        return of_x, of_kernel

    def cpu(x: Array, kernel: Array, slope: Array) -> tuple[Array, Array]:
        if conv.prefers_winograd(x):
            of_x = winograd.input_gradient(slope, kernel, margins(conv.padding))
        else:
            (of_x,) = jax.vjp(lambda v: conv.plain(v, kernel), x)[1](slope)
        return of_x, conv.kernel_gradient(x, slope).astype(kernel.dtype)

    return lax.platform_dependent(x, kernel, slope, cpu=cpu, default=plain)


_convolved.defvjp(_forward, _backward)

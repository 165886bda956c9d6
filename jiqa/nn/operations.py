"""What the nodes of a network compute: operations as data, on maps ``[N, H, W, C]``.

Each is a frozen dataclass with what inference about a network needs (channels out,
samples out, shapes of its own parameters) and a call on arrays. Pooling has a file of
its own, ``jiqa.nn.pooling``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.nn.windows import Padding, both, margins, shifted
from jiqa.ops.extent import Extent, keep

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One input of any channels, without parameters, sample by sample."""

    def channels(self, *inputs: int) -> int:
        """Channels of the output, from those of the inputs."""
        return inputs[0]

    def parameters(self, *inputs: int) -> dict[str, tuple[int, ...]]:
        """Shapes of its parameters by their last name, from the inputs' channels."""
        return {}

    def size(self, n: int, axis: int) -> int:
        """Samples that ``n`` become along axis 0 (rows) or 1; none: 0 or less.

        While a program is traced ``n`` may be an array without dimensions.
        """
        return n

    def extent(self, extent: Extent) -> Extent:
        """What of the output belongs to the image, from what of the inputs does."""
        rows, cols = self.size(extent.rows, 0), self.size(extent.cols, 1)
        return Extent(rows, cols, extent.factor)

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The output where only ``extent`` of the maps belongs to the image.

        What lies outside is finite and arbitrary, in the inputs and in the output. An
        operation whose windows reach beyond the image puts its border there first.
        """
        return self(params, *inputs)

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """The output.

        Args:
            params: its own, by their last name.
            inputs: ``[N, H, W, C]`` or ``[N, C]``, all of one dtype, the output's.
        """
        raise NotImplementedError


def wide(dtype: Any) -> Any:
    """The dtype to add many numbers in: at least float32."""
    return jnp.float32 if jnp.finfo(dtype).bits < 32 else dtype


@dataclass(frozen=True)
class Conv(Operation):
    """Convolution, in groups if asked, with zeros around."""

    features: int
    window: int | tuple[int, int] = 3
    stride: int = 1
    padding: Padding = 1
    groups: int = 1
    bias: bool = True

    def channels(self, *inputs: int) -> int:
        """As many as there are kernels."""
        return self.features

    def parameters(self, *inputs: int) -> dict[str, tuple[int, ...]]:
        """Kernel ``[H, W, I / groups, O]`` and bias ``[O]``."""
        kernel = (*both(self.window), inputs[0] // self.groups, self.features)
        return {"kernel": kernel} | ({"bias": (self.features,)} if self.bias else {})

    def size(self, n: int, axis: int) -> int:
        """Windows inside the padded map."""
        padded = n + sum(margins(self.padding)[axis])
        return (padded - both(self.window)[axis]) // self.stride + 1

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``x * kernel + bias`` in the dtype of ``x``."""
        (x,) = inputs
        y = self.linear(x, jnp.asarray(params["kernel"]).astype(x.dtype))
        if self.bias:
            y = y + jnp.asarray(params["bias"]).astype(x.dtype)
        return y

    def within(self, extent: Extent, params: Params, *inputs: Array) -> Array:
        """The same, with zeros around the image."""
        if margins(self.padding) == margins(0):
            return self(params, *inputs)
        return self(params, keep(inputs[0], extent, axis=1))

    def linear(self, x: Array, kernel: Array) -> Array:
        """``x * kernel``."""
        if self.is_depthwise(x.shape[-1]):
            # XLA's depth-wise convolution is slow on the CPU alone.
            return lax.platform_dependent(
                x, kernel, cpu=self._shifted, default=self._conv
            )
        small = any(n < w for n, w in zip(x.shape[1:3], both(self.window), strict=True))
        if small and self.groups == 1:
            # Where a window is larger than the map XLA takes up to 200 times as long.
            return lax.platform_dependent(
                x, kernel, cpu=self._joined, default=self._conv
            )
        return self._conv(x, kernel)

    def is_depthwise(self, channels: int) -> bool:
        """Whether each of so many channels has one kernel of its own."""
        return 1 < self.groups == self.features == channels

    def _conv(self, x: Array, kernel: Array) -> Array:
        if self._is_pointwise():
            # The same product of matrices; faster as such on the CPU.
            return jnp.dot(x, kernel[0, 0], precision=lax.Precision.HIGHEST)
        return lax.conv_general_dilated(
            x,
            kernel,
            (self.stride, self.stride),
            margins(self.padding),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.groups,
            precision=lax.Precision.HIGHEST,
        )

    def _is_pointwise(self) -> bool:
        plain = self.stride == self.groups == 1 and both(self.window) == (1, 1)
        return plain and margins(self.padding) == margins(0)

    def _places(self, x: Array) -> list[Array]:
        """The samples at each position of the windows, ``[N, rows, columns, I]``."""
        size = self.size(x.shape[1], 0), self.size(x.shape[2], 1)
        x = jnp.pad(x, ((0, 0), *margins(self.padding), (0, 0)))
        return shifted(x, both(self.window), self.stride, size)

    def _joined(self, x: Array, kernel: Array) -> Array:
        """One product of all samples in the windows."""
        flat = kernel.reshape(-1, self.features)
        seen = jnp.concatenate(self._places(x), -1)
        return jnp.dot(seen, flat, precision=lax.Precision.HIGHEST)

    def _shifted(self, x: Array, kernel: Array) -> Array:
        """Depth-wise: the sum of shifted maps, each times its weights."""
        parts = self._places(x)
        kernel = kernel.astype(wide(x.dtype))
        weights = kernel.reshape(len(parts), -1)
        y = jnp.zeros((), kernel.dtype)
        for part, weight in zip(parts, weights, strict=True):
            y = y + part.astype(kernel.dtype) * weight
        return y.astype(x.dtype)


@dataclass(frozen=True)
class BatchNorm(Operation):
    """Batch normalisation with the statistics of training, channel by channel."""

    epsilon: float = 1e-5

    def parameters(self, *inputs: int) -> dict[str, tuple[int, ...]]:
        """Four numbers a channel."""
        return {k: (inputs[0],) for k in ("scale", "bias", "mean", "variance")}

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``(x - mean) / sqrt(variance + epsilon) scale + bias``, as a x + b."""
        (x,) = inputs
        dtype = wide(x.dtype)
        scale, bias, mean, variance = (
            jnp.asarray(params[k]).astype(dtype)
            for k in ("scale", "bias", "mean", "variance")
        )
        factor = scale * lax.rsqrt(variance + self.epsilon)
        y = x.astype(dtype) * factor + (bias - mean * factor)
        return y.astype(x.dtype)


@dataclass(frozen=True)
class Relu(Operation):
    """Rectifier; its gradient at 0 is 0."""

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``max(x, 0)``."""
        return jax.nn.relu(inputs[0])


@dataclass(frozen=True)
class Relu6(Operation):
    """Rectifier that ends at 6; its gradient at 0 and 6 is 0."""

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``min(max(x, 0), 6)``."""
        return jax.nn.relu6(inputs[0])


@dataclass(frozen=True)
class Softmax(Operation):
    """Exponentials of the channels, as shares of their sum."""

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``exp(x) / sum exp(x)``."""
        return jax.nn.softmax(inputs[0])


@dataclass(frozen=True)
class Concat(Operation):
    """Channels of all inputs, one after the other."""

    def channels(self, *inputs: int) -> int:
        """The sum of the inputs' channels."""
        return sum(inputs)

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """The inputs, joined along the channels."""
        return jnp.concatenate(inputs, axis=-1)


@dataclass(frozen=True)
class Add(Operation):
    """First input plus ``scale`` times the second."""

    scale: float = 1.0

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``x + scale y``."""
        x, y = inputs
        return x + (y if self.scale == 1 else self.scale * y)


@dataclass(frozen=True)
class Affine(Operation):
    """A constant factor and summand for each channel."""

    factor: tuple[float, ...]
    summand: tuple[float, ...]

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``factor x + summand``."""
        (x,) = inputs
        factor, summand = (
            jnp.asarray(v, wide(x.dtype)) for v in (self.factor, self.summand)
        )
        return (x.astype(factor.dtype) * factor + summand).astype(x.dtype)


@dataclass(frozen=True)
class Flatten(Operation):
    """A map of ``side`` x ``side`` samples as one vector: channel, row, column."""

    side: int

    def channels(self, *inputs: int) -> int:
        """All numbers of the map."""
        return inputs[0] * self.side**2

    def size(self, n: int, axis: int) -> int:
        """One vector."""
        return 1

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``[N, C side side]``."""
        (x,) = inputs
        return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


@dataclass(frozen=True)
class Dense(Operation):
    """Every output from every input, with bias."""

    features: int

    def channels(self, *inputs: int) -> int:
        """As many as asked for."""
        return self.features

    def parameters(self, *inputs: int) -> dict[str, tuple[int, ...]]:
        """Kernel ``[I, O]`` and bias ``[O]``."""
        return {"kernel": (inputs[0], self.features), "bias": (self.features,)}

    def __call__(self, params: Params, *inputs: Array) -> Array:
        """``x @ kernel + bias``."""
        (x,) = inputs
        kernel, bias = (
            jnp.asarray(params[k]).astype(x.dtype) for k in ("kernel", "bias")
        )
        return jnp.dot(x, kernel, precision=lax.Precision.HIGHEST) + bias

"""The CDF 9/7 wavelet as the MATLAB codes of Chandler and of Gaubatz use it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.filters import pad

_LOW_HALF = (
    0.85269867900889,
    0.37740285561283,
    -0.11062440441844,
    -0.02384946501956,
    0.03782845550726,
)
_HIGH_HALF = (
    -0.78848561640558,
    0.41809227322162,
    0.04068941760916,
    -0.06453888262870,
)

#: Analysis filters, symmetric: the low-pass sums to sqrt(2), the high-pass to 0.
CDF97_LOW = np.array([*_LOW_HALF[:0:-1], *_LOW_HALF])
CDF97_HIGH = np.array([*_HIGH_HALF[:0:-1], *_HIGH_HALF])


def dwt(x: Array, levels: int) -> tuple[Array, list[tuple[Array, Array, Array]]]:
    """Separable CDF 9/7 transform of ``[..., H, W]``.

    Borders mirror about the edge pixel. The low-pass keeps samples 0, 2, 4 ..., the
    high-pass 1, 3, 5 ...; each level raises the mean by a factor of 2.

    Returns:
        The low-pass residual, and for every level, finest first, the bands that are
        high-pass along rows (low-high), along columns (high-low) and both.
    """
    details = []
    for _ in range(levels):
        low, high = (lax.optimization_barrier(b) for b in split(x, -1))
        x, high_low = split(low, -2)
        low_high, high_high = split(high, -2)
        x = lax.optimization_barrier(x)
        details.append((low_high, high_low, high_high))
    return x, details


def split(x: Array, axis: int) -> tuple[Array, Array]:
    """Low-pass and high-pass half of ``x`` along one of the last two axes."""
    width = (0, len(CDF97_LOW) // 2) if axis == -1 else (len(CDF97_LOW) // 2, 0)
    length = x.shape[axis]
    x = pad(x, width, width, "reflect")
    phases = [_every_second(x, start, axis) for start in (0, 1)]
    # Padding is even, so low-pass output i is centred on padded sample 2 i + 4.
    low = _filter(phases, CDF97_LOW, 0, (length + 1) // 2, axis)
    high = _filter(phases, CDF97_HIGH, 2, length // 2, axis)
    return low, high


def _every_second(x: Array, start: int, axis: int) -> Array:
    return x[..., start::2] if axis == -1 else x[..., start::2, :]


def _filter(
    phases: list[Array], taps: np.ndarray, first: int, count: int, axis: int
) -> Array:
    """Sum over t of taps[t] x[2 i + first + t], from the two phases of x."""
    out = jnp.zeros((), phases[0].dtype)
    for t, tap in enumerate(taps):
        shift, phase = divmod(first + t, 2)
        cut = lax.slice_in_dim(phases[phase], shift, shift + count, axis=axis)
        out = out + float(tap) * cut
    return out

"""ADM as VMAF computes it: the detail that is left in the wavelet domain."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from jiqa.ops.extent import Extent
from jiqa.ops.filters import box_sum, pad, strided_sum
from jiqa.ops.numerics import safe_power
from jiqa.ops.once import once

#: Daubechies' wavelet of two vanishing moments, to the authors' digits.
_LOW = (0.482962913144690, 0.836516303737469, 0.224143868041857, -0.129409522550921)
_HIGH = (-0.129409522550921, -0.224143868041857, 0.836516303737469, -0.482962913144690)
_LEVELS = 4
#: Squared cosine of one degree, within which a change of contrast is no impairment.
_NEARLY_PARALLEL = math.cos(math.pi / 180) ** 2

#: Watson et al. (1997), "Visibility of wavelet quantization noise", for luma: a, k, f0
#: of equation 7 with g of horizontal or vertical and of diagonal bands, and the
#: amplitudes of their basis functions (table V), finest level first.
_A, _K, _F0, _G = 0.495, 0.466, 0.401, (1.0, 0.534)
_AMPLITUDES = (
    (0.67234, 0.72709),
    (0.41317, 0.49428),
    (0.22727, 0.28688),
    (0.11792, 0.15214),
)
#: Pixels per degree at three times the height of a screen of 1080 rows.
_RESOLUTION = 3 * 1080 * math.pi / 180


def adm_sums(
    planes: Array, gain_limit: float, extent: Extent | None = None
) -> tuple[Array, Array]:
    """Contrast that is left and contrast of the reference, of every level.

    Args:
        planes: luma of the reference and of the distorted image, ``[2, H, W]``.
        gain_limit: by how much enhanced contrast may exceed the reference's.
        extent: what of the planes is the image.

    Returns:
        The sums over the three bands of what is visible of the restored image, and of
        the reference, ``[4]`` each, finest level first.
    """
    left, whole = [], []
    for level in range(_LEVELS):
        planes, bands = _transformed(planes, _weights(level), extent)
        extent = extent and extent.over(2)
        visible, held = _contrast(bands, gain_limit, extent)
        left.append(visible)
        whole.append(held)
    return jnp.stack(left), jnp.stack(whole)


def _weights(level: int) -> tuple[float, float]:
    """Sensitivity to horizontal or vertical and to diagonal bands: 1 / threshold."""
    found = []
    for g, amplitude in zip(_G, _AMPLITUDES[level], strict=True):
        octaves = math.log10(2 ** (level + 1) * _F0 * g / _RESOLUTION)
        found.append(amplitude / (2 * _A * 10 ** (_K * octaves * octaves)))
    return found[0], found[1]


def _transformed(
    planes: Array, weights: tuple[float, float], extent: Extent | None
) -> tuple[Array, Array]:
    """One level: the low-pass ``[2, h, w]``, and the weighted bands ``[3, 2, h, w]``.

    The bands are high-pass along columns, along rows and both.
    """
    low, high = map(once, _split(planes, -2, extent))
    extent = extent and Extent(extent.over(2).rows, extent.cols, extent.factor)
    rest, vertical = _split(low, -1, extent)
    horizontal, diagonal = _split(high, -1, extent)
    straight, oblique = weights
    bands = [straight * horizontal, straight * vertical, oblique * diagonal]
    return once(rest), jnp.stack(bands)


def _split(x: Array, axis: int, extent: Extent | None) -> tuple[Array, Array]:
    """Low-pass and high-pass half along one axis: of samples 2 i - 1 ... 2 i + 2.

    The field is mirrored about its first sample, and with its last one repeated.
    """
    rows = axis == -2
    after = 2 if extent is not None or x.shape[axis] % 2 else 1
    x = pad(x, (0, 0), (after, 0) if rows else (0, after), "symmetric", extent)
    x = pad(x, (1, 0) if rows else (0, 1), (0, 0), "reflect", extent)
    return strided_sum(x, _LOW, axis, 2), strided_sum(x, _HIGH, axis, 2)


def _contrast(
    bands: Array, gain_limit: float, extent: Extent | None
) -> tuple[Array, Array]:
    """What is visible of the restored image, and of the reference, in the middle.

    The outer tenth on every side does not count.
    """
    if extent is None:
        margins = [_margin(n) for n in bands.shape[-2:]]
        # Masking looks one sample further.
        sizes = zip(margins, bands.shape[-2:], strict=True)
        rows, cols = (slice(max(m - 1, 0), n - max(m - 1, 0)) for m, n in sizes)
        bands = bands[..., rows, cols]
    else:
        margins = [0, 0]
    reference, distorted = bands[:, 0], bands[:, 1]
    restored = once(_restored(reference, distorted, gain_limit))
    impairment = jnp.abs(distorted - restored).sum(0)
    edge = (int(not margins[0]), int(not margins[1]))
    around = pad(impairment, (0, 0), edge, "symmetric", extent)
    around = pad(around, edge, (0, 0), "reflect", extent)
    rows, cols = (slice(int(m > 0), -1 if m else None) for m in margins)
    restored, reference, impairment = (
        x[..., rows, cols] for x in (restored, reference, impairment)
    )
    threshold = (box_sum(around, 3) + impairment) * (1 / 30)
    visible = jnp.maximum(jnp.abs(restored) - threshold, 0)
    return _pooled(visible, extent), _pooled(jnp.abs(reference), extent)


def _margin(size: int) -> int:
    """A tenth of the samples less a half, rounded down."""
    return max((size - 5) // 10, 0)


def _restored(reference: Array, distorted: Array, gain_limit: float) -> Array:
    """Of the distorted bands, what has the sign of the reference and is no larger.

    Where both point the same way within a degree, up to ``gain_limit`` as large.
    """
    bound = reference
    if gain_limit > 1:
        (h, v, _), (p, q, _) = reference, distorted
        product = h * p + v * q
        lengths = (h * h + v * v) * (p * p + q * q)
        parallel = (product >= 0) & (product * product >= _NEARLY_PARALLEL * lengths)
        bound = jnp.where(parallel, gain_limit * reference, reference)
    low, high = jnp.minimum(bound, 0), jnp.maximum(bound, 0)
    return jnp.clip(distorted, low, high)


def _pooled(bands: Array, extent: Extent | None) -> Array:
    """Cubic norms of three bands ``[3, h, w]``, with the noise floor, added."""
    cubes = bands * bands * bands
    if extent is None:
        area = bands.shape[-2] * bands.shape[-1]
    else:
        margins = extent.map(lambda n: jnp.maximum((n - 5) // 10, 0))
        row = jnp.arange(bands.shape[-2], dtype=jnp.int32)[:, None]
        col = jnp.arange(bands.shape[-1], dtype=jnp.int32)
        seen = (row >= margins.rows) & (row < extent.rows - margins.rows)
        seen &= (col >= margins.cols) & (col < extent.cols - margins.cols)
        cubes = jnp.where(seen, cubes, 0)
        inner = Extent(extent.rows - 2 * margins.rows, extent.cols - 2 * margins.cols)
        area = inner.count(bands.dtype)
    norms = safe_power(cubes.sum(-2).sum(-1), 1 / 3)
    return norms.sum() + 3 * (area / 32) ** (1 / 3)

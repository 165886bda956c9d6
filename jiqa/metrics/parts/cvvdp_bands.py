"""The bands of ColorVideoVDP: contrasts of a pyramid, and what of them is seen.

Sides of up to ``_DENSE`` samples are filtered by matrices, which run about as fast as
sums of shifted copies and compile in a quarter of the time. The arithmetic on single
samples is written once for all but the largest levels, whose samples lie one after the
other: it is compiled once.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.metrics.parts.cvvdp_sensitivity import curves, sensitivity
from jiqa.ops.burt_pyramid import expand_axis, expansion, reduce_axis, reduction
from jiqa.ops.colour_constants import all_weighted
from jiqa.ops.filters import gaussian_taps, shifted_sum
from jiqa.ops.numerics import added, product

_DENSE = 480

#: Luminance of a background in cd/m^2 is no less, and a contrast no more.
_FLOOR, _CONTRAST = 0.01, 1000.0

# cvvdp_parameters.json of version 0.5.7 ("mult-mutual"), of the channels Y, rg, yv: the
# gains, what is masked, by which power of what, blurred by which window, how strongly
# each channel (row) masks each (column), and the largest difference.
_GAIN = (1.0, 1.45, 1.0)
_EXPONENT = 2.264355182647705
_MASK_SCALE = 10**-0.7954971194267273
_MASK_EXPONENTS = (1.302622675895691, 2.8885908126831055, 3.6807713508605957)
_MASK_TAPS = gaussian_taps(13, 3.0)
_MASK_WEIGHTS = 2.0 ** np.array(
    [
        [-0.18950104713439941, -5.962151050567627, -4.31834602355957],
        [2.5655593872070312, 0.34406712651252747, -2.719646453857422],
        [3.8118371963500977, -1.0051705837249756, -0.5193376541137695],
    ]
)
_LARGEST = 10**2.5642454624176025

#: Every power is (v + this)^p - this^p, which has a slope at 0.
OFFSET = 1e-5

Size = tuple[int, int]


def band_frequencies(density: float, side: int) -> list[float]:
    """Centres in cycles per degree of an image's bands, finest first, base band last.

    Args:
        density: pixels per degree.
        side: the image's shorter one, in pixels.
    """
    found = [density / 2]
    while found[-1] > 0.2:
        found.append(0.3228 * density / 2 ** len(found))
    return [*found[: side.bit_length() - 2], 0.1]


def visible_differences(planes: Array, density: float) -> list[Array]:
    """The differences that are seen in each band, ``[3, H, W]``, finest first.

    Args:
        planes: Y, rg and yv of reference and distorted, ``[2, 3, H, W]``, in cd/m^2.
        density: pixels per degree.
    """
    *frequencies, base = band_frequencies(density, min(planes.shape[2:]))
    levels: list[tuple[Array, Array]] = []
    for _ in frequencies:
        low, blurred = _level(planes)
        levels.append((planes, blurred))
        planes = low
    # All bands but the first count twice.
    gains = [np.log10(_GAIN) + np.log10(2) * (k > 0) for k in range(len(levels))]
    found = np.array(
        [curves(f) + gain[:, None] for f, gain in zip(frequencies, gains, strict=True)]
    )
    large = sum(max(x.shape[2:]) > _DENSE for x, _ in levels)
    differences: list[Array] = []
    for k in range(large):
        differences += _seen(levels[k : k + 1], found[k : k + 1])
    if levels[large:]:
        differences += _seen(levels[large:], found[large:])
    return [*differences, _seen_base(planes, curves(base))]


def _power(x: Array, exponent: float | Sequence[float]) -> Array:
    """(x + 1e-5)^p - 1e-5^p of ``[3, ...]``, 0 or more; one power, or each its own."""
    exponents = np.reshape(exponent, (-1, *(1,) * (x.ndim - 1)))
    raised = jnp.exp(jnp.asarray(exponents, x.dtype) * jnp.log(x + OFFSET))
    return raised - jnp.asarray(OFFSET**exponents, x.dtype)


def _level(planes: Array) -> tuple[Array, Array]:
    """The next level, and it at this one's size."""
    height, width = planes.shape[2:]
    # The authors' program takes the parity of the rows for both.
    odd = height % 2 == 1
    low = planes
    for axis, size in ((2, height), (3, width)):
        if size <= _DENSE:
            low = _along(reduction(size, odd=odd), low, axis)
        else:
            low = reduce_axis(low, axis, odd=odd)
    blurred = low
    for axis, size in ((2, height), (3, width)):
        if size <= _DENSE:
            blurred = _along(expansion(size), blurred, axis)
        else:
            blurred = expand_axis(blurred, axis, size)
    return low, blurred


def _seen(levels: Sequence[tuple[Array, Array]], curve: np.ndarray) -> list[Array]:
    """Differences of the bands of some levels after masking."""
    sizes: list[Size] = [(x.shape[2], x.shape[3]) for x, _ in levels]
    planes, blurred = (_flat(v) for v in zip(*levels, strict=True))
    light = jnp.maximum(blurred[:, :1], _FLOOR)
    contrast = jnp.minimum((planes - blurred) / light, _CONTRAST)
    x, y = contrast * sensitivity(light[0, 0], curve, _band_of(sizes))
    mutual = jnp.minimum(jnp.abs(x), jnp.abs(y))
    mutual = _flat([_blur(v) for v in _split(mutual, sizes)])
    mutual = _power(mutual * _MASK_SCALE, _MASK_EXPONENTS)
    mask = jnp.stack(all_weighted(_MASK_WEIGHTS.T, list(mutual)))
    difference = _power(jnp.abs(x - y), _EXPONENT) / (1 + mask)
    return _split(_LARGEST * difference / (_LARGEST + difference), sizes)


def _seen_base(planes: Array, curve: np.ndarray) -> Array:
    """Differences of the coarsest level; its background is the mean."""
    light = jnp.maximum(planes[:, 0], _FLOOR).mean((1, 2))
    x, y = planes / light[:, None, None, None]
    return jnp.abs(x - y) * sensitivity(light[0], curve[None])[:, None, None]


def _blur(x: Array) -> Array:
    """Blur ``[3, H, W]`` to the phases that the eye does not tell apart.

    Images that the window does not fit into stay as they are.
    """
    reach = len(_MASK_TAPS) // 2
    if min(x.shape[1:]) <= reach:
        return x
    for axis in (1, 2):
        if x.shape[axis] <= _DENSE:
            x = _along(_blurring(x.shape[axis]), x, axis)
        else:
            widths = [(0, 0), (0, 0), (0, 0)]
            widths[axis] = (reach, reach)
            x = shifted_sum(jnp.pad(x, widths, mode="reflect"), _MASK_TAPS, axis)
    return x


def _blurring(size: int) -> np.ndarray:
    """The blur of ``size`` samples as a matrix; borders mirror, the edge once."""
    reach = len(_MASK_TAPS) // 2
    sources = np.pad(np.eye(size), ((reach, reach), (0, 0)), mode="reflect")
    return np.sum([t * sources[i : i + size] for i, t in enumerate(_MASK_TAPS)], 0)


def _along(matrix: np.ndarray, x: Array, axis: int) -> Array:
    """Product with the samples along one of the last two axes."""
    lead, (height, width) = x.shape[:-2], x.shape[-2:]
    if axis == x.ndim - 1:
        return product(x.reshape(-1, width), matrix.T).reshape(*lead, height, -1)
    planes = x.reshape(-1, height, width)
    # As a batch: what comes out then needs no transposition.
    each = jnp.broadcast_to(jnp.asarray(matrix, x.dtype), (len(planes), *matrix.shape))
    return product(each, planes).reshape(*lead, -1, width)


def _flat(fields: Sequence[Array]) -> Array:
    """Fields ``[..., H, W]`` of several sizes one after the other, ``[..., N]``."""
    parts = [f.reshape(*f.shape[:-2], -1) for f in fields]
    return jnp.concatenate(parts, -1) if len(parts) > 1 else parts[0]


def _band_of(sizes: Sequence[Size]) -> Array | int:
    """Which of the fields each sample of ``_flat`` is from."""
    *starts, count = np.cumsum([h * w for h, w in sizes]).tolist()
    place = jnp.arange(count, dtype=jnp.int32)
    later = [(place >= start).astype(jnp.int32) for start in starts]
    return added(later) if later else 0


def _split(x: Array, sizes: Sequence[Size]) -> list[Array]:
    """The inverse of ``_flat``."""
    starts = np.cumsum([0, *(h * w for h, w in sizes)])
    return [
        x[..., start : start + h * w].reshape(*x.shape[:-1], h, w)
        for start, (h, w) in zip(starts[:-1], sizes, strict=True)
    ]

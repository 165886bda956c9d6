"""How visible the differences of Butteraugli's bands are, sample by sample.

The constants are those of ``lib/jxl/butteraugli/butteraugli.cc`` of libjxl
(BSD-3-Clause).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.metrics.parts.butteraugli_bands import Bands, activity
from jiqa.ops.extent import Extent, keep
from jiqa.ops.filters import by_plane
from jiqa.ops.lines import Lines, line_energy, lines
from jiqa.ops.numerics import added, safe_sqrt

#: Lines of 5 samples in 9, for the lower bands, and of 7 or 9 for the highest one.
_SPARSE = lines(
    "0,2 0,4 | 2,0 4,0 | 2,2 3,3 | 2,-2 3,-3 | 2,-1 4,-1 | 2,1 4,1 | 1,2 1,4"
    "| -1,2 -1,4 | 2,1 3,2 | 2,-1 3,-2 | 1,2 2,3 | -1,2 -2,3 | -1,2 -2,4 | 1,2 2,4"
    "| 2,1 4,2 | 2,-1 4,-2"
)
_DENSE = lines(
    "0,1 0,2 0,3 0,4 | 1,0 2,0 3,0 4,0 | 1,1 2,2 3,3 | 1,-1 2,-2 3,-3"
    "| 1,1 2,1 3,2 | 1,-1 2,-1 3,-2 | 1,1 1,2 2,3 | -1,1 -1,2 -2,3"
) + lines(
    "1,0 2,-1 3,-1 4,-1 | 1,0 2,1 3,1 4,1 | 0,1 1,2 1,3 1,4 | 0,1 -1,2 -1,3 -1,4",
    count=2,
)


class _Weighting(NamedTuple):
    """How differences along lines count, for each plane.

    Attributes:
        weights: of a difference.
        levels: the size of a sample at which its differences count half.
        scale: of the kind of lines.
        power: of the asymmetry by which the weights grow.
    """

    weights: Sequence[float]
    levels: Sequence[float]
    scale: float
    power: Sequence[float]


# X, then Y.
_HIGHEST = _Weighting(
    (173.5, 1.10039032555), (5.0, 71.7800275169), 0.39905817637, (1, 1)
)
# X and Y of the band ``high``, X and Y of ``middle``.
_LOWER = _Weighting(
    (6923.99476109, 18.7237414387, 8246.75321353, 37.0819870399),
    (8051.15833247, 4498534.45232, 1009002.70582, 130262059.556),
    0.611612573796,
    (0.5, 0.5, 0, 0),
)
#: Weights of squared differences, X, Y and B.
_OF_HIGH = (400.0, 1.50815703118)
_OF_MIDDLE = (2150.0, 10.6195433239, 16.2176043152)
_OF_LOW = (29.2353797994, 0.844626970982, 0.703646627719)
_OF_ACTIVITY = 10.0
#: Luminance is taken from blue before low frequencies are compared.
_Y_IN_B = 0.362267051518
#: log 80 / log 255, about.
_TARGET = 0.79079917404


class Constants(NamedTuple):
    """What differs between releases of libjxl.

    Attributes:
        low: factors of X, Y and B at low frequencies.
        threshold: the difference that a distance of 1 stands for.
        asymmetry: weight of what is lost or blurred against what is added.
    """

    low: tuple[float, float, float]
    threshold: float
    asymmetry: float


def visible(
    seen: Bands, constants: Constants, asymmetry: float, extent: Extent | None
) -> Array:
    """The distance at each sample ``[H, W]``, of the bands of reference and distorted.

    The root of the squared differences of all bands after masking by the activity of
    the reference, low frequencies being masked apart.
    """
    low, middle, high, highest = seen
    x, y, b = low[:, 0] - low[:, 1]
    smooth = _weighted(
        _OF_LOW,
        [f * v for f, v in zip(constants.low, (x, y, b - _Y_IN_B * y), strict=True)],
    )
    lower = jnp.concatenate([high, middle[:2]])
    busy = activity(seen, extent)
    detail = (
        _along_lines(highest, _DENSE, _HIGHEST, asymmetry, extent)
        + _along_lines(lower, _SPARSE, _LOWER, asymmetry, extent)
        + _weighted(_OF_MIDDLE, list(middle[:, 0] - middle[:, 1]))
        + 0.8 * asymmetry * _weighted(_OF_HIGH, list(high[:, 0] - high[:, 1]))
        + 0.8 / asymmetry * _weighted(_OF_HIGH, list(_amiss(high, 0.4, 1.0)))
        + _OF_ACTIVITY * jnp.square(busy[0] - busy[1])
    )
    hidden = _least(busy[0], extent)
    unit = 1 / (constants.threshold * _TARGET)
    of_detail = unit + unit * 2.5485944793 / (0.451936922203 * hidden + 0.829591754942)
    of_smooth = unit + unit * 0.505054525019 / (3.87449418804 * hidden + 0.20025578522)
    return safe_sqrt(jnp.square(of_smooth) * smooth + jnp.square(of_detail) * detail)


def _weighted(weights: Sequence[float], planes: Sequence[Array]) -> Array:
    return added(w * jnp.square(p) for w, p in zip(weights, planes, strict=True))


def _along_lines(
    pair: Array,
    kind: Lines,
    weighting: _Weighting,
    asymmetry: float,
    extent: Extent | None,
) -> Array:
    """Differences that continue along a line, summed over the planes ``[P, 2, H, W]``.

    A reference is missed where the distorted sample is under .55 of it, and exceeded
    over 1.05 of it; both count in addition to the difference.
    """
    levels = np.array(weighting.levels)
    gain = asymmetry ** np.array(weighting.power)
    size = weighting.scale / 8.5 * levels * np.sqrt(weighting.weights)

    def each(values: np.ndarray) -> Array:
        return jnp.asarray(values, pair.dtype)[:, None, None]

    reference, distorted = pair[:, 0], pair[:, 1]
    level = each(levels) + (jnp.abs(reference) + jnp.abs(distorted)) / 2
    change = each(size * np.sqrt(0.5 * gain)) * (reference - distorted)
    change = change + each(size * np.sqrt(0.33 / gain)) * _amiss(pair, 0.55, 1.05)
    energy = jax.checkpoint(lambda plane: line_energy(keep(plane, extent), kind))
    return by_plane(energy, change / level).sum(0)


def _amiss(pair: Array, least: float, most: float) -> Array:
    """By how much a sample is closer to 0 than ``least`` times the reference.

    Or minus the amount by which it is beyond ``most`` times. The sign is that of the
    reference, so that both ways have the sign of reference - distorted.
    """
    reference, distorted = pair[:, 0], pair[:, 1]
    sign = jnp.where(reference < 0, -1, 1).astype(pair.dtype)
    size, other = sign * reference, sign * distorted
    short = jnp.maximum(least * size - other, 0)
    return sign * (short - jnp.maximum(other - most * size, 0))


def _least(x: Array, extent: Extent | None) -> Array:
    """A mean of the three smallest of a sample, its double twice, and 8 around it."""
    far = float(jnp.finfo(x.dtype).max)
    height, width = x.shape
    padded = jnp.pad(keep(x, extent, far), 3, constant_values=far)
    first, second, third = x, 2 * x, 2 * x
    for row, col in ((r, c) for r in (0, 3, 6) for c in (0, 3, 6) if (r, c) != (3, 3)):
        new = padded[row : row + height, col : col + width]
        third = jnp.minimum(third, jnp.maximum(second, new))
        second = jnp.minimum(second, jnp.maximum(first, new))
        first = jnp.minimum(first, new)
    return 0.45 * first + 0.3 * second + 0.25 * third

"""SSIMULACRA 2: visible artefacts of compression."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.ssimulacra2_weights import WEIGHTS
from jiqa.ops.colour import linear_to_xyb, to_linear
from jiqa.ops.extent import Extent, keep
from jiqa.ops.filters import correlate
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import mean, safe_power, safe_sqrt
from jiqa.ops.resize import average_decimate

_CHANNELS, _TERMS = ("X", "Y", "B"), ("structure", "ringing", "blurring")
_SCALES, _LEAST_SIDE = WEIGHTS.shape[1], 8

#: libjxl's recursive Gaussian of sigma 1.5, which has this finite window.
_HALF_TAPS = (
    0.00941436780965374,
    0.0360111146583644,
    0.1093353727774603,
    0.2129285920104222,
)
TAPS = (*_HALF_TAPS, 0.2646211054881985, *_HALF_TAPS[::-1])

_STABILISER = 0.0009
#: What makes X, Y and B - Y positive, and how X is stretched.
_OFFSETS, _X_GAIN = (0.42, 0.01, 0.55), 14.0

#: The weighted sum is multiplied by the first number, goes through a cubic without a
#: constant, and is raised to a power.
_SCALE = 0.9562382616834844
_CUBIC = (2.326765642916932, -0.020884521182843837, 6.248496625763138e-5)
_EXPONENT = 0.6276336467831387

#: By which fourth powers are kept from underflow in float32.
_MAGNIFIED = 2.0**16


class _Maps(NamedTuple):
    """The errors of one channel at one scale, each ``[H, W]``, 0 or more."""

    structure: Array
    ringing: Array
    blurring: Array


@full_reference(
    title="SSIMULACRA 2",
    direction="higher",
    range=(float("-inf"), 100.0),
    identity=100.0,
    symmetric=False,
    min_side=_LEAST_SIDE,
    colour="rgb",
    maps="difference",
    citation=(
        "Sneyers: SSIMULACRA 2, structural similarity unveiling local and compression "
        "related artifacts. Cloudinary, version 2.1, 2023. "
        "https://github.com/cloudinary/ssimulacra2"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "8e-2 of the authors' code, version 2.1, on photographs (4e-3 in the median) "
        "and 5e-1 on flat images, where its recursive blur in float32 is inexact; "
        "1e-6 (x64) of an independent version in NumPy"
    ),
)
def ssimulacra2(
    reference: Array,
    distorted: Array,
    *,
    output: str = "score",
    term: str = "structure",
    channel: str = "Y",
    scale: int = 0,
    extent: Extent | None = None,
) -> Array:
    """SSIMULACRA 2 (Sneyers, version 2.1 of 2023), fitted to compressed images.

    At six scales, each a 2x2 mean of the one before in linear light, three maps of
    each channel of XYB: ``"structure"``, 1 minus SSIM without the denominator of its
    luminance term; and where |image - its blur| of the distorted image is larger
    (``"ringing"``) or smaller (``"blurring"``) than of the reference. The means and
    the fourth norms of all maps, 108 numbers, are weighted and added, and a cubic and
    a power bring the sum to the scale of opinions.

    The blur is the authors' recursive Gaussian as the window that it equals, with
    zeros outside the image; so it does not share the recursion's rounding.

    An image with transparency is scored twice by the authors' program, blended with
    a grey of 0.1 and of 0.9 in sRGB, ``alpha * image + (1 - alpha) * grey`` in both
    images, and the lower score counts.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        output: ``"score"``, or ``"map"`` for the map of the term, channel and scale
            that follow.
        term: ``"structure"``, ``"ringing"`` or ``"blurring"``, of a map; the first
            has most weight.
        channel: ``"X"`` (red against green), ``"Y"`` (luma) or ``"B"`` (blue against
            yellow), of a map; the second has most weight.
        scale: of a map, 0 for ``[..., H, W]``; each further one has half the rows
            and columns, rounded up.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, higher is better, 100 for identical images; 90 is hard to tell from
        the reference, 70 is good, 50 medium and 30 low quality, and there is no lower
        bound. The gradient at identical images is 0. Images under 113 pixels have
        fewer than six scales: like the authors' program, which is meant for larger
        ones, it then takes the weights in their order without leaving any out.

    Raises:
        ValueError: unknown option value, an image of under 8 pixels, or a scale that
            an image of this size does not have.
    """
    one_of("output", output, "score", "map")
    one_of("term", term, *_TERMS)
    one_of("channel", channel, *_CHANNELS)
    count = scales(reference.shape)
    if scale not in range(count):
        raise ValueError(
            expected("scale", f"0 to {count - 1} for images of this size", repr(scale))
        )
    x, y = (jnp.stack([to_linear(p) for p in rgb(v)]) for v in (reference, distorted))
    norms, inner = [], extent
    for k in range(scale + 1 if output == "map" else count):
        if k:
            # A window at an odd end finds the last row or column twice.
            x, y = (average_decimate(v, 2, "symmetric", inner) for v in (x, y))
            inner = inner and inner.over(2)
        if output == "score":
            norms.append(_norms(_positive_xyb(x), _positive_xyb(y), inner))
    if output == "map":
        c = _CHANNELS.index(channel)
        found = _maps(_positive_xyb(x)[c], _positive_xyb(y)[c], inner)
        return found[_TERMS.index(term)]
    values = jnp.stack(norms, 1)
    error = _SCALE * (values * _weights(count, extent, values.dtype)).sum()
    linear, square, cube = _CUBIC
    error = error * (linear + error * (square + error * cube))
    return 100 - 10 * safe_power(error, _EXPONENT)


def scales(shape: tuple[int, ...]) -> int:
    """How many scales images ``[H, W, C]`` have: a side under 8 is not halved."""
    count, side = 1, min(shape[:2])
    while count < _SCALES and side >= _LEAST_SIDE:
        count, side = count + 1, -(-side // 2)
    return count


def _weights(count: int, extent: Extent | None, dtype: jnp.dtype) -> Array:
    """Weights ``[channel, scale, norm, term]``; with an extent, of its own scales."""
    if extent is None:
        return jnp.asarray(_in_order(count), dtype)
    table = np.zeros((_SCALES, *WEIGHTS.shape))
    for own in range(1, _SCALES + 1):
        table[own - 1, :, :own] = _in_order(own)
    side, more = jnp.minimum(extent.rows, extent.cols), jnp.zeros((), jnp.int32)
    for _ in range(_SCALES - 1):
        more = more + (side >= _LEAST_SIDE).astype(jnp.int32)
        side = (side + 1) // 2
    return jnp.asarray(table, dtype)[more][:, :count]


def _in_order(count: int) -> np.ndarray:
    """The first weights of the list, for images of ``count`` scales."""
    shape = (len(WEIGHTS), count, *WEIGHTS.shape[2:])
    return WEIGHTS.ravel()[: np.prod(shape)].reshape(shape)


def _positive_xyb(light: Array) -> Array:
    """X, Y and B - Y of linear sRGB ``[3, H, W]``, in about [0, 1]."""
    x, y, b = linear_to_xyb(tuple(light))
    planes = (_X_GAIN * x, y, b - y)
    return jnp.stack([p + o for p, o in zip(planes, _OFFSETS, strict=True)])


def _norms(x: Array, y: Array, extent: Extent | None) -> Array:
    """``[channel, norm, term]`` of XYB images ``[3, H, W]``."""

    # Kept for the derivative: the images alone. Writing and reading all else takes
    # longer than computing it again.
    @jax.checkpoint
    def channel(pair: tuple[Array, Array]) -> Array:
        maps = _maps(*pair, extent)
        return jnp.stack(
            [
                jnp.stack([mean(m, extent) for m in maps]),
                jnp.stack([_fourth_norm(m, extent) for m in maps]),
            ]
        )

    return lax.map(channel, (x, y))


def _maps(x: Array, y: Array, extent: Extent | None) -> _Maps:
    """The maps of one channel ``[H, W]``, exactly 0 where the images are equal."""
    x, y = keep(x, extent), keep(y, extent)
    fields = jnp.stack([x, y, x * x + y * y, jnp.square(x - y)])
    mx, my, power, error = _blurred(fields)
    shift = jnp.square(mx - my)
    # 1 - (1 - shift) (2 cov + C) / (var + var + C), without its cancellation.
    apart = (error - shift) / (power - (mx * mx + my * my) + _STABILISER)
    detail = jnp.abs(x - mx)
    edges = (jnp.abs(y - my) - detail) / (1 + detail)
    return _Maps(
        jnp.maximum(shift + (1 - shift) * apart, 0),
        jnp.maximum(edges, 0),
        jnp.maximum(-edges, 0),
    )


def _blurred(fields: Array) -> Array:
    """Fields ``[K, H, W]``, zeros outside.

    On the CPU plane by plane: it stays in the cache, and the compiler does not compute
    the fields anew for every tap, which made the gradient half as fast.
    """

    def one(x: Array) -> Array:
        return correlate(x, TAPS, TAPS, "zero")

    return lax.map(one, fields) if jax.default_backend() == "cpu" else one(fields)


def _fourth_norm(x: Array, extent: Extent | None) -> Array:
    power = mean(jnp.square(jnp.square(x * _MAGNIFIED)), extent)
    return safe_sqrt(safe_sqrt(power)) / _MAGNIFIED

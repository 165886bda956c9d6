"""Universal quality index (UQI), the forerunner of SSIM."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import mean, safe_divide


class _Moments(NamedTuple):
    """Sums over windows of ``count`` samples; squares are about the window's mean."""

    count: int
    x: Array
    y: Array
    power: Array
    cross: Array

    def cut(self, axis: int, start: int, length: int) -> _Moments:
        index = (slice(None),) * axis + (slice(start, start + length),)
        return _Moments(self.count, *(f[index] for f in self[1:]))

    def join(self, other: _Moments) -> _Moments:
        """Moments of two windows together."""
        a, b = self.count, other.count
        # Added sums of squares lose the variance of flat windows to rounding. The
        # update with the difference of means is a sum of positive terms: it is
        # exactly 0 in a flat window, also where grey levels are not whole.
        dx = self.x * (1 / a) - other.x * (1 / b)
        dy = self.y * (1 / a) - other.y * (1 / b)
        share = a * b / (a + b)
        return _Moments(
            a + b,
            self.x + other.x,
            self.y + other.y,
            self.power + other.power + share * (dx * dx + dy * dy),
            self.cross + other.cross + share * (dx * dy),
        )


def _window_moments(x: Array, y: Array, size: int) -> _Moments:
    """Moments of all ``size`` x ``size`` windows inside, by doubling the window."""
    zero = jnp.zeros_like(x)
    moments = _Moments(1, x, y, zero, zero)
    for axis in (0, 1):
        count = x.shape[axis] - size + 1
        out, offset, power, width = None, 0, moments, 1
        for bit in range(size.bit_length()):
            if size >> bit & 1:
                part = power.cut(axis, offset, count)
                out = part if out is None else out.join(part)
                offset += width
            if size >> (bit + 1):
                length = power.x.shape[axis] - width
                power = power.cut(axis, 0, length).join(power.cut(axis, width, length))
                width *= 2
        assert out is not None
        moments = out
    return moments


@full_reference(
    title="Universal quality index",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    symmetric=True,
    min_side=8,
    colour="luma",
    maps="similarity",
    min_side_for=lambda window_size=8, **_: window_size,
    citation=(
        "Wang, Bovik: A universal image quality index. IEEE Signal Processing Letters "
        "9(3), 2002. doi:10.1109/97.995823"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of img_qi.m on whole grey levels",
)
def uqi(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    window_size: int = 8,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Universal quality index (Wang & Bovik 2002, eq. 2), mean over all windows.

    4 sxy mx my / ((sxx + syy)(mx^2 + my^2)) over uniform windows that lie wholly
    inside. Where both windows are flat the first factor is 0 / 0 and the value is
    2 mx my / (mx^2 + my^2); where both are black it is 1.

    Flat means exactly flat. The authors test sums of squares for 0, which works for
    whole grey levels only; in fractional luma (``"bt601"`` of RGB) their flat windows
    are rounding noise, by which their score of an image with large flat areas may
    differ from this one in the fifth digit. Here flat windows are recognised in any
    case.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        window_size: side of the window in pixels.
        output: ``"score"``, or ``"map"`` for the map ``[..., H - k + 1, W - k + 1]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 only for identical images.

    Raises:
        ValueError: unknown option value, or an image under the window size.
    """
    one_of("output", output, "score", "map")
    if window_size < 2:
        raise ValueError(
            expected("window_size", "at least 2 pixels", repr(window_size))
        )
    x, y = luma255(reference, luma), luma255(distorted, luma)
    sums = _window_moments(x, y, window_size)
    product, squares = 2 * sums.x * sums.y, sums.x * sums.x + sums.y * sums.y
    black, flat = squares == 0, sums.power == 0
    luminance = safe_divide(product, squares, 1.0)
    structure = safe_divide(2 * sums.cross, sums.power)
    quality = luminance * jnp.where(flat | black, 1, structure)
    inner = extent and extent.valid(window_size)
    return quality if output == "map" else mean(quality, inner)

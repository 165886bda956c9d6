"""BRISQUE: spatial scene statistics through a support vector regression."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

from jiqa.core.metric import no_reference
from jiqa.ops.extent import Extent, rolled
from jiqa.ops.natural_scene_statistics import (
    asymmetric_law,
    centred_luma,
    check_flat,
    half_size,
    normalised,
    symmetric_shape,
)
from jiqa.ops.numerics import straight_through
from jiqa.ops.shipped_tables import shipped_table


@no_reference(
    title="Blind/referenceless image spatial quality evaluator",
    direction="lower",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    min_side=14,
    colour="luma",
    citation=(
        "Mittal, Moorthy, Bovik: No-reference image quality assessment in the spatial "
        "domain. IEEE TIP 21(12), 2012. doi:10.1109/TIP.2012.2214050"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-6 relative (x64) of the BRISQUE release (2011) in float64: on 16 images "
        "without flat areas, and on 41 with residuals under 1e-8 set to 0 in it"
    ),
)
def brisque(
    image: Array,
    *,
    flat: str = "snap",
    luma: str = "matlab",
    extent: Extent | None = None,
) -> Array:
    """BRISQUE (Mittal et al. 2012): 36 scene statistics, regressed on DMOS.

    Luma is normalised by its local mean and deviation (Gaussian window of 7, black
    outside, (x - m) / (s + 1)). A generalised Gaussian is fitted to that field and an
    asymmetric one to its product with itself, shifted by one pixel in four
    directions, the image wrapping round; again at half size. The 36 parameters go
    into the support vector regression that the authors trained on LIVE. The authors'
    program passes the features on as text of six decimals, which moves the fourth to
    sixth digit of the score; this function does not.

    Args:
        image: images ``[..., H, W, C]`` with a shorter side of 14 or more, so that
            half of it holds the window.
        flat: what happens where x - m is exactly 0. ``"snap"``: it is 0 and belongs to
            neither side of the asymmetric law. ``"authors"``: it counts as a
            vanishing sample, as it does in the release, where rounding leaves 1e-14.
            The release's score of an image with flat areas is thereby decided by
            the order of its additions (by up to 13 %), and no setting reproduces
            it; without flat areas ``"authors"`` does, and ``"snap"`` differs from it
            by at most 1e-4. ``"snap"`` gives the same in float32 and float64.
        luma: ``"matlab"``: rounded to whole grey levels, as the authors' ``rgb2gray``
            of uint8 does and the regression was trained; flat areas are then exactly
            flat. ``"bt601"``: not rounded, for images that are not 8-bit.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, lower is better; mostly in [0, 100], but nothing bounds it. Flat
        images, where the authors' code gives NaN, score 102 to 117 ("snap"): an empty
        side of a law has deviation 0, and its shape is the first one on the grid,
        where the authors' search ends. The shapes are steps of 0.001; the gradient
        sees the smooth curve behind them, and is 0 in flat images.

    Raises:
        ValueError: unknown option value, or an image under 14 pixels.
    """
    rule = check_flat(flat)
    x, zero = centred_luma(image, luma)
    features = []
    for scale in range(2):
        if scale:
            x, extent = half_size(x, extent), extent and extent.over(2)
        field = normalised(x, "zero", rule, zero, extent)
        features += symmetric_shape(field, extent)
        for shift in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            law = asymmetric_law(field * _turned(field, shift, extent), extent)
            mean = (law.right - law.left) * law.scale * law.spread
            features += [law.shape, mean, law.left**2, law.right**2]
    return _regress(jnp.stack(features))


def _turned(x: Array, shift: tuple[int, int], extent: Extent | None) -> Array:
    """The image moved down and to the right, wrapping round."""
    if extent is None:
        return jnp.roll(x, shift, (0, 1))
    x = rolled(x, shift[0], extent.rows, -2)
    return rolled(x, shift[1], extent.cols, -1)


def _regress(features: Array) -> Array:
    """Sum of a_i exp(-gamma |z - s_i|^2) less rho, of features scaled to [-1, 1]."""
    svr = shipped_table("brisque")
    low, high = (jnp.asarray(svr[k], features.dtype) for k in ("minimum", "maximum"))
    z = 2 * (features - low) / (high - low) - 1
    difference = z - jnp.asarray(svr["support_vectors"], z.dtype)
    kernel = jnp.exp(-float(svr["gamma"]) * jnp.square(difference).sum(-1))
    score = (jnp.asarray(svr["coefficients"], z.dtype) * kernel).sum()
    score = score - float(svr["rho"])
    if z.dtype == jnp.float64:
        return score
    return straight_through(_regress_in_pieces(stop_gradient(z)), score)


# 774 terms of up to 1024 cancel to some tens, which leaves float32 two or three digits.
# With its numbers split into groups of few bits, products and sums are exact where they
# are large, in any order and with fused multiply-adds; the remainder is small.
_FINE = 2.0**-8
_KNOTS_PER_UNIT, _FARTHEST = 16, 400


def _regress_in_pieces(z: Array) -> Array:
    """The sum of ``_regress`` in float32 with the accuracy of some 1e-5."""
    s1, s2, s3, a1, a2, exp1, exp2, exp3 = (
        jnp.asarray(v, z.dtype) for v in _regression_pieces()
    )
    rho, gamma = (float(shipped_table("brisque")[k]) for k in ("rho", "gamma"))
    # |z - s|^2, in multiples of 2^-16, of 2^-24, and the rest.
    z1 = jnp.round(z / _FINE) * _FINE
    z2 = jnp.round((z - z1) / _FINE**2) * _FINE**2
    d1, d2, d3 = z1 - s1, z2 - s2, (z - z1 - z2) - s3
    square = (d1 * d1).sum(-1)
    middle = 2 * (d1 * d2).sum(-1)
    rest = (d2 * d2 + d3 * (2 * (d1 + d2) + d3)).sum(-1)
    # exp at the nearest knot, times exp of what remains.
    near = jnp.round((square + middle + rest) * _KNOTS_PER_UNIT)
    near = jnp.minimum(near, _FARTHEST * _KNOTS_PER_UNIT)
    remains = (square - near / _KNOTS_PER_UNIT) + middle + rest
    change = jnp.expm1(-gamma * jnp.clip(remains, -1, 1))
    knot = near.astype(jnp.int32)
    e1, e2, e3 = exp1[knot], exp2[knot], exp3[knot]
    small = (e1 + e2) * change + e3 * (1 + change)
    whole = float(np.round(rho))
    return ((a1 * e1).sum() - whole) + (
        (a1 * e2).sum() + (a2 * (e1 + e2) + (a1 + a2) * small).sum() - (rho - whole)
    )


@functools.cache
def _regression_pieces() -> tuple[np.ndarray, ...]:
    svr = shipped_table("brisque")
    s, a = svr["support_vectors"], svr["coefficients"]
    knots = np.arange(_FARTHEST * _KNOTS_PER_UNIT + 1) / _KNOTS_PER_UNIT
    kernel = np.exp(-svr["gamma"] * knots)
    a1 = np.round(a / 32) * 32
    return *_cut(s), a1, a - a1, *_cut(kernel)


def _cut(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = np.round(x / _FINE) * _FINE
    second = np.round((x - first) / _FINE**2) * _FINE**2
    return first, second, x - first - second

"""Information content weighting: IW-SSIM, IW-MSE and IW-PSNR."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.scipy
import numpy as np
from jax import Array

from jiqa.contract import full_reference
from jiqa.filters import box_sum, gaussian_taps
from jiqa.images import luma255
from jiqa.metrics.multiscale_ssim import WEIGHTS
from jiqa.metrics.structural_similarity import similarity_maps
from jiqa.numerics import mean, real_power, safe_power, total
from jiqa.pyramids import interleave, laplacian_pyramid

_WINDOW = 11
_SCALES = len(WEIGHTS)
_EXPONENTS = [w / sum(WEIGHTS) for w in WEIGHTS]

#: What a window of 11 leaves of a band on each side, and a block of 3 inside it.
_MARGIN = _WINDOW // 2
_BLOCK = 3

#: Most decibels that IW-PSNR gives, and what it gives to identical images.
CEILING = 1000.0

_SHARED: dict[str, Any] = {
    "symmetric": False,
    "min_side": _WINDOW * 2 ** (_SCALES - 1),
    "colour": "luma",
    "citation": (
        "Wang, Li: Information content weighting for perceptual image quality "
        "assessment. IEEE TIP 20(5), 2011. doi:10.1109/TIP.2010.2092435"
    ),
    "fidelity": "authors-code",
    "fidelity_note": "1e-6 relative (x64) of iwssim.m",
}


class _Scale(NamedTuple):
    """One scale: the bands of both images, and the weights; none at the coarsest."""

    x: Array
    y: Array
    weight: Array | None


def _enlarge(x: Array, shape: tuple[int, int]) -> Array:
    """Twice as large by linear interpolation, cut to ``shape``.

    The authors resize M samples bilinearly to 4 M - 3, extrapolate one at either end
    and keep every second of them. All in all sample j (from 0) lies at
    (4 M j + 3 M - 3) / (8 M - 6), counted from 1, held within 1 and M.
    """
    for axis, size in enumerate(shape):
        count = x.shape[axis]
        place = (4 * count * np.arange(2 * count) + 3 * count - 3) / (8 * count - 6)
        place = np.clip(place, 1, count) - 1
        # Samples 2 i and 2 i + 1 lie between i - 1 and i + 1: three taps, no gather.
        tents = [
            np.maximum(1 - np.abs(place - (np.arange(2 * count) // 2 + k)), 0)
            for k in (-1, 0, 1)
        ]
        around = jnp.pad(x, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
        shifted = [
            around[(slice(None),) * axis + (slice(k, k + count),)] for k in range(3)
        ]
        along = (-1, 1) if axis == 0 else (1, -1)
        even, odd = (
            sum(
                s * jnp.asarray(t[phase::2].reshape(along), x.dtype)
                for s, t in zip(shifted, tents, strict=True)
            )
            for phase in (0, 1)
        )
        x = interleave(jnp.asarray(even), jnp.asarray(odd), axis, size)
    return x


def _neighbours(x: Array, parent: Array | None, margin: int = 0) -> list[Array]:
    """The 3x3 block around each pixel inside, and its parent, as shifted planes."""
    if margin:
        x = x[margin:-margin, margin:-margin]
    rows, cols = x.shape[0] - 2, x.shape[1] - 2
    planes = [x[i : i + rows, j : j + cols] for i in range(3) for j in range(3)]
    if parent is not None:
        edge = margin + 1
        planes.append(parent[edge:-edge, edge:-edge])
    return planes


def _tolerance(x: Array, gain: float) -> float:
    """Variance under which a band is nothing but rounding.

    The authors' own in float64; in float32 that of values up to 255 times the gain.
    """
    return max(1e-15, (4 * float(jnp.finfo(x.dtype).eps) * 255 * gain) ** 2)


def _model(planes: list[Array], tolerance: float) -> tuple[Array, Array]:
    """Eigenvalues of the neighbourhoods' second moments, and a whitening matrix.

    The scores depend on the moments C through symmetric functions of the eigenvalues
    and through y' inv(C) y only. Neither needs eigenvectors, whose derivative is
    infinite for repeated eigenvalues: eigenvalues alone and a Cholesky factor,
    C = L L', have finite derivatives. Returns the eigenvalues and inv(L).
    """
    count = len(planes)
    pairs = [(a, b) for a in range(count) for b in range(a, count)]
    index = np.zeros((count, count), int)
    for k, (a, b) in enumerate(pairs):
        index[a, b] = index[b, a] = k
    upper = jnp.stack([mean(planes[a] * planes[b]) for a, b in pairs])
    moments = upper[index]
    identity = jnp.eye(count, dtype=moments.dtype)
    trace = jnp.trace(moments)
    flat = trace < tolerance
    eigenvalues = jnp.linalg.eigvalsh(jnp.where(flat, identity, moments))
    # Where the blocks do not span the space (a lone straight edge), the authors
    # divide by zero. All blocks lie in the span, so that the inverse on the span,
    # which the smallest multiple of the identity approaches, is the limit.
    least = count * float(jnp.finfo(moments.dtype).eps) * eigenvalues[-1]
    ridge = jnp.maximum(least - eigenvalues[0], 0)
    regular = jnp.where(flat, identity, moments + ridge * identity)
    whitening = jax.scipy.linalg.solve_triangular(
        jnp.linalg.cholesky(regular), identity, lower=True
    )
    # Negative eigenvalues are rounding: to 0, and the others keep the trace.
    clipped = jnp.maximum(eigenvalues, 0)
    clipped = clipped * (jnp.trace(jnp.where(flat, identity, moments)) / clipped.sum())
    return jnp.where(flat, 0, clipped), whitening


def _weight(
    x: Array, y: Array, parent: Array | None, sigma_nsq: float, gain: float
) -> Array:
    """Information that both images hold at each place, ``[H - 10, W - 10]``.

    sum_j log2(1 + ((v + (1 + g^2) s) u L_j + s v) / s^2) with the local gain g and
    residual variance v of the distorted band, the neighbourhood's scale u and the
    eigenvalues L of the reference, and the noise s.
    """
    tolerance = _tolerance(x, gain)
    around = _MARGIN - 1
    x_in = x[around:-around, around:-around]
    # With the error e = y - x: the residual variance of y given x is that of e given
    # x, which loses no digits to cancellation for small errors and is 0 for none.
    e_in = y[around:-around, around:-around] - x_in
    size = _BLOCK**2
    mx, me, xx, ee, xe = (
        box_sum(f, _BLOCK) * (1 / size)
        for f in (x_in, e_in, x_in * x_in, e_in * e_in, x_in * e_in)
    )
    vx, ve = jnp.maximum(xx - mx * mx, 0), jnp.maximum(ee - me * me, 0)
    cov = xe - mx * me
    vy = vx + 2 * cov + ve
    flat_x, flat_y = vx < tolerance, vy < tolerance
    slope = cov / jnp.where(flat_x, 1, vx)
    g = jnp.where(flat_x | flat_y, 0, 1 + slope)
    v = jnp.where(flat_x, vy, jnp.maximum(ve - slope * cov, 0))
    v = jnp.where(flat_y, 0, v)

    eigenvalues, whitening = _model(_neighbours(x, parent), tolerance)
    planes = _neighbours(x, parent, around)
    u = jnp.zeros_like(g)
    for i in range(len(planes)):
        white = sum(whitening[i, j] * planes[j] for j in range(i + 1))
        u = u + white * white
    u = u / len(planes)
    s = sigma_nsq
    base, slope = 1 + v / s, u * (v + (1 + g * g) * s) / s**2
    bits = sum(jnp.log2(base + slope * eigenvalues[j]) for j in range(len(planes)))
    return jnp.where(bits < 1e-15, 0, bits)


def _scales(
    reference: Array, distorted: Array, luma: str, sigma_nsq: float, parent: bool
) -> list[_Scale]:
    if sigma_nsq <= 0:
        raise ValueError(f"sigma_nsq={sigma_nsq}; needed is a positive variance")
    pair = jnp.stack([luma255(reference, luma), luma255(distorted, luma)])
    *bands, rest = laplacian_pyramid(pair, _SCALES)
    out = []
    for k, (x, y) in enumerate(bands):
        above = None
        if parent and k < _SCALES - 2:
            above = _enlarge(bands[k + 1][0], (x.shape[0], x.shape[1]))
        out.append(_Scale(x, y, _weight(x, y, above, sigma_nsq, 2.0**k)))
    return [*out, _Scale(rest[0], rest[1], None)]


def _pool(value: Array, weight: Array | None) -> Array:
    """Weighted mean; the plain one where no place has any weight."""
    if weight is None:
        return mean(value)
    weights = total(weight)
    empty = weights == 0
    pooled = total(value * weight) / jnp.where(empty, 1, weights)
    return jnp.where(empty, mean(value), pooled)


@full_reference(
    title="Information content weighted structural similarity",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    **_SHARED,
)
def iw_ssim(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
) -> Array:
    """Information content weighted SSIM (Wang & Li 2011, eq. 29).

    prod_k (sum(w cs) / sum(w))^b_k over the bands of a Laplacian pyramid, with the
    contrast-structure map cs of ``ssim`` and the information weight w. The fifth band
    is the low-pass rest: the plain mean of the whole SSIM. The exponents b are those
    of ``ms_ssim`` divided by their sum.

    A pooled value below 0 raised to b is complex in the authors' code; this is its
    real part, as in ``ms_ssim``.

    A flat reference has no information (the authors divide 0 by 0): only what the
    distorted image adds has weight, and where nothing has any, the plain mean stands
    for the weighted one. So two flat images differ in luminance alone. A reference
    whose 3x3 blocks do not span their space, a lone straight edge say, is weighted in
    the span of its blocks.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        sigma_nsq: variance of the visual noise.
        parent: whether the next coarser band joins a place's neighbourhood.

    Returns:
        ``[...]`` in [-1, 1], higher is better; 1 only for identical images.

    Raises:
        ValueError: unknown option value, or a shorter side under 176.
    """
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    taps = gaussian_taps(_WINDOW, 1.5)
    score = jnp.ones((), reference.dtype)
    scales = _scales(reference, distorted, luma, sigma_nsq, parent)
    for scale, exponent in zip(scales, _EXPONENTS, strict=True):
        coarsest = scale.weight is None
        # The low-pass doubles at every level; the other bands are about 0.
        centre = 127.5 * 2 ** (_SCALES - 1) if coarsest else 0.0
        luminance, quality = similarity_maps(
            scale.x, scale.y, taps, c1, c2, centre=centre
        )
        pooled = _pool(luminance * quality if coarsest else quality, scale.weight)
        score = score * real_power(pooled, exponent)
    return score


def _iw_mse(scales: list[_Scale]) -> Array:
    error = jnp.ones((), scales[0].x.dtype)
    for scale, exponent in zip(scales, _EXPONENTS, strict=True):
        squares = jnp.square(scale.x - scale.y)
        if scale.weight is not None:
            squares = squares[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        error = error * safe_power(_pool(squares, scale.weight), exponent)
    return error


@full_reference(
    title="Information content weighted mean squared error",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    **_SHARED,
)
def iw_mse(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
) -> Array:
    """Information content weighted mean squared error (Wang & Li 2011, eq. 27).

    prod_k (sum(w d^2) / sum(w))^b_k with the difference d of the bands on 0..255;
    weights, exponents, arguments, errors and degenerate images as ``iw_ssim``. The
    bands' gain is the authors': values double at every level. A product: images that
    are equal in one band have the value 0, also where they differ by a constant.

    Returns:
        ``[...]``, at least 0, lower is better.
    """
    return _iw_mse(_scales(reference, distorted, luma, sigma_nsq, parent))


@full_reference(
    title="Information content weighted peak signal-to-noise ratio",
    direction="higher",
    range=(float("-inf"), CEILING),
    identity=CEILING,
    **_SHARED,
)
def iw_psnr(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    sigma_nsq: float = 0.4,
    parent: bool = True,
) -> Array:
    """Information content weighted peak signal-to-noise ratio (Wang & Li 2011).

    min(10 log10(255^2 / ``iw_mse``), 1000) in decibels; arguments and errors as
    ``iw_ssim``. An error of 0 gives 1000, and so does a flat reference against
    anything: that is what the authors' minimum makes of an undefined error.

    Returns:
        ``[...]`` in dB, higher is better.
    """
    scales = _scales(reference, distorted, luma, sigma_nsq, parent)
    flat = [
        mean(s.x * s.x) < _tolerance(s.x, 2.0**k) for k, s in enumerate(scales[:-1])
    ]
    error = _iw_mse(scales)
    defined = (error > 0) & ~jnp.all(jnp.stack(flat))
    ratio = 255**2 / jnp.where(defined, error, 1)
    value = jnp.where(defined, 10 * jnp.log10(ratio), CEILING)
    return jnp.minimum(value, CEILING)

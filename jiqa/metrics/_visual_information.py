"""Visual information in the wavelet domain: VIF and IFC."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.contract import full_reference
from jiqa.images import luma255
from jiqa.metrix import pad_metrix_mux
from jiqa.numerics import mean, total
from jiqa.steerable import steerable_bands

#: Windows of the four pyramid levels, finest first.
_WINDOWS = (17, 9, 5, 3)
_TOLERANCE = 1e-15

_SHARED: dict[str, Any] = {
    "direction": "higher",
    "range": (0.0, float("inf")),
    "symmetric": False,
    "min_side": 65,
    "colour": "luma",
    "fidelity": "authors-code",
}


class _Band(NamedTuple):
    """The model of one subband, one value for each 3x3 block.

    y = gain x + noise in each window; x is a zero-mean Gaussian field with covariance
    ``scale`` C, whose eigenvalues are ``eigenvalues`` times ``scale``.
    """

    gain: Array
    noise: Array
    scale: Array
    eigenvalues: Array


def _window_sums(x: Array, window: int) -> Array:
    """Sums over windows about every third sample; blocks at the border are left out.

    The centres are those of the 3x3 blocks. So many blocks are left out on each side,
    ceil(window // 2 / 3), that no window leaves the band.
    """
    half = window // 2
    drop = -(-half // 3)
    start = 3 * drop + 1 - half
    for axis in (x.ndim - 2, x.ndim - 1):
        stop = start + 3 * (x.shape[axis] // 3 - 2 * drop) - 2
        rows = (
            lax.slice_in_dim(x, start + i, stop + i, 3, axis=axis)
            for i in range(window)
        )
        x = lax.optimization_barrier(sum(rows))
    return x


def _regression(pair: Array, window: int) -> tuple[Array, Array]:
    """Gain and noise variance of the distorted band in windows of the reference's.

    ``pair`` holds the reference band x and that of the error d = y - x. The residual
    variance of y given x is that of d given x: computed so it loses no digits to
    cancellation where the error is small, and is 0 where there is none.
    """
    count = window**2
    sx, sd = _window_sums(pair, window)
    xx, dd = _window_sums(pair * pair, window)
    xd = _window_sums(pair[0] * pair[1], window)
    xx = jnp.maximum(xx - sx * sx / count, 0)
    dd = jnp.maximum(dd - sd * sd / count, 0)
    xd = xd - sx * sd / count
    flat = xx < _TOLERANCE
    slope = xd / jnp.where(flat, 1, xx + _TOLERANCE)
    yy = xx + 2 * xd + dd
    lost = flat | (yy < _TOLERANCE) | (slope < -1)
    noise = jnp.maximum((dd - slope * xd) / count, _TOLERANCE)
    return jnp.where(lost, 0, 1 + slope), noise


def _covariance(x: Array) -> Array:
    """Covariance ``[9, 9]`` of the overlapping 3x3 blocks of a band, row by row.

    An entry is the sum of x times a shifted x over a rectangle. Few shifts occur, and
    the rectangles of a shift differ by a row or column at the border only.
    """
    rows, cols = x.shape
    wide = jnp.pad(x, ((0, 2), (2, 2)))
    shifts = np.array([(i, j) for i in range(3) for j in range(5)], np.int32)

    @jax.checkpoint
    def moments(shift: Array) -> Array:
        shifted = lax.dynamic_slice(wide, (shift[0], shift[1]), (rows, cols))
        return _rectangles(x * shifted)

    sums = lax.map(moments, jnp.asarray(shifts)).reshape(3, 5, 3, 3)
    a, b = np.divmod(np.arange(9), 3)
    down, right = a[None] - a[:, None], b[None] - b[:, None]
    swap = down < 0
    first = np.where(swap, a[None], a[:, None]), np.where(swap, b[None], b[:, None])
    right = np.where(swap, -right, right)
    second = sums[np.abs(down), right + 2, first[0], first[1]]
    count = (rows - 2) * (cols - 2)
    means = _rectangles(x).reshape(9) / count
    return second / count - means[:, None] * means


def _rectangles(x: Array) -> Array:
    """Sums ``[3, 3]`` over the nine rectangles two rows and two columns smaller."""
    whole = x.sum(0)
    x = jnp.stack([whole - x[-2] - x[-1], whole - x[0] - x[-1], whole - x[0] - x[1]], 1)
    whole = x.sum(0)
    return jnp.stack(
        [whole - x[-2] - x[-1], whole - x[0] - x[-1], whole - x[0] - x[1]], 1
    )


def _spectra(covariance: Array) -> tuple[Array, Array]:
    """Eigenvalues ``[..., 9]`` and inverses ``[..., 9, 9]`` of covariances.

    Directions with no variance but rounding (flat bands, straight edges) count as
    eigenvalue 0 and are left out of the inverse. The decomposition is held constant
    and a term of first order carries the derivative, which is right for every
    symmetric function of the eigenvalues: the derivative of the eigenvectors,
    infinite where eigenvalues repeat, is never asked for.
    """
    exact = lax.Precision.HIGHEST
    fixed = lax.stop_gradient(covariance)
    values, vectors = jnp.linalg.eigh(fixed)
    floor = 8 * float(jnp.finfo(values.dtype).eps) * values[..., -1:]
    spanned = values > jnp.maximum(floor, 1e-20)
    eigenvalues = jnp.einsum(
        "bij,bik,bkj->bj", vectors, covariance, vectors, precision=exact
    )
    eigenvalues = jnp.where(spanned, eigenvalues, 0)
    weights = jnp.where(spanned, 1 / jnp.where(spanned, values, 1), 0)
    inverse = jnp.einsum("bij,bj,bkj->bik", vectors, weights, vectors, precision=exact)
    correction = jnp.einsum(
        "bij,bjk,bkl->bil", inverse, covariance - fixed, inverse, precision=exact
    )
    return eigenvalues, inverse - correction


def _blocks(x: Array, window: int) -> Array:
    """The 3x3 blocks of a band that ``_window_sums`` keeps, ``[9, rows, cols]``."""
    rows, cols = (n // 3 for n in x.shape)
    drop = -(-(window // 2) // 3)
    planes = x.reshape(rows, 3, cols, 3).transpose(1, 3, 0, 2).reshape(9, rows, cols)
    return planes[:, drop : rows - drop, drop : cols - drop]


def _bands(reference: Array, distorted: Array, luma: str, padding: str) -> Any:
    if padding not in ("none", "metrix-mux"):
        raise ValueError(f'pad={padding!r}; needed is "none" or "metrix-mux"')
    x = luma255(reference, luma)
    if luma == "bt601":
        d = luma255(distorted - reference)
    else:
        d = luma255(distorted, luma) - x
    # Bands see no constant; without it flat images are exactly 0.
    pair = jnp.stack([p - lax.stop_gradient(mean(p)) for p in (x, d)])
    changed = mean(pair[1] * pair[1]) > 1e-8
    if padding == "metrix-mux":
        pair = pad_metrix_mux(pair)
    models = []
    for window, bands in zip(_WINDOWS, steerable_bands(pair, 4), strict=True):
        rows, cols = (n // 3 * 3 for n in bands[0].shape[-2:])
        stack = jnp.stack([b[:, :rows, :cols] for b in bands])
        models.append(
            lax.map(
                lambda p, w=window: (
                    *_regression(p, w),
                    _covariance(p[0]),
                    _blocks(p[0], w),
                ),
                stack,
            )
        )
    eigenvalues, inverse = _spectra(jnp.concatenate([m[2] for m in models]))
    out = []
    for k, (gain, noise, _, blocks) in enumerate(models):
        for o in range(2):
            b = 2 * k + o
            v = blocks[o].reshape(9, -1)
            white = jnp.matmul(inverse[b], v, precision=lax.Precision.HIGHEST)
            scale = jnp.maximum((white * v).sum(0) / 9, 0).reshape(gain.shape[1:])
            out.append(_Band(gain[o], noise[o], scale, eigenvalues[b]))
    return pair[0].size, changed, out


def _information(scale: Array, eigenvalues: Array, noise: float) -> Array:
    """Sum over blocks and eigenvalues of log(1 + scale eigenvalue)."""
    # A product of few factors costs one logarithm and stays within float32.
    few = 3 if noise >= 0.01 else 1
    out = jnp.zeros((), scale.dtype)
    for start in range(9 // few):
        factors = [1 + scale * eigenvalues[j] for j in range(start, 9, 9 // few)]
        product = factors[0]
        for f in factors[1:]:
            product = product * f
        out = out + total(jnp.log(product))
    return out


def _check(sigma_nsq: float) -> None:
    if sigma_nsq < 1e-12:
        raise ValueError(
            f"sigma_nsq={sigma_nsq}; needed is a variance of 1e-12 or more"
        )


@full_reference(
    title="Visual information fidelity",
    identity=1.0,
    citation="x",
    fidelity_note="x",
    **_SHARED,
)
def vif(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    pad: str = "none",
    sigma_nsq: float = 0.4,
) -> Array:
    """..."""
    _check(sigma_nsq)
    _, changed, bands = _bands(reference, distorted, luma, pad)
    seen = held = jnp.zeros((), reference.dtype)
    for gain, noise, scale, eigenvalues in bands:
        seen = seen + _information(
            gain * gain * scale / (noise + sigma_nsq), eigenvalues, sigma_nsq
        )
        held = held + _information(scale / sigma_nsq, eigenvalues, sigma_nsq)
    ratio = seen / jnp.where(held > 0, held, 1)
    return jnp.where(held > 0, ratio, jnp.where(changed, 0, 1).astype(ratio.dtype))


@full_reference(
    title="Information fidelity criterion",
    identity=None,
    citation="x",
    fidelity_note="x",
    **_SHARED,
)
def ifc(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    pad: str = "none",
    sigma_nsq: float = 1e-10,
) -> Array:
    """..."""
    _check(sigma_nsq)
    size, _, bands = _bands(reference, distorted, luma, pad)
    seen = jnp.zeros((), reference.dtype)
    for gain, noise, scale, eigenvalues in bands:
        seen = seen + _information(
            gain * gain * scale / (noise + sigma_nsq), eigenvalues, sigma_nsq
        )
    return seen / (float(np.log(2)) * size)

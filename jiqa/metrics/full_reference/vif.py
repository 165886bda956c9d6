"""Visual information in the wavelet domain: VIF and IFC."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.gaussian_scale_mixture import (
    Band,
    blocks,
    covariance,
    regression,
    spectra,
)
from jiqa.ops.luma import luma255
from jiqa.ops.metrix_mux import pad_metrix_mux
from jiqa.ops.numerics import mean, product, safe_divide, total
from jiqa.ops.steerable_pyramid import steerable_bands

#: Windows of the four pyramid levels, finest first.
_WINDOWS = (17, 9, 5, 3)

_SHARED: dict[str, Any] = {
    "direction": "higher",
    "range": (0.0, float("inf")),
    "symmetric": False,
    "min_side": 65,
    "colour": "luma",
    "fidelity": "authors-code",
}


def _bands(
    reference: Array, distorted: Array, luma: str, padding: str, fine: bool = False
) -> Any:
    """Images' size, whether they differ, and the model of each level's two bands.

    ``fine`` where noise far below a grey level counts: windows of which the distorted
    image kept little are then modelled on its own bands, not on those of the error.
    """
    one_of("pad", padding, "none", "metrix-mux")
    x = luma255(reference, luma)
    if luma == "bt601":
        d = luma255(distorted - reference)
    else:
        d = luma255(distorted, luma) - x
    # Bands see no constant; without it flat images are exactly 0.
    pair = jnp.stack([p - lax.stop_gradient(mean(p)) for p in (x, d)])
    changed = mean(pair[1] * pair[1]) > 1e-8
    # A strong change of contrast is taken out of the error too; after a weak one, the
    # error's own digits are the better ones.
    gain = safe_divide(total(pair[0] * pair[1]), total(pair[0] * pair[0]))
    gain = lax.stop_gradient(jnp.where(jnp.abs(gain) < 0.1, 0, gain))
    pair = jnp.stack([pair[0], pair[1] - gain * pair[0]])
    if fine:
        # Not as a sum of the other two: what is flat stays flat to the last digit.
        y = luma255(distorted, luma)
        centred = y - lax.stop_gradient(mean(y))
        pair = jnp.concatenate([pair, centred[None]])
    if padding == "metrix-mux":
        pair = pad_metrix_mux(pair)
    models = []
    for window, bands in zip(_WINDOWS, steerable_bands(pair, 4), strict=True):
        rows, cols = (n // 3 * 3 for n in bands[0].shape[-2:])
        stack = jnp.stack([b[:, :rows, :cols] for b in bands])
        models.append(
            lax.map(
                lambda p, w=window: (
                    *_regression(p, w, 1 + gain),
                    covariance(p[0]),
                    blocks(p[0], w),
                ),
                stack,
            )
        )
    eigenvalues, inverse = spectra(jnp.concatenate([m[2] for m in models]))
    out = []
    for k, (share, noise, _, kept) in enumerate(models):
        both = slice(2 * k, 2 * k + 2)
        v = kept.reshape(2, 9, -1)
        white = product(inverse[both], v)
        scale = jnp.maximum((white * v).sum(1) / 9, 0).reshape(share.shape)
        out.append(Band(share, noise, scale, eigenvalues[both]))
    return pair[0].size, changed, out


def _regression(planes: Array, window: int, common: Array) -> tuple[Array, Array]:
    """Gain and noise from the error's band or, where less than half was kept, its own.

    Each of the two loses digits where the other has them.
    """
    gain, noise = regression(planes[:2], window, common)
    if len(planes) == 2:
        return gain, noise
    own_gain, own_noise = regression(planes[::2], window, 0.0)
    little = jnp.abs(gain) < 0.5
    return jnp.where(little, own_gain, gain), jnp.where(little, own_noise, noise)


def _information(scale: Array, eigenvalues: Array, noise: float) -> Array:
    """Sum over blocks ``[2, rows, cols]`` and eigenvalues of log(1 + scale L)."""
    # A product of few factors costs one logarithm and stays within float32.
    few = 3 if noise >= 0.01 else 1
    groups = eigenvalues.reshape(2, few, 9 // few).transpose(1, 0, 2)
    together = None
    for group in groups:
        factors = 1 + scale[:, None] * group[:, :, None, None]
        together = factors if together is None else together * factors
    assert together is not None
    return total(jnp.log(together).reshape(-1, scale.shape[-1]))


def _check(sigma_nsq: float) -> None:
    if sigma_nsq < 1e-12:
        raise ValueError(
            expected("sigma_nsq", "a variance of 1e-12 or more", repr(sigma_nsq))
        )


@full_reference(
    title="Visual information fidelity",
    identity=1.0,
    citation=(
        "Sheikh, Bovik: Image information and visual quality. IEEE TIP 15(2), 2006. "
        "doi:10.1109/TIP.2005.859378"
    ),
    fidelity_note="1e-6 relative (x64) of vifvec.m, with and without padding",
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
    """Visual information fidelity in the wavelet domain (Sheikh & Bovik 2006, eq. 11).

    Information that the distorted image holds of the reference over the information
    that the reference holds, through the same noisy eye:
    sum log2(1 + g^2 u L_j / (v + s)) / sum log2(1 + u L_j / s). It is summed over the
    horizontal and vertical bands of four levels of a steerable pyramid, blocks of 3x3
    and the nine eigenvalues L_j of a band's covariance; u is the local scale of the
    reference, g and v gain and residual variance of the distorted band, s the noise.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        pad: ``"none"``, or ``"metrix-mux"``: mirror to multiples of 32 first.
        sigma_nsq: variance s of the eye's noise, on 0..255.

    Returns:
        ``[...]`` from 0, higher is better; 1 for identical images, above 1 where
        contrast was enhanced. A reference without information (flat; 0 / 0 in the
        authors' code) gives 1 if the images differ in brightness alone, else 0.

    Raises:
        ValueError: unknown option value, a variance under 1e-12, or a shorter side
            under 65.
    """
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
    citation=(
        "Sheikh, Bovik, de Veciana: An information fidelity criterion for image "
        "quality assessment using natural scene statistics. IEEE TIP 14(12), 2005. "
        "doi:10.1109/TIP.2005.859389"
    ),
    fidelity_note="1e-6 relative (x64) of ifcvec.m, with and without padding",
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
    """Information fidelity criterion (Sheikh et al. 2005, eq. 11), in bits a pixel.

    The numerator of ``vif``: sum log2(1 + g^2 u L_j / (v + s)) over bands, blocks and
    eigenvalues, divided by the number of pixels (after padding), with next to no noise
    s in the eye. Identical images have a value that depends on the image and on s.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        pad: ``"none"``, or ``"metrix-mux"``: mirror to multiples of 32 first.
        sigma_nsq: variance that keeps the logarithm finite, on 0..255.

    Returns:
        ``[...]`` in bits, from 0, higher is better; 0 for a flat reference.

    Raises:
        ValueError: unknown option value, a variance under 1e-12, or a shorter side
            under 65.
    """
    _check(sigma_nsq)
    size, _, bands = _bands(reference, distorted, luma, pad, fine=sigma_nsq < 1e-3)
    seen = jnp.zeros((), reference.dtype)
    for gain, noise, scale, eigenvalues in bands:
        seen = seen + _information(
            gain * gain * scale / (noise + sigma_nsq), eigenvalues, sigma_nsq
        )
    return seen / (float(np.log(2)) * size)

"""PIQE: how much of an image's active blocks is blocky or noisy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import no_reference
from jiqa.ops.extent import Extent, extended
from jiqa.ops.natural_scene_statistics import centred_luma, normalised
from jiqa.ops.numerics import safe_divide, safe_sqrt

#: Side of a block, pixels of a segment of its edge.
_BLOCK, _SEGMENT = 16, 6
#: Variance over which a block is active; deviation under which a segment is flat.
_ACTIVE, _FLAT = 0.1, 0.1
#: Columns of a block's centre. The ones that MathWorks' program takes out for its
#: surround are not the same: the second is deleted after the first, one column on.
_CENTRE, _TAKEN_OUT = [7, 8], [7, 9]


@no_reference(
    title="Perception-based image quality evaluator",
    direction="lower",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    min_side=_BLOCK,
    colour="luma",
    citation=(
        "Venkatanath, Praneeth, Maruthi Chandrasekhar, Channappayya, Medasani: Blind "
        "image quality evaluation using perception based features. NCC 2015. "
        "doi:10.1109/NCC.2015.7084843"
    ),
    fidelity="paper",
    fidelity_note=(
        "to the two decimals that are published of MATLAB's piqe on five images of "
        "TID2013 (IQA-PyTorch's table of official results); 1e-4 of a loop over blocks"
    ),
)
def piqe(
    image: Array,
    *,
    border: str = "replicate",
    luma: str = "matlab",
    extent: Extent | None = None,
) -> Array:
    """PIQE (Venkatanath et al. 2015), as MathWorks' ``piqe`` computes it.

    Luma is normalised as in ``niqe`` and cut into blocks of 16; those of variance v
    over 0.1 are active. One with a segment of 6 pixels along an edge whose deviation
    is under 0.1 is blocky and counts 1 - v. One whose deviation s exceeds 2 b is noisy
    and counts v, where b = |s - r| / max(s, r) and r is the deviation of its two middle
    columns over that of the others. With n active blocks and the sum d of what counts
    the score is 100 (d + 1) / (n + 1).

    Args:
        image: images ``[..., H, W, C]`` with a shorter side of 16 or more.
        border: how an image is continued to whole blocks: ``"replicate"``, the last
            pixel repeated, or ``"symmetric"``; MathWorks' releases differ.
        luma: ``"matlab"``: rounded to whole grey levels, as ``rgb2gray`` of uint8 does;
            ``"bt601"``: not rounded, for images that are not 8-bit.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, lower is better; from 0 to 100 unless blocks have variances over 1.
        100 where no block is active. Blocks join and leave in steps; the gradient is
        that of the variances.

    Raises:
        ValueError: unknown option value, or a side under 16 pixels.
    """
    one_of("border", border, "replicate", "symmetric")
    x, zero = centred_luma(image, luma)
    rows, columns = (-(-n // _BLOCK) for n in x.shape)
    if extent is None:
        missing = [(0, -n % _BLOCK) for n in x.shape]
        x = jnp.pad(x, missing, mode="edge" if border == "replicate" else "symmetric")
    else:
        x = extended(x, extent, (0, 0), (_BLOCK - 1, _BLOCK - 1), border)
        x = x[: rows * _BLOCK, : columns * _BLOCK]
        extent = extent.over(_BLOCK).map(lambda n: n * _BLOCK)
    # 0 outside the image, where no block then is active.
    field = normalised(x, "replicate", "snap", zero, extent)
    blocks = field.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    blocks = blocks.reshape(-1, _BLOCK, _BLOCK)
    variance = _variance(blocks.reshape(-1, _BLOCK**2))
    active = variance > _ACTIVE
    counts = jnp.where(_blocky(blocks), 1 - variance, 0)
    counts = counts + jnp.where(_noisy(blocks, variance), variance, 0)
    number = active.sum(dtype=jnp.int32).astype(field.dtype)
    return 100 * (jnp.where(active, counts, 0).sum() + 1) / (number + 1)


def _variance(x: Array) -> Array:
    """Over the last axis, divided by one sample less."""
    away = x - x.mean(-1, keepdims=True)
    return jnp.square(away).sum(-1) / (x.shape[-1] - 1)


def _blocky(blocks: Array) -> Array:
    """Whether a segment of an edge is flat."""
    edges = jnp.stack(
        [blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], 1
    )
    starts = np.arange(_BLOCK - _SEGMENT + 1)
    segments = edges[..., starts[:, None] + np.arange(_SEGMENT)]
    return (_variance(segments) < _FLAT**2).any((1, 2))


def _noisy(blocks: Array, variance: Array) -> Array:
    """Whether the deviation of a block is large beside that of its centre."""
    rest = [k for k in range(_BLOCK) if k not in _TAKEN_OUT]
    centre, around = (
        safe_sqrt(_variance(blocks[:, :, np.array(k)].reshape(len(blocks), -1)))
        for k in (_CENTRE, rest)
    )
    spread, ratio = safe_sqrt(variance), safe_divide(centre, around)
    beta = safe_divide(jnp.abs(spread - ratio), jnp.maximum(spread, ratio))
    # Nothing around a centre that varies: MATLAB compares with NaN, which is False.
    defined = (around > 0) | (centre == 0)
    return defined & (spread > 2 * beta)

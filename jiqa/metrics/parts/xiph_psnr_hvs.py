"""PSNR-HVS as Xiph's tools and libvmaf compute it, on planes of codes."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.ops.extent import Extent
from jiqa.ops.integer_cosine_transform import integer_dct
from jiqa.ops.numerics import decibels, safe_divide, safe_sqrt, total
from jiqa.ops.video_planes import Planes, is_halved

#: Blocks of 8x8 begin at every seventh sample, so that neighbours share a line.
_SIDE, _STEP = 8, 7
#: Rows of blocks that are worked on at once.
_STRIP = 4

#: How visible an error in each coefficient is (libvmaf, ``psnr_hvs.c`` of Xiph.Org,
#: BSD-2-Clause), of symmetric tables what is on the diagonal and right of it. Those of
#: chroma are for planes of half the size, and the authors use them for others, too.
_VISIBLE = {
    "y": (
        *(1.6193873005, 2.2901594831, 2.08509755623, 1.48366094411),
        *(1.00227514334, 0.678296995242, 0.466224900598, 0.3265091542),
        *(1.94321815382, 2.04793073064, 1.68731108984, 1.2305666963),
        *(0.868920337363, 0.61280991668, 0.436405793551),
        *(1.34329019223, 1.09205635862, 0.875748795257, 0.670882927016),
        *(0.501731932449, 0.372504254596),
        *(0.772819797575, 0.605636379554, 0.48309405692, 0.380429446972),
        0.295774038565,
        *(0.448996256676, 0.352889268808, 0.283006984131, 0.226951348204),
        *(0.27032073436, 0.215017739696, 0.17408067321),
        *(0.168869545842, 0.136153931001, 0.109083846276),
    ),
    "cb": (
        *(1.91113096927, 2.46074210438, 1.18284184739, 1.14982565193),
        *(1.05017074788, 0.898018824055, 0.74725392039, 0.615105596242),
        *(1.58529308355, 1.21363250036, 1.38190029285, 1.33100189972),
        *(1.17428548929, 0.996404342439, 0.830890433625),
        *(0.978712413627, 1.02624506078, 1.03145147362, 0.960060382087),
        *(0.849823426169, 0.731221236837),
        *(0.861317501629, 0.801821139099, 0.751437590932, 0.685398513368),
        0.608694761374,
        *(0.676555426187, 0.605503172737, 0.55002013668, 0.495804539034),
        *(0.514674450957, 0.454353482512, 0.407050308965),
        *(0.389234902883, 0.342353999733, 0.295530605237),
    ),
    "cr": (
        *(2.03871978502, 2.62502345193, 1.26180942886, 1.11019789803),
        *(1.01397751469, 0.867069376285, 0.721500455585, 0.593906509971),
        *(1.69112867013, 1.17180569821, 1.3342742857, 1.28513006198),
        *(1.13381474809, 0.962064122248, 0.802254508198),
        *(0.944981930573, 0.990876405848, 0.995903384143, 0.926972725286),
        *(0.820534991409, 0.706020324706),
        *(0.831632933426, 0.77418706195, 0.725539939514, 0.661776842059),
        0.587716619023,
        *(0.653238524286, 0.584635025748, 0.531064164893, 0.478717061273),
        *(0.496936637883, 0.438694579826, 0.393021669543),
        *(0.375820256136, 0.330555063063, 0.285345396658),
    ),
}
#: What makes masking of visibility: this times it, squared.
_MASKING = 0.3885746225901003

#: What each plane counts in the score of all three, before the logarithm.
_WEIGHTS = {"y": 0.8, "cb": 0.1, "cr": 0.1}

PLANES = ("all", *_WEIGHTS)


def smallest_side(plane: str, yuv: str) -> int:
    """The smallest side with a whole block in every plane that counts."""
    return 2 * _SIDE - 1 if is_halved(yuv) and plane != "y" else _SIDE


def xiph_psnr_hvs(
    reference: Planes,
    distorted: Planes,
    plane: str,
    bits: int,
    extents: Sequence[Extent | None],
) -> Array:
    """The score of one of ``PLANES`` in decibels; infinity without visible errors.

    Args:
        reference: planes of whole codes.
        distorted: planes of the same shapes.
        plane: which of them count.
        bits: of a code.
        extents: what of each plane is the image.
    """
    weights = _WEIGHTS if plane == "all" else {plane: 1.0}
    pairs = [jnp.stack([x, y]) for x, y in zip(reference, distorted, strict=True)]
    tables = [_table(values) for values in _VISIBLE.values()]
    chosen = [k for k, name in enumerate(_WEIGHTS) if name in weights]
    error = jnp.zeros((), reference.y.dtype)
    # Planes of one shape go through one program.
    for shape in dict.fromkeys(pairs[k].shape for k in chosen):
        alike = [k for k in chosen if pairs[k].shape == shape]
        errors = _mean_errors(
            jnp.stack([pairs[k] for k in alike]),
            np.stack([tables[k] for k in alike]),
            extents[alike[0]],
        )
        for k, part in zip(alike, errors, strict=True):
            error = error + [*_WEIGHTS.values()][k] * part if plane == "all" else part
    seen = error > 0
    peak = (2**bits - 1) ** 2
    return jnp.where(seen, decibels(peak, error, seen), jnp.inf)


def _mean_errors(pairs: Array, visible: np.ndarray, extent: Extent | None) -> Array:
    """Means of the squared visible errors of planes ``[planes, 2 images, H, W]``."""
    count = len(pairs)
    rows, cols = ((n - _SIDE) // _STEP + 1 for n in pairs.shape[2:])
    strip = min(_STRIP, rows)
    strips = -(-rows // strip)
    lines = _cut(pairs.swapaxes(2, 3), rows)
    lines = jnp.pad(lines, [(0, 0)] * 3 + [(0, strips * strip - rows), (0, 0)])
    lines = lines.reshape(count, 2, -1, strips, strip, _SIDE)
    lines = lines.transpose(0, 3, 5, 1, 4, 2).reshape(
        count * strips, _SIDE, 2, strip, -1
    )
    tables = jnp.asarray(np.repeat(visible, strips, 0), pairs.dtype)
    errors = lax.map(lambda x: _block_errors(x[0], x[1], cols), (lines, tables))
    errors = errors.reshape(count, -1, cols)[:, :rows]
    blocks = extent and extent.valid(_SIDE, _STEP)
    number = rows * cols if blocks is None else blocks.count(errors.dtype)
    return jnp.stack([total(e, blocks) for e in errors]) / (_SIDE**2 * number)


def _cut(x: Array, count: int) -> Array:
    """Windows of 8 samples of the last axis, every seventh: ``[..., count, 8]``."""
    width = count * _STEP
    whole = x[..., :width].reshape(*x.shape[:-1], count, _STEP)
    last = x[..., _STEP : width + 1 : _STEP, None]
    return jnp.concatenate([whole, last], -1)


def _block_errors(lines: Array, visible: Array, cols: int) -> Array:
    """Sums over blocks; ``lines`` are ``[8, 2 images, rows of blocks, W]``."""

    def blocks(x: Array) -> Array:
        """``[8 columns, 8 rows, 2 images, rows of blocks, columns of blocks]``."""
        return jnp.moveaxis(_cut(x, cols), -1, 0)

    visible = visible[..., None, None]
    masking = (_MASKING * visible) ** 2
    # The mean masks nothing and is not masked.
    others = (np.arange(_SIDE**2) > 0).reshape(_SIDE, _SIDE, 1, 1)
    coefficients = integer_dct(blocks(integer_dct(lines)))
    energy = jnp.where(others, masking, 0)[:, :, None] * jnp.square(coefficients)
    mask = safe_sqrt(energy.sum((0, 1)) * _evenness(blocks(lines))).max(0) / 32
    error = jnp.abs(coefficients[:, :, 0] - coefficients[:, :, 1])
    error = jnp.maximum(error - jnp.where(others, 1 / masking, 0) * mask, 0)
    return jnp.square(visible * error).sum((0, 1))


def _evenness(blocks: Array) -> Array:
    """The variances of the four quadrants over that of the block; 0 if it is flat."""
    # From a sample of the block, so that a constant block is 0 to the last digit.
    away = blocks - blocks[:1, :1]
    half = _SIDE // 2
    quadrants = away.reshape(2, half, 2, half, *away.shape[2:])
    sums, powers = quadrants.sum((1, 3)), jnp.square(quadrants).sum((1, 3))
    count = half**2
    spread = (powers - jnp.square(sums) / count).sum((0, 1)) * (count / (count - 1))
    power, square, count = powers.sum((0, 1)), jnp.square(sums.sum((0, 1))), _SIDE**2
    return safe_divide(spread, (power - square / count) * (count / (count - 1)))


def _table(values: tuple[float, ...]) -> np.ndarray:
    """A symmetric table of what is on its diagonal and right of it."""
    table = np.zeros((_SIDE, _SIDE))
    table[np.triu_indices(_SIDE)] = values
    return table + np.triu(table, 1).T

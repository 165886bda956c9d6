"""CAMBI: how visible banding is, by counts of grey levels a few steps apart."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected
from jiqa.core.metric import no_reference
from jiqa.ops.numerics import added, total, varying_as
from jiqa.ops.video_planes import video_planes

#: Steps between bands in codes of 10 bits, each with its weight.
_STEPS = (1, 2, 3, 4)
#: The brightest code at which each step is seen: there it changes luminance by more
#: than 1.9 % on a display of ITU-R BT.1886 (300 and .01 cd/m2, gamma 2.4, head-room).
_SEEN_TO = (178, 305, 432, 559)
_WEIGHTS_OF_SCALES = (16, 8, 4, 2, 1)
#: The share of pixels that counts, those with the most banding.
_SHARE = 0.6
#: Side of the window in which a pixel's surround has to be flat.
_FLAT = 7
_LONGER_SIDE, _SHORTER_SIDE = 216, 64


@no_reference(
    title="Contrast aware multiscale banding index",
    direction="lower",
    range=(0.0, 1000.0),
    identity=None,
    symmetric=False,
    min_side=_LONGER_SIDE,
    min_side_of="longer",
    differentiable=False,
    colour="luma",
    citation=(
        "Tandon, Afonso, Sole, Krasula: CAMBI: contrast-aware multiscale banding "
        "index. Picture Coding Symposium, 2021. doi:10.1109/PCS50896.2021.9477464"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-7 (x64) of the authors' code, feature cambi of libvmaf (August 2026), on "
        "planes of 8 and 10 bits"
    ),
)
def cambi(image: Array, *, yuv: str = "bt709-limited-420", bits: int = 8) -> Array:
    """Banding (Tandon et al. 2021), as libvmaf's feature ``cambi`` computes it.

    On luma in codes of 10 bits; codes of 8 bits are first averaged over 2x2 pixels.
    Pixels whose surround of 7x7 is mostly flat are looked at, at five scales, after
    isolated values have been removed. In a window around each, p(k) of such pixels are
    k codes brighter; its contrast is the largest of k p(0) q / (p(0) + q) with
    q = max(p(k), p(-k)), k from 1 to 4, over those k that are visible at its
    brightness. The score is the mean of the largest 60 % of all contrasts, summed over
    the scales with weights of 16 to 1 and divided by the window's pixels.

    It counts equal codes, so its gradient is 0 everywhere: it is a measurement, no loss
    to train on.

    Args:
        image: images ``[..., H, W, C]`` with a longer side of 216 or more and a shorter
            one of 64 or more.
        yuv: how luma is made of sRGB: ``"bt709-limited-420"``, ITU-R BT.709 with
            head-room, as most video has it; also ``"bt601-..."`` and
            ``"...-full-..."``, for which the program takes the same thresholds. Chroma
            has no part.
        bits: of a code: 8, as in most video, 10 or 12.

    Returns:
        ``[...]``, lower is better; 0 without banding, about 5 where it begins to annoy
        and about 24 for the worst of the authors' videos. Noise hides banding, so a
        noisier image may score better.

    Raises:
        ValueError: unknown option value, or an image that is too small.
    """
    height, width = image.shape[:2]
    if min(height, width) < _SHORTER_SIDE:
        wanted = f"images with a shorter side of at least {_SHORTER_SIDE} pixels"
        got = f"{width}x{height} (width x height)"
        raise ValueError(expected("cambi", wanted, got))
    luma = video_planes(lax.stop_gradient(image), yuv, bits).y
    return of_luma(luma, bits)


def of_luma(luma: Array, bits: int) -> Array:
    """The score of a plane ``[H, W]`` of whole codes."""
    height, width = luma.shape
    codes = _ten_bits(luma.astype(jnp.int32), bits)
    flat = _flat(codes)
    half = ((65 * (width + height)) // 375 >> 4) >> 1
    score = jnp.zeros((), luma.dtype)
    for scale, weight in enumerate(_WEIGHTS_OF_SCALES):
        if scale:
            codes, flat = codes[::2, ::2], flat[::2, ::2]
        codes = _without_isolated(codes)
        contrast = _contrast(codes, flat, half, luma.dtype)
        score = score + weight * _mean_of_largest(contrast, _SHARE)
    return score / (2 * half + 1) ** 2


def _ten_bits(codes: Array, bits: int) -> Array:
    """Codes of 10 bits; of those of 8 bits dither is averaged away."""
    if bits >= 10:
        shift = bits - 10
        return (codes + ((1 << shift) >> 1)) >> shift
    codes = codes << (10 - bits)
    # Beyond the border a pixel is its neighbour inside, so sums of two count twice.
    wide = jnp.pad(codes, ((0, 1), (0, 1)), mode="edge")
    return added([codes, wide[1:, :-1], wide[:-1, 1:], wide[1:, 1:]]) >> 2


def _flat(codes: Array) -> Array:
    """Where most pixels of the surround equal their right and lower neighbours."""
    height, width = codes.shape
    wide = jnp.pad(codes, ((0, 1), (0, 1)), mode="edge")
    same = (codes == wide[:-1, 1:]) & (codes == wide[1:, :-1])
    count = jnp.pad(same.astype(jnp.int32), _FLAT // 2)
    count = added(count[k : k + height] for k in range(_FLAT))
    count = added(count[:, k : k + width] for k in range(_FLAT))
    size = ((width >> 6) * (height >> 6) - 1).bit_length()
    return count > (_FLAT**2 + 3 * (size - 11) - 1) >> 1


def _without_isolated(codes: Array) -> Array:
    """The most frequent of three neighbours along rows, then along columns.

    The first and the last row keep what they are, and so do pixels at the ends of rows
    along them.
    """
    middle = _most_frequent(codes[:, :-2], codes[:, 1:-1], codes[:, 2:])
    rows = jnp.concatenate([codes[:, :1], middle, codes[:, -1:]], 1)
    inner = _most_frequent(rows[:-2], rows[1:-1], rows[2:])
    return jnp.concatenate([codes[:1], inner, codes[-1:]])


def _most_frequent(a: Array, b: Array, c: Array) -> Array:
    """Of three values that which occurs twice, or the smallest."""
    least = jnp.minimum(jnp.minimum(a, b), c)
    return jnp.where((a == b) | (a == c), a, jnp.where(b == c, b, least))


def _contrast(codes: Array, flat: Array, half: int, dtype: np.dtype) -> Array:
    """The contrast of bands around each pixel, 0 where it is not flat.

    Row by row from top to bottom: of every code, and for the window around every
    column, the number of flat pixels is kept. A row that enters adds to it and one that
    leaves is taken away.
    """
    height, width = codes.shape
    reach, side = max(_STEPS), 2 * half + 1
    # Codes from 0 on after some that do not exist; all that are too bright are one.
    codes = jnp.minimum(codes, _SEEN_TO[-1] + reach + 1) + reach
    weights = flat.astype(jnp.int32)

    def late(x: Array, rows: int) -> Array:
        return jnp.pad(x, ((rows, 0), (0, 0)))[: height + half]

    def early(x: Array) -> Array:
        return jnp.pad(x, ((0, half), (0, 0)))

    lines = (
        jnp.concatenate([early(codes), late(codes, side)], 1),
        jnp.concatenate([early(weights), -late(weights, side)], 1),
        late(codes, half),
    )
    columns = jnp.arange(width, dtype=jnp.int32)
    both = jnp.concatenate([columns, columns])
    around = jnp.arange(-reach, reach + 1, dtype=jnp.int32)

    def row(counts: Array, line: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        at, change, centre = line
        # A pixel counts in all windows whose centre is at most half a side away.
        counts = lax.scatter_add(
            counts,
            jnp.stack([at, both], -1),
            jnp.broadcast_to(change[:, None], (2 * width, side)),
            lax.ScatterDimensionNumbers(
                update_window_dims=(1,),
                inserted_window_dims=(0,),
                scatter_dims_to_operand_dims=(0, 1),
            ),
            mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
        )
        found = counts[centre[None] + around[:, None], columns[None] + half]
        return counts, _largest(found, centre - reach, dtype)

    brightest = _SEEN_TO[-1] + 2 * reach + 2
    start = jnp.zeros((brightest, width + 2 * half), jnp.int32)
    _, contrast = lax.scan(row, varying_as(codes, start), lines)
    return jnp.where(flat, contrast[half:], 0)


def _largest(counts: Array, codes: Array, dtype: np.dtype) -> Array:
    """The largest contrast of one row, of counts ``[-4 to 4, W]``."""
    reach = max(_STEPS)
    here = counts[reach]

    def of(step: int, seen_to: int) -> Array:
        there = jnp.maximum(counts[reach + step], counts[reach - step])
        shared = (step * here * there).astype(dtype)
        contrast = shared / jnp.maximum(here + there, 1).astype(dtype)
        return jnp.where(codes <= seen_to, contrast, 0)

    return functools.reduce(jnp.maximum, map(of, _STEPS, _SEEN_TO))


def _mean_of_largest(x: Array, share: float) -> Array:
    """Mean of the largest share of all values, which are 0 or more.

    Numbers from 0 on are in the order of their bits, so the least of those that count
    is found bit by bit.
    """
    count = min(max(int(share * x.size), 1), x.size)
    kind = jnp.int32 if x.dtype == jnp.float32 else jnp.int64
    bits = lax.bitcast_convert_type(x, kind)
    highest = jnp.finfo(x.dtype).bits - 2

    def narrowed(k: Array, low: Array) -> Array:
        tried = low | jnp.left_shift(
            jnp.ones((), kind), jnp.asarray(highest - k).astype(kind)
        )
        enough = (bits >= tried).sum(dtype=jnp.int32) >= count
        return jnp.where(enough, tried, low)

    low = lax.fori_loop(0, highest + 1, narrowed, varying_as(x, jnp.zeros((), kind)))
    least = lax.bitcast_convert_type(low, x.dtype)
    above = bits > low
    rest = count - above.sum(dtype=jnp.int32)
    return (total(jnp.where(above, x, 0)) + rest.astype(x.dtype) * least) / count

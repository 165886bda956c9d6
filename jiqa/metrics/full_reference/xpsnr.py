"""XPSNR: PSNR with block errors weighted by what the original's activity hides."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.numerics import decibels, straight_through, total
from jiqa.ops.video_planes import Planes, video_planes

#: Pixels of the picture that the constants are made for, of one over which the activity
#: is that of its half, and of one up to which weights are smoothed.
_UHD, _ABOVE_HD, _SMALL = 3840 * 2160, 2048 * 1152, 640 * 480
#: How much a change from the frame before counts.
_TEMPORAL = 2
_PLANES = ("y", "u", "v")


@full_reference(
    title="Extended perceptually weighted peak signal-to-noise ratio",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=float("inf"),
    symmetric=False,
    min_side=2,
    colour="luma",
    citation=(
        "Helmrich, Siekmann, Becker, Bosse, Marpe, Wiegand: XPSNR: a low-complexity "
        "extension of the perceptually weighted peak signal-to-noise ratio for "
        "high-resolution video quality assessment. IEEE ICASSP, 2020. "
        "doi:10.1109/ICASSP40776.2020.9054089"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "5e-6 dB (x64) of the authors' code in release 9.0.2 of ffmpeg, up to 672x640; "
        "pictures of over 2048x1152 pixels, which it filters otherwise, follow its text"
    ),
)
def xpsnr(
    reference: Array,
    distorted: Array,
    *,
    plane: str = "y",
    yuv: str = "bt709-limited-420",
    bits: int = 8,
    quantise: bool = True,
) -> Array:
    """XPSNR (Helmrich et al. 2020) of a still image, as ffmpeg computes it.

    10 log10(W H peak^2 / sum of w E) over blocks, with E a block's squared error and
    w = a / A: A is the mean size of a high-pass of the reference's luma plus twice its
    mean code (the change from a black frame before it), at least 2^(bits - 6), and
    a^2 = 2^(2 bits - 5) / sqrt(W H / (3840 2160)). Blocks are 128 pixels wide in a
    picture of 3840x2160 and smaller in smaller ones. Up to 640x480 pixels no weight
    exceeds the largest of its neighbours' by much. Chroma has luma's weights.

    Weights are the reference's alone, so the two images may not be swapped.

    The authors' licence of their program grants no rights to any patents. This is
    another program after the published method; whether a patent covers your use of
    the method is for you to find out.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        plane: ``"y"``, luma, which most publications call XPSNR; ``"u"`` or ``"v"``;
            or ``"minimum"``, the least of the three, which ffmpeg prints behind them.
        yuv: how codes are made of sRGB: ``"bt709-limited-420"``, ITU-R BT.709 with
            head-room and chroma of half the size, as most video has it; also
            ``"bt601-..."``, ``"...-full-..."`` and ``"...-444"``.
        bits: of a code: 8, as in most video, 10 or 12.
        quantise: whether codes and sums are whole numbers, as in the program;
            ``False`` gives a function without steps, whose gradient is exact.

    Returns:
        ``[...]`` in dB, higher is better; infinity for equal planes, with gradient 0.
        The gradient passes through the rounding to codes.

    Raises:
        ValueError: unknown option value, or an image under 2x2.
    """
    one_of("plane", plane, *_PLANES, "minimum")
    x, y = (
        video_planes(image, yuv, bits, quantise=quantise)
        for image in (reference, distorted)
    )
    return of_planes(x, y, plane, bits, quantise)


def of_planes(
    reference: Planes, distorted: Planes, plane: str, bits: int, quantise: bool = True
) -> Array:
    """The score of two images that are given as codes."""
    height, width = reference.y.shape
    ratio = height * width / _UHD
    side = 4 * int(32 * math.sqrt(ratio) + 0.5)
    scale = math.sqrt(2 ** (2 * bits - 5) / math.sqrt(max(1e-5, ratio)))
    weights = _weights(reference.y, side, bits) if side >= 4 else None
    scores = []
    for name, x, y in zip(_PLANES, reference, distorted, strict=True):
        if plane not in (name, "minimum"):
            continue
        squares = jnp.square(x - y)
        if weights is None:
            error = total(squares)
        else:
            rows, cols = side * x.shape[0] // height, side * x.shape[1] // width
            sums = _block_sums(squares, rows, cols).reshape(-1)
            # The program counts blocks row by row in both, also where chroma of an odd
            # size has one more in a row.
            at = np.minimum(np.arange(sums.size), weights.size - 1)
            error = scale * (sums * weights[at]).sum()
        if quantise:
            error = straight_through(jnp.floor(error + 0.5), error)
        seen = error >= 1 if quantise else error > 0
        peak = x.size * (2**bits - 1) ** 2
        scores.append(jnp.where(seen, decibels(peak, error, seen), jnp.inf))
    return jnp.stack(scores).min()


def _weights(luma: Array, side: int, bits: int) -> Array:
    """Of each block, row by row: 1 over its activity."""
    large = luma.size > _ABOVE_HD
    rim = 2 if large else 1
    inner, whole = (
        np.outer(*(_counts(n, side, r) for n in luma.shape)) for r in (rim, 0)
    )
    if large:
        activity = _block_sums(_detail_of_half(luma), side // 2, side // 2)
    else:
        activity = _block_sums(_detail(luma), side, side)
    activity = activity / jnp.asarray(np.maximum(inner, 1), luma.dtype)
    change = _block_sums(luma, side, side) / jnp.asarray(whole, luma.dtype)
    activity = jnp.maximum(activity + _TEMPORAL * change, 2.0 ** (bits - 6))
    # Of blocks whose pixels all lie at the picture's border nothing is known.
    weights = jnp.where(inner > 0, 1 / activity, 1)
    flat = weights.reshape(-1)
    return _smoothed(flat, weights.shape[1]) if luma.size <= _SMALL else flat


def _detail(luma: Array) -> Array:
    """|12 c - 2 (4 neighbours) - (4 diagonal ones)|, 0 at the picture's border."""
    rows = luma[:-2] + 2 * luma[1:-1] + luma[2:]
    around = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return jnp.pad(jnp.abs(16 * luma[1:-1, 1:-1] - around), 1)


def _detail_of_half(luma: Array) -> Array:
    """The same of 2x2 pixels and what is around them, at every second pixel."""
    edge, side = [0, 1, 1, 1, 1, 0], [1, 2, 3, 3, 2, 1]
    middle = [1, 3, -12, -12, 3, 1]
    kernel = jnp.asarray([edge, side, middle, middle, side, edge], luma.dtype)
    height, width = luma.shape
    even = jnp.pad(luma, ((0, height % 2), (0, width % 2)), mode="edge")
    found = lax.conv_general_dilated(
        even[None, None],
        kernel[None, None],
        (2, 2),
        "VALID",
        precision=lax.Precision.HIGHEST,
    )
    return jnp.pad(jnp.abs(found[0, 0]), 1)


def _counts(size: int, side: int, rim: int) -> np.ndarray:
    """How many samples of each block along an axis are not in the picture's rim."""
    starts = np.arange(0, size, side)
    stops = np.minimum(starts + side, size)
    stops = np.where(stops == size, stops - rim, stops)
    return np.maximum(stops - np.where(starts == 0, rim, starts), 0)


def _block_sums(x: Array, rows: int, cols: int) -> Array:
    """Sums over blocks from the top left; the last ones may be cut."""
    height, width = x.shape
    x = jnp.pad(x, ((0, -height % rows), (0, -width % cols)))
    x = x.reshape(x.shape[0] // rows, rows, -1, cols)
    return x.sum(3).sum(1)


def _smoothed(weights: Array, cols: int) -> Array:
    """Weights lowered to the largest of their neighbours', in the order of the program.

    When a block is reached, the weight of the one before it is lowered, by blocks left
    and above that have been lowered before and by the block itself, which has not.
    """
    count = weights.size

    def before(w: Array, at: Array) -> Array:
        return w[jnp.maximum(at, 0)]

    def reached(k: Array, w: Array) -> Array:
        column = k % cols
        left = jnp.where((column > 1) | ((column == 0) & (k > 1)), before(w, k - 2), 0)
        most = jnp.maximum(left, jnp.where(column > 0, w[k], 0))
        above = jnp.where(k > cols, before(w, k - 1 - cols), 0)
        at = jnp.maximum(k - 1, 0)
        lower = jnp.minimum(w[at], jnp.maximum(most, above))
        return w.at[at].set(jnp.where(k > 0, lower, w[at]))

    weights = lax.fori_loop(0, count, reached, weights)
    if count - 1 > cols:
        most = jnp.maximum(weights[-2], weights[-1 - cols])
        weights = weights.at[-1].set(jnp.minimum(weights[-1], most))
    return weights

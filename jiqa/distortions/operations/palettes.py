"""Fewer colours: a palette of least variance, and dithering to it; on the host only.

MATLAB's ``rgb2ind`` chooses the palette by minimum variance quantisation and diffuses
the error. The palette here is built by the published algorithm of that kind (X. Wu,
"Efficient statistical computations for optimal color quantization", Graphics Gems II,
1991): boxes of colours, the one of most variance cut where most of it goes. The error
is diffused by Pillow, with the weights of Floyd and Steinberg. MATLAB's own programs
for both are not public, so that single pixels will differ.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.distortions.operations.rounding import from_uint8, needs_colour, to_uint8

#: The palette is cut on 32 levels a channel, as in Wu's program.
_SHIFT, _SIDE = 3, 32

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def dithered_palette(image: Any, colours: int) -> np.ndarray:
    """``ind2rgb(rgb2ind(image, colours))``: few colours, the error diffused (RankIQA).

    Args:
        image: ``[H, W, C]`` in [0, 1]; a grey one keeps its one channel.
        colours: number of colours, 2 to 256.
    """
    image = np.asarray(image)
    pixels = np.repeat(to_uint8(image), 3 // image.shape[-1], axis=-1)
    chosen = least_variance_palette(pixels, colours)
    dithered = chosen[dithered_indices(pixels, chosen)]
    return from_uint8(dithered[..., : image.shape[-1]], image)


def dithered_mean_colours(image: Array | np.ndarray, colours: int) -> np.ndarray:
    """``dithered_palette`` whose colours are means of boxes, not rounded (KADID-10k).

    Raises:
        ValueError: a grey image, or a count outside 1..256.
    """
    needs_colour(image, "colour_quantization")
    if not 1 <= colours <= 256:
        raise ValueError(expected("colours", "1 to 256", repr(colours)))
    pixels = to_uint8(image)
    palette = variance_palette(pixels, colours)
    indexed = dithered_indices(pixels, whole_colours(palette))
    return (palette[indexed] / 255).astype(image.dtype)


def dithered_indices(pixels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The index of each pixel's colour in a palette, with the error diffused by Pillow.

    Args:
        pixels: uint8 ``[H, W, 3]``.
        palette: uint8 ``[n, 3]``, at most 256.

    Returns:
        ``[H, W]``, numbers below n.
    """
    from PIL import Image

    carrier = Image.new("P", (1, 1))
    # Pillow looks at 256 entries: the rest repeats the first, which is found first.
    rest = np.repeat(palette[:1], 256 - len(palette), axis=0)
    carrier.putpalette(np.concatenate([palette, rest]).tobytes())
    found = Image.fromarray(pixels).quantize(
        palette=carrier, dither=Image.Dither.FLOYDSTEINBERG
    )
    return np.asarray(found)


def least_variance_palette(pixels: np.ndarray, colours: int) -> np.ndarray:
    """Up to ``colours`` colours for the pixels ``[H, W, 3]``, as uint8 ``[n, 3]``.

    See ``variance_palette``.
    """
    return whole_colours(variance_palette(pixels, colours, beside=True))


def whole_colours(palette: np.ndarray) -> np.ndarray:
    """The colours of a palette rounded, halves upwards, as uint8."""
    return np.floor(palette + 0.5).astype(np.uint8)


def variance_palette(
    pixels: np.ndarray, colours: int, *, beside: bool = False
) -> np.ndarray:
    """Mean colours of boxes that divide the colour cube where variance falls most.

    Wu: Efficient statistical computations for optimal color quantization. Graphics
    Gems II (1991). The box with the most variance is cut in two, along the axis and at
    the level that leave the least, until there are enough.

    Args:
        pixels: uint8 ``[..., 3]``.
        colours: how many boxes at most; fewer where the image has fewer colours.
        beside: whether the two halves of a box are neighbours in the palette; else the
            second comes last. Among colours that are equally near, dithering takes the
            first, so that pixels depend on the order.

    Returns:
        ``[n, 3]`` on the scale 0..255, not rounded.
    """
    sums = _cumulated(pixels.reshape(-1, 3))
    whole: Box = ((0, _SIDE), (0, _SIDE), (0, _SIDE))
    boxes: list[Box] = [whole]
    spread = [_spread(_total(sums, whole))]
    while len(boxes) < colours:
        widest = int(np.argmax(spread))
        if spread[widest] <= 0:
            break
        parts = _cut(sums, boxes[widest])
        if parts is None:
            spread[widest] = 0.0
            continue
        place = widest + 1 if beside else len(boxes)
        boxes[widest], other = parts
        spread[widest] = _spread(_total(sums, boxes[widest]))
        boxes.insert(place, other)
        spread.insert(place, _spread(_total(sums, other)))
    totals = np.array([_total(sums, box) for box in boxes])
    return totals[:, 1:4] / totals[:, :1]


def _cumulated(pixels: np.ndarray) -> np.ndarray:
    """Count, sums of R, G, B and of squares, below each corner: ``[33, 33, 33, 5]``."""
    cell = np.ravel_multi_index(tuple((pixels >> _SHIFT).T), (_SIDE,) * 3)
    values = pixels.astype(np.float64)
    terms = [None, *values.T, (values**2).sum(1)]
    sums = np.zeros((_SIDE + 1,) * 3 + (5,))
    for i, weights in enumerate(terms):
        counted = np.bincount(cell, weights, _SIDE**3).reshape((_SIDE,) * 3)
        sums[1:, 1:, 1:, i] = counted.cumsum(0).cumsum(1).cumsum(2)
    return sums


def _total(sums: np.ndarray, box: Box) -> np.ndarray:
    """The five sums over a box."""
    signs = (-1.0, 1.0)
    return sum(
        signs[i] * signs[j] * signs[k] * sums[box[0][i], box[1][j], box[2][k]]
        for i, j, k in product((0, 1), repeat=3)
    )  # pyright: ignore


def _spread(total: np.ndarray) -> float:
    """Sum of squared distances from the mean colour."""
    return float(total[4] - _explained(total))


def _explained(total: np.ndarray) -> np.ndarray:
    """The amount that the mean colour takes off the sum of squares."""
    return (total[..., 1:4] ** 2).sum(-1) / np.maximum(total[..., 0], 1)


def _cut(sums: np.ndarray, box: Box) -> tuple[Box, Box] | None:
    """The two halves that leave the least variance; none if one would be empty."""
    whole = _total(sums, box)
    best, parts = -np.inf, None
    for axis in range(3):
        low, high = box[axis]
        slabs = [
            _total(sums, _with(box, axis, ends))
            for ends in pairwise(range(low, high + 1))
        ]
        lower = np.cumsum(slabs, 0)[:-1]
        upper = whole - lower
        filled = (lower[:, 0] > 0.5) & (upper[:, 0] > 0.5)
        if not filled.any():
            continue
        gain = _explained(lower) + _explained(upper)
        place = int(np.argmax(np.where(filled, gain, -np.inf)))
        if gain[place] > best:
            best, at = gain[place], low + place + 1
            parts = _with(box, axis, (low, at)), _with(box, axis, (at, high))
    return parts


def _with(box: Box, axis: int, ends: tuple[int, int]) -> Box:
    sides = list(box)
    sides[axis] = ends
    return sides[0], sides[1], sides[2]

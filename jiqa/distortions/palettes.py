"""Fewer colours: a palette of least variance, and dithering to it; on the host only.

MATLAB's ``rgb2ind`` chooses the palette by minimum variance quantisation and diffuses
the error. The palette here is built by the published algorithm of that kind (X. Wu,
"Efficient statistical computations for optimal color quantization", Graphics Gems II,
1991): boxes of colours, the one of most variance cut where most of it goes. The error
is diffused by Pillow, with the weights of Floyd and Steinberg. MATLAB's own programs
for both are not public, so that single pixels will differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jiqa.distortions.eight_bits import from_uint8, to_uint8

#: Bits of a channel that boxes of colours are made of, as in Wu's program.
_BITS = 5


def dithered_palette(image: Any, colours: int) -> np.ndarray:
    """``ind2rgb(rgb2ind(image, colours))``: few colours, the error diffused.

    Args:
        image: ``[H, W, C]`` in [0, 1]; a grey one keeps its one channel.
        colours: number of colours, 2 to 256.
    """
    from PIL import Image

    image = np.asarray(image)
    pixels = np.repeat(to_uint8(image), 3 // image.shape[-1], axis=-1)
    chosen = least_variance_palette(pixels, colours)
    palette = Image.new("P", (1, 1))
    # Pillow looks at 256 entries: the rest repeats the first.
    full = np.concatenate([chosen, np.repeat(chosen[:1], 256 - len(chosen), axis=0)])
    palette.putpalette(full.tobytes())
    dithered = Image.fromarray(pixels).quantize(
        palette=palette, dither=Image.Dither.FLOYDSTEINBERG
    )
    return from_uint8(full[np.asarray(dithered)][..., : image.shape[-1]], image)


def least_variance_palette(pixels: np.ndarray, colours: int) -> np.ndarray:
    """Up to ``colours`` colours for the pixels ``[H, W, 3]``, as uint8 ``[n, 3]``.

    Fewer come back where the image does not hold as many different ones, up to the 5
    bits of each channel that the boxes are made of.
    """
    sums = _moments(pixels)
    whole = ((0, 0, 0), (1 << _BITS,) * 3)
    boxes, spreads = [whole], [_spread(sums, *whole)]
    while len(boxes) < colours and max(spreads) > 0:
        widest = int(np.argmax(spreads))
        halves = _best_cut(sums, *boxes[widest])
        if halves is None:  # all in one cell
            spreads[widest] = 0.0
            continue
        boxes[widest : widest + 1] = halves
        spreads[widest : widest + 1] = [_spread(sums, *half) for half in halves]
    totals = np.array([_total(sums, *box) for box in boxes])
    means = totals[:, 1:4] / totals[:, :1]
    return np.floor(means + 0.5).astype(np.uint8)


def _moments(pixels: np.ndarray) -> np.ndarray:
    """Sums over all cells below each corner: count, R, G, B, R^2 + G^2 + B^2."""
    colour = pixels.reshape(-1, 3).astype(np.int64)
    cell = colour >> (8 - _BITS)
    side = 1 << _BITS
    place = (cell[:, 0] * side + cell[:, 1]) * side + cell[:, 2]
    weights = (None, *colour.T, (colour**2).sum(1))
    sums = np.zeros((side + 1,) * 3 + (5,))
    for index, weight in enumerate(weights):
        counts = np.bincount(place, weight, side**3)
        sums[1:, 1:, 1:, index] = counts.reshape((side,) * 3)
    return sums.cumsum(0).cumsum(1).cumsum(2)


Corner = tuple[int, ...]


def _total(sums: np.ndarray, low: Corner, high: Corner) -> np.ndarray:
    """The five sums over one box, by inclusion and exclusion of its corners."""
    total = np.zeros(5)
    for corner in np.ndindex(2, 2, 2):
        place = tuple((low, high)[c][axis] for axis, c in enumerate(corner))
        total = total + (-1) ** (3 - sum(corner)) * sums[place]
    return total


def _spread(sums: np.ndarray, low: Corner, high: Corner) -> float:
    """Sum of the squared distances to the box's mean."""
    count, *moment, square = _total(sums, low, high)
    return square - np.dot(moment, moment) / count


def _best_cut(sums: np.ndarray, low: Corner, high: Corner) -> list | None:
    """The two boxes with the least spread together, if the box can be cut."""
    best, halves = 0.0, None
    whole = _total(sums, low, high)
    for axis in range(3):
        for place in range(low[axis] + 1, high[axis]):
            middle = (*high[:axis], place, *high[axis + 1 :])
            first = _total(sums, low, middle)
            second = whole - first
            if not first[0] or not second[0]:
                continue
            gain = sum(np.dot(t[1:4], t[1:4]) / t[0] for t in (first, second))
            if gain > best:
                start = (*low[:axis], place, *low[axis + 1 :])
                best, halves = gain, [(low, middle), (start, high)]
    return halves

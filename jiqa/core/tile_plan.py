"""How an image is cut into tiles whose features fit into a given amount of memory."""

from __future__ import annotations

import math
from typing import NamedTuple

from jiqa.checks import expected
from jiqa.core.feature_spec import FeatureSpec
from jiqa.core.tile_reduction import TileReduction
from jiqa.nn.graph import IMAGES, until
from jiqa.nn.receptive_field import Reach, reaches

_FLOAT = 4  # bytes
#: Side of an image on which the memory for one pixel is measured.
_NOMINAL = 1024


class Span(NamedTuple):
    """A tile along one axis: all its pixels, and those it is responsible for.

    ``ends`` is true for the last tile.
    """

    start: int
    stop: int
    first: int
    last: int
    ends: bool


def tile_spans(
    spec: FeatureSpec, reduction: TileReduction, memory: int, size: tuple[int, int]
) -> tuple[list[Span], list[Span]]:
    """Where an image of a given size is cut, along rows and along columns.

    Raises:
        ValueError: not even the smallest tile fits into ``memory`` bytes.
    """
    side = tile_side(spec, reduction, memory)
    widest = _widest(spec, reduction.halo)
    return _spans(size[0], side, widest), _spans(size[1], side, widest)


def tile_side(spec: FeatureSpec, reduction: TileReduction, memory: int) -> int:
    """Side in pixels of the largest tile whose features fit into ``memory`` bytes.

    Raises:
        ValueError: not even the smallest tile does.
    """
    widest = _widest(spec, reduction.halo)
    stride, margin = widest.stride, _margin(widest)
    per_pixel = bytes_needed(spec, reduction, _NOMINAL, _NOMINAL) / _NOMINAL**2
    side = int((memory / per_pixel) ** 0.5) - margin
    side -= side % stride
    if side < stride:
        least = (margin + stride) ** 2 * per_pixel
        wanted = f"at least {least:.0f} bytes, for the smallest tile"
        raise ValueError(expected("memory", wanted, f"{memory}"))
    return side


def bytes_needed(
    spec: FeatureSpec, reduction: TileReduction | None, rows: int, columns: int
) -> float:
    """Memory in bytes for the features of a pair of whole images.

    The maps that are compared stay in memory; of the others two exist at a time, and a
    convolution needs about as much again. To this comes the memory of the comparison's
    steps.
    """
    if spec.resize is not None:
        rows = columns = spec.resize
    sides, widths = {IMAGES: (rows, columns)}, {IMAGES: 3}
    numbers = {IMAGES: 3 * rows * columns}
    largest = 0
    for node in until(spec.nodes, spec.taps):
        name, came = node.name, sides[node.inputs[0]]
        sides[name] = node.op.size(came[0], 0), node.op.size(came[1], 1)
        widths[name] = node.op.channels(*(widths[n] for n in node.inputs))
        numbers[name] = widths[name] * math.prod(sides[name])
        largest = max(largest, numbers[name] + sum(numbers[n] for n in node.inputs))
    kept = [numbers[tap] for tap in spec.taps]
    work = reduction.work * max(kept) if reduction is not None else 0
    return _FLOAT * (2 * sum(kept) + max(3 * largest, work))


def _widest(spec: FeatureSpec, halo: int) -> Reach:
    """A receptive field that covers that of every tap, with a halo."""
    found = reaches(spec.nodes, spec.taps).values()
    fields = (
        (r.stride, r.before, r.after) for r in (reach.widened(halo) for reach in found)
    )
    return Reach(*map(max, zip(*fields, strict=True)))


def _margin(widest: Reach) -> int:
    return 2 * widest.stride + widest.before + widest.after


def _spans(length: int, side: int, widest: Reach) -> list[Span]:
    """Tiles along an axis; all begin on whole samples of every map."""
    stride, after = widest.stride, widest.after
    before = -(-widest.before // stride) * stride
    spans = []
    for first in range(0, length, side):
        last = min(first + side, length)
        # The rest must hold a sample of the deepest map; else it joins this tile.
        if length - last < before + after + stride:
            last = length
        ends = last == length
        stop = length if ends else min(length, last + after)
        spans.append(Span(max(0, first - before), stop, first, last, ends))
        if ends:
            break
    return spans

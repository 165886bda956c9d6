"""Deep metrics of images too large for memory, tile by tile, with the same result.

A sample of a feature map depends on a few hundred pixels around it. A tile is cut out
with that margin, its features are computed, the samples of the margin are dropped, and
what is left is summed up. All tiles together have every sample of the whole image's
maps exactly once, computed from the same pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import jax

from jiqa.images import to_float
from jiqa.nn.layers import IMAGES, until
from jiqa.nn.receptive import Reach, reaches
from jiqa.wiring import Learned, Options, Params, Pieces, Wiring

_FLOAT = 4  # bytes


class _Span(NamedTuple):
    """A tile along one axis: the pixels it is cut from, and those it answers for."""

    start: int
    stop: int
    first: int
    last: int


def tiled(
    learned: Learned,
    params: Params,
    options: Options,
    reference: Any,
    distorted: Any,
    *,
    memory: int,
) -> Any:
    """Score of one pair ``[H, W, C]``, in tiles that need about ``memory`` bytes.

    Args:
        learned: what the metric is made of.
        params: its parameters, flat.
        options: those chosen.
        reference: image.
        distorted: image of the same shape.
        memory: for the features of one tile of both images.

    Raises:
        ValueError: a metric, or an option of it, that needs the whole image at once,
            or less memory than the smallest tile needs.
    """
    pieces = learned.pieces
    if pieces is None or not pieces.applies(options):
        raise ValueError(
            "this metric, with these options, looks at whole feature maps; it cannot "
            "be computed in tiles"
        )
    wiring = learned.wire(options)
    found = reaches(wiring.nodes, wiring.taps)
    side = tile_side(wiring, memory)
    rows, columns = (_spans(n, side, _widest(found)) for n in reference.shape[:2])
    total = None
    for row in rows:
        for column in columns:
            part = _summary(
                learned,
                options,
                _crops(found, row, column, reference.shape),
                params,
                *(_cut(image, row, column) for image in (reference, distorted)),
            )
            total = part if total is None else pieces.merge(total, part)
    return pieces.finish(params, options, total)


def tile_side(wiring: Wiring, memory: int) -> int:
    """Side in pixels of the largest tile whose features fit into ``memory`` bytes.

    Raises:
        ValueError: not even the smallest does.
    """
    widest = _widest(reaches(wiring.nodes, wiring.taps))
    stride, margin = widest.stride, _margin(widest)
    per_pixel = bytes_per_pixel(wiring)
    side = int((memory / per_pixel) ** 0.5) - margin
    side -= side % stride
    if side < stride:
        least = (margin + stride) ** 2 * per_pixel
        raise ValueError(
            f"memory of {memory} bytes; the smallest tile needs {least:.0f} bytes"
        )
    return side


def bytes_per_pixel(wiring: Wiring) -> float:
    """Memory for the features of a pair, for each pixel of an image.

    The maps that are compared stay; the others come and go, two at a time, and a
    convolution needs about as much again.
    """
    sizes, widths = {IMAGES: 1.0}, {IMAGES: 3}
    largest = 0.0
    used = until(wiring.nodes, wiring.taps)
    strides = reaches(wiring.nodes, [node.name for node in used])
    for node in used:
        widths[node.name] = node.op.channels(*(widths[n] for n in node.inputs))
        sizes[node.name] = widths[node.name] / strides[node.name].stride ** 2
        largest = max(largest, sizes[node.name] + sum(sizes[n] for n in node.inputs))
    kept = sum(sizes[tap] for tap in wiring.taps)
    return _FLOAT * (2 * kept + 3 * largest)


def _widest(found: Mapping[str, Reach]) -> Reach:
    """A reach that covers all of them."""
    fields = ((r.stride, r.before, r.after) for r in found.values())
    return Reach(*map(max, zip(*fields, strict=True)))


def _margin(widest: Reach) -> int:
    return 2 * widest.stride + widest.before + widest.after


def _spans(length: int, side: int, widest: Reach) -> list[_Span]:
    """Tiles along an axis; all begin where every map's samples fall on whole places."""
    stride, after = widest.stride, widest.after
    before = -(-widest.before // stride) * stride
    spans = []
    for first in range(0, length, side):
        last = min(first + side, length)
        # What is left must hold a sample of the deepest map; else it joins this tile.
        if length - last < before + after + stride:
            last = length
        stop = length if last == length else min(length, last + after)
        spans.append(_Span(max(0, first - before), stop, first, last))
        if last == length:
            break
    return spans


def _cut(image: Any, row: _Span, column: _Span) -> Any:
    return to_float(image[row.start : row.stop, column.start : column.stop])


def _crops(
    found: Mapping[str, Reach], row: _Span, column: _Span, shape: tuple[int, ...]
) -> tuple[tuple[str, tuple[int | None, ...]], ...]:
    """For every map, which of the tile's samples are its own."""
    crops = {}
    for name, reach in {"image": Reach(), **found}.items():
        bounds: list[int | None] = []
        for span, length in ((row, shape[0]), (column, shape[1])):
            begin = (span.first - span.start) // reach.stride
            end = (span.last - span.start) // reach.stride
            bounds += [begin, None if span.last == length else end]
        crops[name] = tuple(bounds)
    return tuple(sorted(crops.items()))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _summary(
    learned: Learned,
    options: Options,
    crops: tuple[tuple[str, tuple[int | None, ...]], ...],
    params: Params,
    reference: Any,
    distorted: Any,
) -> Any:
    """What a tile contributes."""
    own = [
        {
            name: maps[top:bottom, left:right]
            for name, maps in features.items()
            for top, bottom, left, right in [dict(crops)[name]]
        }
        for features in (
            learned.features(params, options, image) for image in (reference, distorted)
        )
    ]
    pieces = cast(Pieces, learned.pieces)
    return pieces.summarise(params, options, *own)

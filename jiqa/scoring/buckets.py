"""Which sizes of images share a padded program, and which have one of their own.

A program for any size (``jiqa.core.any_size``) takes images padded to its bucket. Every
bucket costs a compilation, every padded image the pixels that it does not have. The
buckets come from a fixed ladder of sides, so that programs that are kept serve the next
folder too; which of them are used follows from all images of a run.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from jiqa.core.any_size import LEAST_SIDE, Bucket
from jiqa.ops.resize import automatic_factor

#: Sides of buckets. 384, 640, 896 and so on are the last at which a metric that
#: decimates images does so by the same factor.
LADDER = (
    *(64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 896, 1024, 1152),
    *(1408, 1664, 1920, 2176, 2560, 3072, 3584, 4096),
)
#: What it costs to compile all metrics for a bucket, in pixels that they could score
#: in that time; a program of one size shares what the metrics have in common. (Two
#: cores: twelve metrics compile in 21 s and take 1 s a megapixel.)
_COMPILING, _COMPILING_EXACT = 20e6, 14e6

Key = TypeVar("Key")


class Size(NamedTuple):
    """Images of one size.

    Attributes:
        height: rows.
        width: columns.
        count: how many images there are.
    """

    height: int
    width: int
    count: int


class _Cell(NamedTuple):
    """Sizes that share a bucket."""

    bucket: Bucket
    members: tuple[tuple[int, Size], ...]

    @property
    def cost(self) -> float:
        count = sum(size.count for _, size in self.members)
        return _COMPILING + count * self.bucket.area

    def joined(self, other: _Cell) -> _Cell:
        bucket = Bucket(
            max(self.bucket.rows, other.bucket.rows),
            max(self.bucket.cols, other.bucket.cols),
            self.bucket.factor,
        )
        return _Cell(bucket, self.members + other.members)


def buckets_for(
    sizes: Mapping[Key, Size], *, decimates: bool
) -> dict[Key, Bucket | None]:
    """The bucket of every size; ``None`` for a size with a program of its own.

    Args:
        sizes: by any key.
        decimates: whether a metric divides images by a factor that follows from their
            size: then images of one bucket have the same factor.
    """
    keys = list(sizes)
    found: dict[Key, Bucket | None] = dict.fromkeys(keys)
    cells: dict[Bucket, list[tuple[int, Size]]] = {}
    for number, size in enumerate(sizes.values()):
        bucket = smallest_bucket(size.height, size.width, decimates=decimates)
        if bucket is None:
            continue
        padding = bucket.area - size.height * size.width
        if size.count * padding < _COMPILING_EXACT:
            cells.setdefault(bucket, []).append((number, size))
    joined = _joined([_Cell(b, tuple(members)) for b, members in cells.items()])
    for cell in joined:
        if len(cell.members) > 1:
            found.update({keys[number]: cell.bucket for number, _ in cell.members})
    return found


def smallest_bucket(height: int, width: int, *, decimates: bool) -> Bucket | None:
    """The smallest bucket for a size; ``None`` if it is too small or too large."""
    if min(height, width) < LEAST_SIDE or max(height, width) > LADDER[-1]:
        return None
    rows, cols = (next(s for s in LADDER if s >= n) for n in (height, width))
    return Bucket(rows, cols, automatic_factor(height, width) if decimates else 1)


def _joined(cells: Sequence[_Cell]) -> list[_Cell]:
    """Join the two cells that cost least together, while that saves anything."""
    cells = list(cells)
    while True:
        best, gain = None, 0.0
        for one, other in itertools.combinations(cells, 2):
            if one.bucket.factor != other.bucket.factor:
                continue
            saved = one.cost + other.cost - one.joined(other).cost
            if saved > gain:
                best, gain = (one, other), saved
        if best is None:
            return cells
        cells = [cell for cell in cells if cell not in best]
        cells.append(best[0].joined(best[1]))

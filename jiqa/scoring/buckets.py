"""Which sizes of images share a padded program, and which have one of their own.

A program for any size (``jiqa.core.any_size``) takes images padded to its bucket. Every
bucket costs a compilation, every padded image the pixels that it does not have. The
buckets come from a fixed ladder of sides, so that programs that are kept serve the next
folder too; which of them are used follows from all images of a run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from jiqa.core.any_size import Bucket, smallest_bucket
from jiqa.core.bound_metric import BoundMetric
from jiqa.ops.resize import automatic_factor

# CPU seconds, measured on two cores over the metrics: to compile a program, and to
# score a pair a pixel. A transform of the whole image is a product of matrices: it
# costs so much a pixel and side. Only the ratios matter.
_COMPILING, _PER_PIXEL = 1.0, 60e-9
_COMPILING_DEEP, _PER_PIXEL_DEEP = 1.5, 450e-9
_COMPILING_TRANSFORM, _PER_PIXEL_AND_SIDE = 4.0, 2.3e-9
#: A program of one size for all metrics shares what they have in common.
_EXACT, _RUNNING_EXACT = 0.7, 0.85

#: Height and width.
Size = tuple[int, int]


class Kind(NamedTuple):
    """Metrics whose programs for any size cost alike, and share buckets.

    Attributes:
        members: the metrics.
        decimated: whether images of one bucket are decimated by the same factor.
        transformed: whether the (decimated) image is transformed as a whole.
    """

    members: tuple[BoundMetric, ...]
    decimated: bool
    transformed: bool

    @property
    def compiling(self) -> float:
        """Seconds to compile the programs for a bucket."""
        if self.transformed:
            return _COMPILING_TRANSFORM * len(self.members)
        deep = sum(member.metric.deep is not None for member in self.members)
        return _COMPILING_DEEP * deep + _COMPILING * (len(self.members) - deep)

    def running(self, bucket: Bucket) -> float:
        """Seconds to score an image in a bucket."""
        if self.transformed:
            rows, cols = bucket.rows / bucket.factor, bucket.cols / bucket.factor
            return _PER_PIXEL_AND_SIDE * rows * cols * (rows + cols) * len(self.members)
        deep = sum(member.metric.deep is not None for member in self.members)
        per_pixel = _PER_PIXEL_DEEP * deep + _PER_PIXEL * (len(self.members) - deep)
        return per_pixel * bucket.area

    def smallest(self, size: Size) -> Bucket:
        """The smallest bucket that holds images of a size."""
        return smallest_bucket(*size, decimates=self.decimated)


def kinds_of(members: Sequence[BoundMetric]) -> list[Kind]:
    """Metrics that have programs for any size, by kind; plain ones come first."""
    found: dict[tuple[bool, bool], list[BoundMetric]] = {}
    for member in members:
        if member.any_size:
            decimated = member.metric.decimates(**member.options)
            key = decimated, member.metric.transforms
            found.setdefault(key, []).append(member)
    return [Kind(tuple(found[key]), *key) for key in sorted(found)]


def worth_sharing(size: Size, count: int, kinds: Sequence[Kind]) -> bool:
    """Whether padding so many images costs less than a program of their own."""
    own = Bucket(*size, automatic_factor(*size))
    more = sum(
        kind.running(kind.smallest(size)) - _RUNNING_EXACT * kind.running(own)
        for kind in kinds
    )
    return count * more < _EXACT * sum(kind.compiling for kind in kinds)


class _Cell(NamedTuple):
    """Sizes that share a bucket, and how many images they are."""

    bucket: Bucket
    sizes: tuple[Size, ...]
    count: int

    def joined(self, other: _Cell) -> _Cell:
        bucket = Bucket(
            max(self.bucket.rows, other.bucket.rows),
            max(self.bucket.cols, other.bucket.cols),
            self.bucket.factor,
        )
        return _Cell(bucket, self.sizes + other.sizes, self.count + other.count)


def buckets_for(counts: Mapping[Size, int], kind: Kind) -> dict[Size, Bucket]:
    """The bucket of every size: a few that cost least to compile and to run.

    Args:
        counts: how many images there are of a size.
        kind: the metrics.
    """
    cells: dict[Bucket, _Cell] = {}
    for size, count in counts.items():
        bucket = kind.smallest(size)
        cell = _Cell(bucket, (size,), count)
        cells[bucket] = cells[bucket].joined(cell) if bucket in cells else cell

    def cost(cell: _Cell) -> float:
        return kind.compiling + cell.count * kind.running(cell.bucket)

    joined = _joined(list(cells.values()), cost)
    return {size: cell.bucket for cell in joined for size in cell.sizes}


def _joined(cells: list[_Cell], cost: Callable[[_Cell], float]) -> list[_Cell]:
    """Join the two cells that cost least together, while that saves anything."""
    while True:
        best, gain = None, 0.0
        for one, other in itertools.combinations(cells, 2):
            if one.bucket.factor == other.bucket.factor:
                saved = cost(one) + cost(other) - cost(one.joined(other))
                if saved > gain:
                    best, gain = (one, other), saved
        if best is None:
            return cells
        cells = [cell for cell in cells if cell not in best]
        cells.append(best[0].joined(best[1]))

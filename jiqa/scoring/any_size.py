"""Batches of images of several sizes, and the programs that score them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jiqa.core.any_size import Bucket, can_share, padded
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.io.read_ahead import cpu_workers
from jiqa.scoring.batching import Layout
from jiqa.scoring.buckets import (
    Kind,
    Size,
    buckets_for,
    kinds_of,
    worth_sharing,
)
from jiqa.scoring.compiled import Program

#: Decoded images of a job, the reference first.
Pixels = tuple[np.ndarray, ...]
#: What a program takes: reference or ``None``, image, rows and columns.
_Arrays = tuple[Any, np.ndarray, np.ndarray, np.ndarray]


class Shared(NamedTuple):
    """Layouts that share programs: all alike but for their sizes.

    Attributes:
        layouts: of the images.
        members: the metrics that take them.
        buckets: for each kind of metric that has programs for any size, the bucket of
            each size.
    """

    layouts: tuple[Layout, ...]
    members: tuple[BoundMetric, ...]
    buckets: tuple[tuple[Kind, Mapping[Size, Bucket]], ...]

    def batches(self) -> dict[Bucket, list[Layout]]:
        """Layouts by the bucket of the first kind, in which they make batches."""
        _, buckets = self.buckets[0]
        found: dict[Bucket, list[Layout]] = defaultdict(list)
        for layout in self.layouts:
            found[buckets[layout.height, layout.width]].append(layout)
        return found


def shared(
    applicable: Mapping[Layout, Sequence[BoundMetric]], counts: Mapping[Layout, int]
) -> list[Shared]:
    """The layouts that are better padded than compiled for, in groups that are alike.

    Args:
        applicable: the metrics that take images of a layout.
        counts: how many images there are.
    """
    alike: dict[Any, list[Layout]] = defaultdict(list)
    for layout, members in applicable.items():
        size, kinds = (layout.height, layout.width), kinds_of(members)
        # The padded program does not see that a network refuses the image's own size.
        fits = can_share(*size) and all(member.fits(*size) for member in members)
        if kinds and fits and worth_sharing(size, counts[layout], kinds):
            labels = tuple(member.label for member in members)
            facts = layout.channels, layout.image_dtype, layout.reference_dtype
            alike[facts, labels].append(layout)
    found = []
    for layouts in alike.values():
        if len(layouts) < 2:
            continue  # nothing to share with
        members = applicable[layouts[0]]
        sizes = {(x.height, x.width): counts[x] for x in layouts}
        buckets = tuple((kind, buckets_for(sizes, kind)) for kind in kinds_of(members))
        found.append(Shared(tuple(layouts), tuple(members), buckets))
    return found


class AnySizeProgram:
    """A program for any size for each metric; compiled metric by metric.

    So every choice of metrics finds the programs that another one has left on disk.
    Plain metrics score a batch in the bucket of its images; the others image by image,
    each in its smallest bucket; those without such a program one by one as they are.
    """

    def __init__(
        self,
        group: Shared,
        bucket: Bucket,
        folder: Path | None,
        params: Params,
        devices: Sequence[Any] = (),
    ) -> None:
        """Prepare to compute the members of a group.

        Args:
            group: what shares programs.
            bucket: that of the batches.
            folder: in which traced programs are kept.
            params: learned parameters, by set and key.
            devices: among which a batch of plain metrics is divided.
        """
        self._group, self._bucket = group, bucket
        first, _ = group.buckets[0]
        self._plain = () if first.decimated else first.members
        self._others = [b for b in group.buckets if b[0].members != self._plain]
        self._programs: dict[tuple[str, int], Program] = {}
        for kind, buckets in group.buckets:
            for member in kind.members:
                for factor in {b.factor for b in buckets.values()}:
                    batch = devices if member in self._plain else ()
                    self._programs[member.label, factor] = Program(
                        [member], folder, params, batch, factor
                    )
        exact = [member for member in group.members if not member.any_size]
        self._exact = Program(exact, folder, params) if exact else None
        self._exact_labels = [member.label for member in exact]

    def __call__(self, pixels: Sequence[Pixels], size: int) -> list[Any]:
        """The columns of a batch that is filled up to ``size`` images."""
        found: dict[str, Any] = {}
        batch = _padded(pixels, self._bucket, size)
        for member in self._plain:
            program = self._programs[member.label, self._bucket.factor]
            found[member.label] = program(*_for(member, batch))[0]
        for kind, buckets in self._others:
            singles = [self._single(image, buckets) for image in pixels]
            for member in kind.members:
                column = [
                    self._programs[member.label, factor](*_for(member, arrays))[0]
                    for factor, arrays in singles
                ]
                found[member.label] = column
        if self._exact is not None:
            rows = [self._exact(*_whole(image)) for image in pixels]
            columns = zip(*rows, strict=True)
            found |= dict(zip(self._exact_labels, columns, strict=True))
        return [_joined(found[m.label], len(pixels)) for m in self._group.members]

    def is_ready(self, pixels: Sequence[Pixels], size: int) -> bool:
        """Whether the programs for any size have been compiled for such a batch."""
        return all(p.is_ready(*arrays) for p, arrays in self._needed(pixels, size))

    def make(self, pixels: Sequence[Pixels], size: int) -> None:
        """Compile the programs, several at once, or load them."""
        needed = self._needed(pixels, size)
        with ThreadPoolExecutor(cpu_workers()) as pool:
            list(pool.map(lambda item: item[0].make(*item[1]), needed))

    def prepare(self, *_: Any) -> None:
        """Nothing: the programs of a batch are loaded together when it comes."""

    def _needed(
        self, pixels: Sequence[Pixels], size: int
    ) -> Iterator[tuple[Program, Any]]:
        batch = _padded(pixels, self._bucket, size)
        for member in self._plain:
            program = self._programs[member.label, self._bucket.factor]
            yield program, _for(member, batch)
        for kind, buckets in self._others:
            own = (buckets[image[-1].shape[:2]] for image in pixels)
            first = {bucket: k for k, bucket in reversed(list(enumerate(own)))}
            for k in first.values():
                factor, arrays = self._single(pixels[k], buckets)
                for member in kind.members:
                    program = self._programs[member.label, factor]
                    yield program, _for(member, arrays)

    def _single(
        self, image: Pixels, buckets: Mapping[Size, Bucket]
    ) -> tuple[int, _Arrays]:
        height, width = image[-1].shape[:2]
        bucket = buckets[height, width]
        return bucket.factor, _padded([image], bucket, 1)


def _padded(pixels: Sequence[Pixels], bucket: Bucket, size: int) -> _Arrays:
    # A short batch is filled up with its first image: one shape, one program.
    full = [*pixels, *[pixels[0]] * (size - len(pixels))]
    arrays = [padded(x, bucket.rows, bucket.cols) for x in zip(*full, strict=True)]
    sizes = np.array([image[-1].shape[:2] for image in full], np.int32)
    reference = arrays[0] if len(arrays) == 2 else None
    return reference, arrays[-1], sizes[:, 0].copy(), sizes[:, 1].copy()


def _for(member: BoundMetric, arrays: _Arrays) -> Any:
    """The arrays without the reference, for a metric that has none."""
    return arrays if member.needs_reference else (None, *arrays[1:])


def _whole(image: Pixels) -> tuple[Any, np.ndarray]:
    return (image[0][None] if len(image) == 2 else None), image[-1][None]


def _joined(column: Any, count: int) -> np.ndarray:
    if isinstance(column, list | tuple):
        return np.concatenate([np.asarray(value) for value in column])
    return np.asarray(column)[:count]

"""Batches of images of several sizes, and the programs that score them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jiqa.core.any_size import Bucket, can_share, extent_of, padded
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


class _Call(NamedTuple):
    """A program with the padded images that it scores, for the column of a label."""

    label: str
    program: Program
    arrays: _Arrays


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

    def laid_out(
        self, pixels: Sequence[Pixels], size: int
    ) -> tuple[list[_Call], Sequence[Pixels]]:
        """What the other methods take, for a batch filled up to ``size`` images."""
        calls: list[_Call] = []
        if self._plain:
            batch = _padded(pixels, self._bucket, size)
            calls += [self._call(m, self._bucket.factor, batch) for m in self._plain]
        for kind, buckets in self._others:
            for image in pixels:
                bucket = buckets[image[-1].shape[:2]]
                arrays = _padded([image], bucket, 1)
                calls += [self._call(m, bucket.factor, arrays) for m in kind.members]
        return calls, pixels

    def __call__(self, calls: list[_Call], pixels: Sequence[Pixels]) -> list[Any]:
        """The columns of a batch."""
        found: dict[str, list[Any]] = defaultdict(list)
        for call in calls:
            found[call.label].append(call.program(*call.arrays)[0])
        if self._exact is not None:
            for image in pixels:
                values = self._exact(*_whole(image))
                for label, value in zip(self._exact_labels, values, strict=True):
                    found[label].append(value)
        columns = (found[member.label] for member in self._group.members)
        return [
            np.concatenate([np.asarray(part) for part in column])[: len(pixels)]
            for column in columns
        ]

    def is_ready(self, calls: list[_Call], _: Sequence[Pixels]) -> bool:
        """Whether the programs for any size have been compiled for such a batch."""
        return all(call.program.is_ready(*call.arrays) for call in calls)

    def make(self, calls: list[_Call], _: Sequence[Pixels]) -> None:
        """Compile the programs, several at once, or load them."""
        once = {(call.program, call.arrays[1].shape): call for call in calls}
        with ThreadPoolExecutor(cpu_workers()) as pool:
            list(pool.map(lambda c: c.program.make(*c.arrays), once.values()))

    def prepare(self, *_: Any) -> None:
        """Nothing: the programs of a batch are loaded together when it comes."""

    def _call(self, member: BoundMetric, factor: int, arrays: _Arrays) -> _Call:
        if not member.needs_reference:
            arrays = (None, *arrays[1:])
        return _Call(member.label, self._programs[member.label, factor], arrays)


def _padded(pixels: Sequence[Pixels], bucket: Bucket, size: int) -> _Arrays:
    # A short batch is filled up with its first image: one shape, one program.
    full = [*pixels, *[pixels[0]] * (size - len(pixels))]
    arrays = [padded(x, bucket.rows, bucket.cols) for x in zip(*full, strict=True)]
    extent = extent_of([image[-1] for image in full])
    reference = arrays[0] if len(arrays) == 2 else None
    return reference, arrays[-1], extent.rows, extent.cols


def _whole(image: Pixels) -> tuple[Any, np.ndarray]:
    return (image[0][None] if len(image) == 2 else None), image[-1][None]

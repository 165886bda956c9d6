"""Which jobs are computed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import jax

from jiqa.core.bound_metric import BoundMetric
from jiqa.scoring.jobs import Job

#: A batch holds at most this many pixels and images. A score does not depend on its
#: batch; more would only cost memory.
BATCH_PIXELS = 2**22
BATCH_IMAGES = 8


@dataclass(frozen=True)
class Layout:
    """The shapes and dtypes that one compiled program is made for."""

    height: int
    width: int
    channels: int
    image_dtype: str
    reference_dtype: str | None


def groups_of(
    jobs: Sequence[Job], *, by_reference: bool
) -> list[tuple[bool, list[Job]]]:
    """Group jobs that may share a batch, and mark those with one reference.

    ``by_reference`` puts jobs of one reference together, which networks then see once
    a batch. Jobs that have theirs to themselves make batches of many references.
    """
    groups: dict[Any, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.reference if by_reference else None].append(job)
    several = [
        (by_reference, members) for members in groups.values() if len(members) > 1
    ]
    alone = [members[0] for members in groups.values() if len(members) == 1]
    return [*several, (False, alone)] if alone else several


def batch_size(
    layout: Layout, counts: Sequence[int], most: int = BATCH_IMAGES, devices: int = 1
) -> int:
    """Return the size that costs least, of those within the limits.

    A batch costs as much as its full size, however many images it has, and one image
    more: the pass of its reference, or the call. So nine images make 5 + 4, not 8 + 1,
    and groups of 27 make batches of 7, not of 8.

    Args:
        layout: of the images.
        counts: how many jobs each group has.
        most: an extra limit in images. The limits are a device's.
        devices: among how many a batch is divided; the size is a multiple of it.
    """
    pixels = BATCH_PIXELS // (layout.height * layout.width)
    most = max(1, min(BATCH_IMAGES, pixels, most))

    def cost(each: int) -> int:
        batches = sum(-(-count // (each * devices)) for count in counts)
        return batches * (each + 1)

    return min(range(most, 0, -1), key=cost) * devices


def batches_of(
    groups: Sequence[tuple[bool, list[Job]]], size: int
) -> list[tuple[bool, list[Job]]]:
    """Cut batches of ``size`` at most, and mark those with one reference for all."""
    return [
        (one, members[i : i + size])
        for one, members in groups
        for i in range(0, len(members), size)
    ]


@dataclass
class Group:
    """Jobs of one layout, planned.

    Attributes:
        layout: of all images.
        choices: the metrics that take them, in the order of the program's columns.
        program: see ``jiqa.scoring.memory.program_for``.
        size: rows of a full batch.
        batches: the jobs, and whether a batch has one reference for all.
        padded: whether the images have several sizes; the layout's is their bucket.
        compiling: what the programs are compiled in; see ``jiqa.progress``.
    """

    layout: Layout
    choices: list[BoundMetric] = field(default_factory=list)
    program: Any = None
    size: int = 0
    batches: Sequence[tuple[bool, list[Job]]] = ()
    padded: bool = False
    compiling: Callable[[], AbstractContextManager[Any]] = nullcontext

    def prepare(self) -> None:
        """Load or compile the programs that the batches need."""
        layout = self.layout
        shape = (layout.height, layout.width, layout.channels)
        many = (self.size, *shape)
        image = jax.ShapeDtypeStruct(many, layout.image_dtype)
        for one in {one for one, jobs in self.batches if jobs}:
            reference = None
            if layout.reference_dtype is not None:
                needed = shape if one else many
                reference = jax.ShapeDtypeStruct(needed, layout.reference_dtype)
            self.program.prepare(reference, image)

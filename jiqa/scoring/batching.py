"""Which jobs are computed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jiqa.scoring.inputs import Job

#: A batch holds at most this many pixels and images. A score does not depend on its
#: batch; more would only cost memory.
BATCH_PIXELS = 2**22
BATCH_IMAGES = 8


@dataclass(frozen=True)
class Layout:
    """What one compiled program is made for."""

    height: int
    width: int
    channels: int
    image_dtype: str
    reference_dtype: str | None


def batch_size(
    layout: Layout, count: int, most: int = BATCH_IMAGES, devices: int = 1
) -> int:
    """Even batches under the limits: nine images make 5 + 4, not 8 + 1.

    The limits, and ``most`` as a further one in images, are a device's; the size is a
    multiple of their number.
    """
    pixels = BATCH_PIXELS // (layout.height * layout.width)
    most = max(1, min(BATCH_IMAGES, pixels, most))
    each = -(-count // devices)
    batches = -(-each // most)
    return -(-each // batches) * devices


def batches_of(
    jobs: Sequence[Job], size: int, *, by_reference: bool
) -> list[tuple[bool, list[Job]]]:
    """Batches of ``size`` at most, and whether each has one reference for all.

    ``by_reference`` puts jobs of one reference together, which networks then see once
    a batch. Jobs that have theirs to themselves make batches of many references.
    """
    groups: dict[Any, list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.reference if by_reference else None].append(job)
    several = [own for own in groups.values() if len(own) > 1]
    alone = [own[0] for own in groups.values() if len(own) == 1]
    return [
        (by_reference and own is not alone, own[i : i + size])
        for own in [*several, alone]
        for i in range(0, len(own), size)
    ]

"""Batches of images in groups, for ranking the levels of a distortion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jiqa.data.index import Entry
from jiqa.data.loader.plan import PADDING, BatchPlan

#: Positions of the images of a group, by level.
Group = tuple[int, ...]


def groups_of(entries: Sequence[Entry], pristine: bool = True) -> list[Group]:
    """Return all levels of each distortion of each reference, the weakest first.

    Args:
        entries: of a set whose levels are known.
        pristine: whether the reference, where it is among them, comes before level 1.

    Raises:
        ValueError: no distortion has two levels.
    """
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    origins = {e.reference: n for n, e in enumerate(entries) if e.level == 0}
    for position, entry in enumerate(entries):
        if entry.level and entry.reference and entry.distortion:
            key = entry.reference, entry.distortion
            found.setdefault(key, []).append((entry.level, position))
    groups = []
    for (reference, _), members in found.items():
        first = [origins[reference]] if pristine and reference in origins else []
        groups.append((*first, *(position for _, position in sorted(members))))
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        raise ValueError(
            f"none of {len(entries)} images has another level of the same distortion "
            "of the same reference; expected levels as jiqa distort makes them"
        )
    return groups


@dataclass(frozen=True)
class GroupPlan:
    """Batches of whole groups: rows ``[group, level]``, flat.

    Groups of fewer levels than others are filled up at their ends.

    Attributes:
        table: positions ``[groups + 1, levels]``; the last row is no group.
        plan: the batches of groups.
        references: of each image, the number of its reference.
    """

    table: np.ndarray
    plan: BatchPlan
    references: np.ndarray

    @classmethod
    def of(
        cls, groups: Sequence[Group], plan: BatchPlan, entries: Sequence[Entry]
    ) -> GroupPlan:
        """Make a plan from groups of ``groups_of`` and a plan of group numbers."""
        levels = max(map(len, groups))
        rows = [(*g, *(PADDING,) * (levels - len(g))) for g in groups]
        table = np.array([*rows, (PADDING,) * levels])
        numbers: dict[str, int] = {}
        references = [numbers.setdefault(e.reference, len(numbers)) for e in entries]
        return cls(table, plan, np.array(references))

    @property
    def levels(self) -> int:
        """The number of rows of a group."""
        return self.table.shape[1]

    @property
    def seed(self) -> int:
        """The seed of the order."""
        return self.plan.seed

    @property
    def batch_size(self) -> int:
        """The number of rows of a batch."""
        return self.plan.batch_size * self.levels

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches, the same in every epoch."""
        return self.plan.batches_per_epoch

    def batch(self, step: int) -> tuple[int, np.ndarray]:
        """Return the epoch of a step, and its images: positions or ``PADDING``."""
        epoch, chosen = self.plan.batch(step)
        # What fills up is -1, and so finds the last row of the table.
        return epoch, self.table[chosen].reshape(-1)

    def chance(self, position: int) -> int:
        """Return what decides the crop: one for all versions of a picture."""
        return int(self.references[position])

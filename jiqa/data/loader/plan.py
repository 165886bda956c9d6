"""Which images form which batch, known before any of them is read.

Sizes are in the index, so that images of one size are put together beforehand. The
batch at any step follows from the step alone: it can be read out of order, by any
process, or after a restart.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

#: Stands for no image, in a batch that is not full.
PADDING = -1


@dataclass(frozen=True)
class BatchPlan:
    """The batches of every epoch.

    Attributes:
        groups: for each image what it may share a batch with, such as its size.
        batch_size: images in a batch.
        seed: of the order.
        shuffle: whether an epoch has an order of its own; else that of the images,
            group by group.
        drop_remainder: whether a group's last images that do not fill a batch are
            left out of the epoch (others in each, if shuffled), not padded.
    """

    groups: tuple[Hashable, ...]
    batch_size: int
    seed: int = 0
    shuffle: bool = True
    drop_remainder: bool = False

    @functools.cached_property
    def members(self) -> Sequence[np.ndarray]:
        """The images of each group, by position."""
        found: dict[Hashable, list[int]] = {}
        for position, group in enumerate(self.groups):
            found.setdefault(group, []).append(position)
        return [np.array(positions) for positions in found.values()]

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches, the same in every epoch."""
        return sum(self._count(len(positions)) for positions in self.members)

    def batch(self, step: int) -> tuple[int, np.ndarray]:
        """The epoch that a step falls into, and its images: positions or ``PADDING``.

        Args:
            step: from 0, counted through all epochs.
        """
        epoch, place = divmod(step, self.batches_per_epoch)
        order = self._orders.get(epoch)
        if order is None:
            order = self._order(epoch)
            # Threads that read ahead are in one epoch, or in two.
            self._orders.clear()
            self._orders[epoch] = order
        return epoch, order[place]

    def chance(self, position: int) -> int:
        """What a transform's random numbers derive from, beside seed and epoch."""
        return position

    @functools.cached_property
    def _orders(self) -> dict[int, np.ndarray]:
        return {}

    def _count(self, images: int) -> int:
        whole, rest = divmod(images, self.batch_size)
        return whole + (rest > 0 and not self.drop_remainder)

    def _order(self, epoch: int) -> np.ndarray:
        """Positions ``[batches, batch_size]``."""
        # This generator's stream is frozen; the newer one's may change with NumPy.
        random = np.random.RandomState([self.seed, epoch])
        size, batches = self.batch_size, []
        for positions in self.members:
            if self.shuffle:
                positions = random.permutation(positions)
            rest = -len(positions) % size
            if self.drop_remainder:
                positions = positions[: len(positions) // size * size]
            else:
                positions = np.append(positions, np.full(rest, PADDING))
            batches.append(positions.reshape(-1, size))
        order = np.concatenate(batches)
        return random.permutation(order) if self.shuffle else order

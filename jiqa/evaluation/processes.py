"""Several processes, on one machine or many, that work on one evaluation.

Nothing passes between them while they score; at the end every process gives its rows
to all others, once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jiqa.scoring.journal import Row


@dataclass(frozen=True)
class Place:
    """Which of how many processes this is."""

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes what all have found."""
        return self.index == 0


def join(
    coordinator: str | None = None, index: int | None = None, count: int | None = None
) -> Place:
    """Join the other processes; to be called before anything is computed.

    Args:
        coordinator: ``HOST:PORT`` of process 0.
        index: this process's number, from 0.
        count: how many there are. Without the three, JAX finds them where it knows
            the cluster (TPU pods, Slurm, Open MPI, Kubernetes).

    Returns:
        This process's place among them.
    """
    jax.distributed.initialize(coordinator, count, index)
    return Place(jax.process_index(), jax.process_count())


def gather(rows: Sequence[Row], place: Place) -> list[Row]:
    """The rows of all processes, in the order of the processes, in each of them.

    Rows travel as JSON in arrays of bytes, the only thing that every backend can pass
    between hosts that share no disk; floats keep every digit.
    """
    if place.count == 1:
        return list(rows)
    from jax.experimental import multihost_utils

    data = np.frombuffer(json.dumps(list(rows)).encode(), np.uint8)
    sizes = np.asarray(multihost_utils.process_allgather(np.array([len(data)])))
    sizes = sizes.reshape(-1)
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(data)] = data
    blocks = np.asarray(multihost_utils.process_allgather(padded))
    blocks = blocks.reshape(place.count, -1)
    return [
        row
        for block, size in zip(blocks, sizes, strict=True)
        for row in json.loads(block[:size].tobytes())
    ]


def local_devices() -> list[Any]:
    """The devices that this process drives."""
    return jax.local_devices()

"""The processes of one run on several hosts: who is who, waiting, passing rows.

``jax.distributed`` connects the processes. Each drives its own devices and has a rank;
rank 0 writes what all of them have found.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jiqa.io.write_table import Row


@dataclass(frozen=True)
class Rank:
    """Which of how many processes this is.

    Attributes:
        index: its number, from 0.
        count: how many there are.
    """

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which writes what all have found."""
        return self.index == 0


def join(
    coordinator: str | None = None, index: int | None = None, count: int | None = None
) -> Rank:
    """Join the other processes; to be called before anything is computed.

    Args:
        coordinator: ``HOST:PORT`` of process 0.
        index: this process's number, from 0.
        count: how many there are. Without the three, JAX finds them where it knows
            the cluster (TPU pods, Slurm, Open MPI, Kubernetes).

    Returns:
        This process's rank.
    """
    jax.distributed.initialize(coordinator, count, index)
    return Rank(jax.process_index(), jax.process_count())


def barrier(name: str) -> None:
    """Wait until every process has come to the barrier of this name."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(name)


@contextlib.contextmanager
def rank_zero_first(name: str) -> Iterator[None]:
    """A block that rank 0 goes through first, and then all others at once.

    For work whose result lies on a disk that they share: rank 0 does it, the others
    find it done.

    Args:
        name: of the barrier between the two.
    """
    if jax.process_index() != 0:
        barrier(name)
    yield
    if jax.process_index() == 0:
        barrier(name)


def gather_rows(rows: Sequence[Row], rank: Rank) -> list[Row]:
    """The rows of all processes: those of rank 0, then those of rank 1, and so on.

    Rows travel as JSON in arrays of bytes, the only thing that every backend can pass
    between hosts that share no disk; floats keep every digit.

    Args:
        rows: of this process.
        rank: of this process.

    Returns:
        The same list on every process.
    """
    if rank.count == 1:
        return list(rows)
    from jax.experimental import multihost_utils

    data = np.frombuffer(json.dumps(list(rows)).encode(), np.uint8)
    sizes = np.asarray(multihost_utils.process_allgather(np.array([len(data)])))
    sizes = sizes.reshape(-1)
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(data)] = data
    blocks = np.asarray(multihost_utils.process_allgather(padded))
    blocks = blocks.reshape(rank.count, -1)
    return [
        row
        for block, size in zip(blocks, sizes, strict=True)
        for row in json.loads(block[:size].tobytes())
    ]

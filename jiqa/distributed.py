"""Several processes that write to one disk."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jiqa.io.write_table import Row


def wait(what: str) -> None:
    """Go on once every process has come here."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


@contextlib.contextmanager
def one_by_one(what: str) -> Iterator[None]:
    """First the first process, and then, finding what it has done, all others."""
    if jax.process_index() != 0:
        wait(what)
    yield
    if jax.process_index() == 0:
        wait(what)


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

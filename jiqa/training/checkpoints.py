"""Checkpoints of a run, through Orbax: the last and the best one, written atomically.

A checkpoint has the state of training and, as plain numbers, where the loop was, the
position in the data included. This is the only file that knows Orbax.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jiqa.training.step import State


class Checkpoints:
    """The checkpoints in a run's folder; a context that waits for the last write."""

    def __init__(self, folder: Path) -> None:
        """List the checkpoints; every process of the run does."""
        from orbax.checkpoint import v1 as ocp

        self._kept = _BestAndLast()
        self._orbax: Any = ocp.training.Checkpointer(
            str(folder.absolute()),
            save_decision_policy=_Always(),
            preservation_policy=self._kept,
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> Checkpoints:
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until everything is on disk."""
        self._orbax.close()

    @property
    def steps(self) -> list[int]:
        """The steps of the existing checkpoints, in order."""
        return [found.step for found in self._orbax.checkpoints]

    def save(self, step: int, state: State, place: dict[str, Any], best: int) -> None:
        """Write in the background, and delete all but the best and this one.

        Args:
            step: updates done.
            state: of training; it may be written over once this returns.
            place: the position of the loop, for JSON.
            best: step of the best checkpoint, which may be this one; -1 for none.
        """
        self._kept.best = best
        copy = jax.tree.map(jnp.copy, state)
        # Orbax has a separate key for each element of a tuple, and reads it so.
        self._orbax.save_async(
            step, {"state": copy}, force=True, custom_metadata={"place": place}
        )

    def wait(self) -> None:
        """Wait until all requested writes are on disk."""
        self._orbax.wait()

    def restore(
        self, step: int, like: State, mesh: Mesh
    ) -> tuple[State, dict[str, Any]]:
        """Restore the state and the position of a checkpoint.

        Args:
            step: one of ``steps``.
            like: a state of the same form; its values do not matter.
            mesh: the devices, on each of which the state goes.
        """
        sharding = NamedSharding(mesh, P())
        form = jax.tree.map(
            lambda v: jax.ShapeDtypeStruct(v.shape, v.dtype, sharding=sharding), like
        )
        found = self._orbax.load(step, {"state": form})
        metadata = self._orbax.metadata(step).custom_metadata or {}
        return found["state"], dict(metadata["place"])


class _Always:
    """A policy that writes every checkpoint that is asked for."""

    def should_save(self, step: Any, previous_steps: Any, *, context: Any) -> bool:
        return True


class _BestAndLast:
    """A policy that keeps the best and the last checkpoint."""

    best = -1

    def should_preserve(
        self, checkpoints: Sequence[Any], *, context: Any
    ) -> list[bool]:
        last = max((c.step for c in checkpoints), default=-1)
        return [c.step in (last, self.best) for c in checkpoints]

"""Checkpoints of a run, through Orbax: the last one and the best, each whole or not.

A checkpoint has the state of training and, as plain numbers, where the loop was, the
place in the data included. This is the only file that knows Orbax.
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
        """Look at what is there; every process of the run does."""
        from orbax.checkpoint import v1 as ocp

        self._kept = _BestAndLast()
        self._orbax: Any = ocp.training.Checkpointer(
            str(folder.absolute()),
            save_decision_policy=_Always(),
            preservation_policy=self._kept,
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> Checkpoints:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until everything is on disk."""
        self._orbax.close()

    @property
    def steps(self) -> list[int]:
        """Of the checkpoints that are there, in order."""
        return [found.step for found in self._orbax.checkpoints]

    def save(self, step: int, state: State, place: dict[str, Any], best: int) -> None:
        """Write in the background, and let go of all but the best and this one.

        Args:
            step: updates done.
            state: of training; it may be written over once this returns.
            place: where the loop is, for JSON.
            best: step of the best checkpoint, which may be this one; -1 for none.
        """
        self._kept.best = best
        copy = jax.tree.map(jnp.copy, state)
        # Orbax has a key of its own for each part of a tuple, and reads it so.
        self._orbax.save_async(
            step, {"state": copy}, force=True, custom_metadata={"place": place}
        )

    def wait(self) -> None:
        """Until what was asked for is on disk."""
        self._orbax.wait()

    def restore(
        self, step: int, like: State, mesh: Mesh
    ) -> tuple[State, dict[str, Any]]:
        """The state and the place of a checkpoint.

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
    """Every checkpoint that is asked for is written."""

    def should_save(self, step: Any, previous_steps: Any, *, context: Any) -> bool:
        return True


class _BestAndLast:
    """Which checkpoints stay."""

    best = -1

    def should_preserve(
        self, checkpoints: Sequence[Any], *, context: Any
    ) -> list[bool]:
        last = max((c.step for c in checkpoints), default=-1)
        return [c.step in (last, self.best) for c in checkpoints]

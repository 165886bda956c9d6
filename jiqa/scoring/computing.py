"""The scores of a decoded batch, and what happens if computing them fails."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jiqa.scoring.jobs import Job

#: A job with its values, or with what went wrong.
Scored = tuple[Job, list[float], str]


@dataclass(frozen=True)
class Batch:
    """A batch: images that are computed together.

    Attributes:
        program: what computes it.
        jobs: what is scored.
        pixels: decoded images, references first, one tuple a job.
        size: rows that the program takes.
        one_reference: whether all jobs have the same one.
        devices: into how many parts a batch is divided.
        padded: whether the images have several sizes; the program pads them then.
        compiling: what the program is compiled in, if it is not ready.
        widths: how many columns each metric has; one, if nothing is said.
    """

    program: Any
    jobs: Sequence[Job]
    pixels: Sequence[tuple[np.ndarray, ...]]
    size: int
    one_reference: bool
    devices: int
    padded: bool = False
    compiling: Callable[[], AbstractContextManager[Any]] = nullcontext
    widths: Sequence[int] = ()

    def computed(self) -> tuple[list[Scored], float]:
        """Return each job with its values and the time that a job took; never raise.

        The time is that of the whole pass, divided among the jobs, without compiling.
        """
        started = time.perf_counter()
        try:
            arrays = self._arrays(self.pixels, self.size)
            if not self.program.is_ready(*arrays):
                with self.compiling():
                    self.program.make(*arrays)
            started = time.perf_counter()
            columns = self._columns(self.program(*arrays))
            table = np.stack(columns or [np.zeros(0)])
            values = [table[:, i] if table.size else [] for i in range(len(self.jobs))]
            found = [
                (job, [_shortest(v) for v in own], "")
                for job, own in zip(self.jobs, values, strict=True)
            ]
        except Exception:
            # One by one: whatever broke the batch must not take the others along.
            found = list(map(self._alone, self.jobs, self.pixels))
        return found, (time.perf_counter() - started) / len(self.jobs)

    def _alone(self, job: Job, pixels: tuple[np.ndarray, ...]) -> Scored:
        try:
            found = self.program(*self._arrays([pixels], self.devices))
            return job, [_shortest(c[0]) for c in self._columns(found)], ""
        except Exception as error:
            return job, [], f"computing failed: {error}".splitlines()[0]

    def _columns(self, found: Sequence[Any]) -> list[np.ndarray]:
        """Single columns ``[N]`` of what each metric gives, ``[N]`` or ``[N, W]``."""
        columns = []
        widths = self.widths or [1] * len(found)
        for values, width in zip(map(np.asarray, found), widths, strict=True):
            columns += [values] if width == 1 else list(values.T)
        return columns

    def _arrays(
        self, pixels: Sequence[tuple[np.ndarray, ...]], size: int
    ) -> tuple[Any, ...]:
        """What the program takes: the references, if there are any, and the images."""
        if self.padded:
            return self.program.laid_out(pixels, size)
        # A short batch is filled up with its first image: one shape, one program.
        full = [*pixels, *[pixels[0]] * (size - len(pixels))]
        images = np.stack([arrays[-1] for arrays in full])
        if len(full[0]) == 1:
            return None, images
        references = [arrays[0] for arrays in full]
        return references[0] if self.one_reference else np.stack(references), images


def width(*, deep: bool, bounded: bool) -> int:
    """Return how many batches to compute at once.

    Metrics without networks keep little more than one core busy (1.2 of two, measured),
    so on the CPU several batches go side by side. Convolutions of networks use all
    cores, and other devices queue what comes.

    Args:
        deep: whether there is a network among the metrics.
        bounded: whether memory is, or batches are divided among devices.
    """
    if deep or bounded or jax.default_backend() != "cpu":
        return 1
    return max(1, min(4, os.cpu_count() or 1))


def _shortest(value: np.floating) -> float:
    """Return the shortest decimal that stands for this float32 (or float64)."""
    return float(str(value))

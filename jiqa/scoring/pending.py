"""A batch between its start on the device and its scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.scoring.inputs import Job


@dataclass
class Pending:
    """A batch on its way through the device."""

    program: Any
    jobs: list[Job]
    pixels: list[tuple[np.ndarray, ...]]
    one_reference: bool
    columns: Any = None
    error: Exception | None = None

    @classmethod
    def start(
        cls, program: Any, jobs: list[Job], pixels: list[Any], size: int, one: bool
    ) -> Pending | None:
        """Send a batch off; nothing without jobs."""
        if not jobs:
            return None
        pending = cls(program, jobs, pixels, one)
        try:
            pending.columns = pending._call(pixels, size)
        except Exception as error:
            pending.error = error
        return pending

    def _call(self, pixels: Sequence[tuple[np.ndarray, ...]], size: int) -> Any:
        # A short batch is filled up with its first image: one shape, one program.
        full = [*pixels, *[pixels[0]] * (size - len(pixels))]
        images = np.stack([arrays[-1] for arrays in full])
        if len(full[0]) == 1:
            return self.program(None, images)
        references = [arrays[0] for arrays in full]
        if self.one_reference:
            return self.program(references[0], images)
        return self.program(np.stack(references), images)

    def results(self) -> Iterator[tuple[Job, list[float], str]]:
        """Each job with its scores, or what went wrong; waits for the device."""
        if self.error is None:
            try:
                table = np.stack([np.asarray(c) for c in self.columns or []] or [[]])
                for i, job in enumerate(self.jobs):
                    column = table[:, i] if table.size else []
                    yield job, [_shortest(v) for v in column], ""
                return
            except Exception as error:
                self.error = error
        for job, pixels in zip(self.jobs, self.pixels, strict=True):
            # One by one: whatever broke the batch must not take the others along.
            try:
                columns = self._call([pixels], 1)
                yield job, [_shortest(np.asarray(c)[0]) for c in columns], ""
            except Exception as error:
                yield job, [], f"computing failed: {error}".splitlines()[0]


def _shortest(value: np.floating) -> float:
    """The shortest decimal that stands for this float32 (or float64)."""
    return float(str(value))

"""Images of one size and type: what computes them, and in which batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from jiqa.scoring.batching import Layout
from jiqa.scoring.inputs import Job
from jiqa.scoring.selection import Choice


@dataclass
class Group:
    """Jobs of one layout, planned.

    Attributes:
        layout: of all images.
        choices: the metrics that take them, in the order of the program's columns.
        refused: what the other metrics said.
        program: see ``jiqa.scoring.memory.program_for``.
        size: rows of a full batch.
        batches: the jobs, and whether a batch has one reference for all.
    """

    layout: Layout
    choices: list[Choice] = field(default_factory=list)
    refused: str = ""
    program: Any = None
    size: int = 0
    batches: Sequence[tuple[bool, list[Job]]] = ()

    def prepare(self) -> None:
        """Have the compiled programs ready that the batches need."""
        layout = self.layout
        shape = (layout.height, layout.width, layout.channels)
        many = (self.size, *shape)
        image = jax.ShapeDtypeStruct(many, layout.image_dtype)
        for one in {one for one, jobs in self.batches if jobs}:
            reference = None
            if layout.reference_dtype is not None:
                needed = shape if one else many
                reference = jax.ShapeDtypeStruct(needed, layout.reference_dtype)
            self.program.prepare(reference, image)

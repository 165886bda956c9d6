"""Batches of images of several sizes, and the programs that score them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.core.any_size import Bucket
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.io.read_ahead import cpu_workers
from jiqa.scoring.batching import Layout
from jiqa.scoring.buckets import Size, buckets_for
from jiqa.scoring.compiled import Program


def grouped(
    applicable: Mapping[Layout, Sequence[BoundMetric]],
    counts: Mapping[Layout, int],
) -> dict[Layout, Bucket]:
    """The buckets of layouts that share programs with others.

    Args:
        applicable: the metrics that take images of a layout.
        counts: how many images there are.
    """
    alike: dict[Any, dict[Layout, Size]] = defaultdict(dict)
    choices: dict[Any, Sequence[BoundMetric]] = {}
    for layout, members in applicable.items():
        if any(member.any_size for member in members):
            kinds = layout.channels, layout.image_dtype, layout.reference_dtype
            key = (kinds, tuple(member.label for member in members))
            size = Size(layout.height, layout.width, counts[layout])
            alike[key][layout], choices[key] = size, members
    found: dict[Layout, Bucket] = {}
    for key, sizes in alike.items():
        decimates = any(
            member.metric.decimates(**member.options)
            for member in choices[key]
            if member.any_size
        )
        buckets = buckets_for(sizes, decimates=decimates)
        found |= {k: bucket for k, bucket in buckets.items() if bucket is not None}
    return found


class AnySizeProgram:
    """A program for any size for each metric; compiled metric by metric.

    So every choice of metrics finds the programs that another one has left on disk.
    Metrics without such a program are compiled for every size.
    """

    def __init__(
        self,
        members: Sequence[BoundMetric],
        factor: int,
        folder: Path | None,
        params: Params,
        devices: Sequence[Any] = (),
    ) -> None:
        """Prepare to compute ``members``; see ``Program``.

        Args:
            members: in the order of the columns.
            factor: of metrics that decimate; the others have programs of any factor.
            folder: in which traced programs are kept.
            params: learned parameters, by set and key.
            devices: among which a batch is divided.
        """
        self._members = tuple(members)
        self._programs = {
            k: Program(
                [member],
                folder,
                params,
                devices,
                factor if member.metric.decimates(**member.options) else 1,
            )
            for k, member in enumerate(members)
            if member.any_size
        }
        others = [m for m in members if not m.any_size]
        self._exact = Program(others, folder, params) if others else None

    def __call__(self, reference: Any, image: Any, rows: Any, cols: Any) -> list[Any]:
        """Score a batch of padded images."""
        found: dict[int, Any] = {}
        for k, program in self._programs.items():
            mine = reference if self._members[k].needs_reference else None
            found[k] = program(mine, image, rows, cols)[0]
        if self._exact is not None:
            others = [k for k in range(len(self._members)) if k not in self._programs]
            columns = self._one_by_one(self._exact, reference, image, rows, cols)
            found |= dict(zip(others, columns, strict=True))
        return [found[k] for k in range(len(self._members))]

    def is_ready(self, reference: Any, image: Any, *sizes: Any) -> bool:
        """Whether the programs for any size have been compiled."""
        return all(
            program.is_ready(
                reference if self._members[k].needs_reference else None, image, *sizes
            )
            for k, program in self._programs.items()
        )

    def make(self, reference: Any, image: Any, *sizes: Any) -> None:
        """Compile the programs, several at once, or load them."""

        def made(item: tuple[int, Program]) -> None:
            k, program = item
            mine = reference if self._members[k].needs_reference else None
            program.make(mine, image, *sizes)

        with ThreadPoolExecutor(cpu_workers()) as pool:
            list(pool.map(made, self._programs.items()))

    def prepare(self, reference: Any, image: Any, *sizes: Any) -> None:
        """Load the programs that are kept on disk; see ``Program.prepare``."""
        for k, program in self._programs.items():
            mine = reference if self._members[k].needs_reference else None
            program.prepare(mine, image, *sizes)

    def _one_by_one(
        self, program: Program, reference: Any, image: Any, rows: Any, cols: Any
    ) -> list[np.ndarray]:
        """The columns of metrics that are compiled for every size."""
        scored: list[list[jax.Array]] = []
        for k, (height, width) in enumerate(zip(rows, cols, strict=True)):
            own = image[k : k + 1, :height, :width]
            pair = None if reference is None else reference[k : k + 1, :height, :width]
            scored.append(program(pair, own))
        return [
            np.concatenate([np.asarray(v) for v in column])
            for column in zip(*scored, strict=True)
        ]

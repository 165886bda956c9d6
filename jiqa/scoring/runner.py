"""Decoding and scoring many files: by shape, overlapped, in bounded memory."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.core.images import check_min_side
from jiqa.core.metric_group import Params
from jiqa.io.decode import DecodeError, Shape, peek, read_image
from jiqa.io.write_table import Row
from jiqa.scoring.batching import Group, Layout, batch_size, batches_of, groups_of
from jiqa.scoring.choose_metrics import Choice
from jiqa.scoring.computing import Batch, Scored, width
from jiqa.scoring.jobs import Job
from jiqa.scoring.memory import fits, program_for
from jiqa.scoring.reference_cache import ReferenceCache

_AHEAD = 2  # batches being decoded while one is computed


class Runner:
    """Scores jobs; every job gives exactly one row, in the order of completion."""

    def __init__(
        self,
        choices: Sequence[Choice],
        *,
        background: float = 1.0,
        programs: Path | None = None,
        params: Params = MappingProxyType({}),
        memory: int | None = None,
        devices: Sequence[Any] = (),
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """Prepare to compute ``choices``, transparency over ``background``.

        Args:
            choices: the columns.
            background: grey level in [0, 1].
            programs: folder in which traced programs are kept between runs.
            params: what the choices need of learned parameters, by set and key.
            memory: bytes for the features of a pair and metric; see
                ``jiqa.scoring.memory``.
            devices: among which each batch is divided; not with ``memory``.
            share: of several processes with the same jobs, number ``share[0]`` of
                ``share[1]`` does every ``share[1]``-th batch.
        """
        self._devices = () if memory else devices
        self._share, self._turn = share, 0
        self._programs, self._params, self._memory = programs, params, memory
        self._choices = list(choices)
        self._background = background
        self._references = ReferenceCache(background)

    def columns(self, *, have_reference: bool) -> list[str]:
        """The table's columns."""
        pair = ["image", "reference"] if have_reference else ["image"]
        return [*pair, "width", "height", *(c.label for c in self._choices), "error"]

    def run(
        self, jobs: Sequence[Job], done: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Job, Row]]:
        """Yield each job that is not ``done`` (by key) with its row.

        Batch sizes follow from all jobs, done ones included, so that a resumed run
        computes its rows with the same programs.
        """
        workers = max(2, min(8, os.cpu_count() or 2))
        devices = max(1, len(self._devices))
        at_once = width(
            learned=any(c.metric.learned is not None for c in self._choices),
            bounded=self._memory is not None or devices > 1,
        )
        with _pool(workers + 1) as pool, _pool(at_once) as computing:
            layouts: dict[Layout, list[Job]] = defaultdict(list)
            for job, layout in zip(jobs, pool.map(self._plan, jobs), strict=True):
                if isinstance(layout, str):
                    if self._is_mine() and job.key not in done:
                        yield job, self._row(job, error=layout)
                else:
                    layouts[layout].append(job)
            groups = deque(self._group(*own, done) for own in layouts.items())
            waiting: deque[tuple[Group, Future[tuple[list[Scored], float]]]] = deque()
            for group, one, decoding in _ahead(self._decoding(groups, pool), _AHEAD):
                good: list[Job] = []
                pixels: list[tuple[np.ndarray, ...]] = []
                for job, future in decoding:
                    try:
                        pixels.append(future.result())
                        good.append(job)
                    except DecodeError as error:
                        yield job, self._row(job, group.layout, error=str(error))
                if good:
                    batch = Batch(group.program, good, pixels, group.size, one, devices)
                    waiting.append((group, computing.submit(batch.computed)))
                # One more is ready for the device while finished ones are written out.
                while len(waiting) > at_once:
                    yield from self._collect(*waiting.popleft())
            while waiting:
                yield from self._collect(*waiting.popleft())

    def _decoding(
        self, groups: deque[Group], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[Group, bool, list[tuple[Job, Future[Any]]]]]:
        """The batches, each being decoded from when it is asked for."""
        while groups:
            group = groups.popleft()
            for following in list(groups)[:1]:
                # The next size's program is loaded while this one's images are scored.
                pool.submit(following.prepare)
            for one, batch in group.batches:
                own = [(j, pool.submit(self._decode, j, group.layout)) for j in batch]
                yield group, one, own

    def _is_mine(self) -> bool:
        """Whether this process does the next piece of work; all count alike."""
        self._turn += 1
        return (self._turn - 1) % self._share[1] == self._share[0]

    def _plan(self, job: Job) -> Layout | str:
        """The layout of a job from the file headers, or what is wrong with it."""
        if job.problem:
            return job.problem
        try:
            image = peek(job.image)
            if job.reference is None:
                return Layout(*image, reference_dtype=None)
            reference = self._references.peek(job.reference)
        except DecodeError as error:
            return str(error)
        if image[:2] != reference[:2]:
            return (
                f"sizes differ: {job.image} is {_size(image)}, reference "
                f"{job.reference} is {_size(reference)}"
            )
        # A grey image next to a colour one counts as three equal channels.
        channels = max(image.channels, reference.channels)
        return Layout(*image[:2], channels, image.dtype, reference.dtype)

    def _group(self, layout: Layout, jobs: list[Job], done: frozenset[str]) -> Group:
        choices, refused = self._applicable(layout)
        devices = max(1, len(self._devices))
        program, choices, most = program_for(
            choices, layout, self._programs, self._params, self._memory, self._devices
        )
        learned = any(c.metric.learned is not None for c in choices)
        groups = groups_of(jobs, by_reference=learned)
        counts = [len(own) for _, own in groups]
        size = batch_size(layout, counts, most, devices)
        batches = [
            (one, [job for job in batch if job.key not in done])
            for one, batch in batches_of(groups, size)
            if self._is_mine()
        ]
        return Group(layout, choices, refused, program, size, batches)

    def _applicable(self, layout: Layout) -> tuple[list[Choice], str]:
        choices, refused = [], []
        shape = (layout.height, layout.width, layout.channels)
        for choice in self._choices:
            if choice.needs_reference and layout.reference_dtype is None:
                continue
            try:
                minimum = choice.metric.min_side(**choice.options)
                check_min_side(shape, minimum, choice.label)
                if self._memory is not None:
                    fits(choice, layout, self._memory)
                choices.append(choice)
            except ValueError as error:
                refused.append(str(error))
        return choices, "; ".join(refused)

    def _decode(self, job: Job, layout: Layout) -> tuple[np.ndarray, ...]:
        image = read_image(job.image, background=self._background)
        pair: list[Any] = [(job.image, image, layout.image_dtype)]
        if job.reference is not None:
            reference = self._references.read(job.reference)
            pair.insert(0, (job.reference, reference, layout.reference_dtype))
        for path, pixels, dtype in pair:
            if (
                pixels.shape[:2] != (layout.height, layout.width)
                or pixels.dtype != dtype
            ):
                raise DecodeError(
                    expected(
                        f"{path}",
                        f"{layout.width}x{layout.height} {dtype}, as in the header",
                        f"{_size(pixels.shape)} {pixels.dtype}",
                    )
                )
        return tuple(_widened(p, layout.channels) for _, p, _ in pair)

    def _collect(
        self, group: Group, future: Future[tuple[list[Scored], float]]
    ) -> Iterator[tuple[Job, Row]]:
        scored, seconds = future.result()
        for job, values, problem in scored:
            error = "; ".join(filter(None, (group.refused, problem)))
            row = self._row(job, group.layout, error=error)
            labels = [c.label for c in group.choices]
            row.update(dict(zip(labels, values, strict=False)))
            row["seconds"] = seconds
            lost = [k for k, v in row.items() if isinstance(v, float) and np.isnan(v)]
            for label in lost:
                row[label] = None
                row["error"] = "; ".join(filter(None, (row["error"], f"{label}: NaN")))
            yield job, row

    def _row(self, job: Job, layout: Layout | None = None, *, error: str = "") -> Row:
        return {
            "image": str(job.image),
            "reference": str(job.reference) if job.reference else None,
            "width": layout.width if layout else None,
            "height": layout.height if layout else None,
            **{c.label: None for c in self._choices},
            "error": error,
        }


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that let go at once of what is waiting when the run is broken off."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _ahead(pieces: Iterator[Any], count: int) -> Iterator[Any]:
    """The same pieces, ``count`` of them asked for before they are needed."""
    held = deque(itertools.islice(pieces, count))
    while held:
        piece = held.popleft()
        held.extend(itertools.islice(pieces, 1))
        yield piece


def _widened(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Grey as so many equal channels; a repetition of one would cost as much."""
    if pixels.shape[-1] == channels:
        return pixels
    return np.repeat(pixels, channels, axis=-1)


def _size(shape: Shape | tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"

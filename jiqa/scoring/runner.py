"""Decoding and scoring many files: by shape, overlapped, in bounded memory."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.images import check_min_side
from jiqa.core.metric_group import Params
from jiqa.io.decode import DecodeError, Shape, peek, read_image
from jiqa.io.light import peek_light, read_light
from jiqa.io.read_ahead import Threads, cpu_workers, in_batches, in_order
from jiqa.io.write_table import Row
from jiqa.scoring.any_size import AnySizeProgram, shared
from jiqa.scoring.batching import (
    BATCH_IMAGES,
    Group,
    Layout,
    batch_size,
    batches_of,
    groups_of,
)
from jiqa.scoring.computing import Batch, Scored, width
from jiqa.scoring.jobs import Job
from jiqa.scoring.memory import fits, program_for
from jiqa.scoring.reference_cache import ReferenceCache
from jiqa.scoring.resized import Resize, resized

_AHEAD = 2  # batches being decoded while one is computed


class _Image(NamedTuple):
    """A job of a batch; once decoded, its pixels or the error of its files."""

    group: Group
    one_reference: bool
    job: Job
    pixels: tuple[np.ndarray, ...] = ()
    error: str = ""


class Runner:
    """Scores jobs; every job gives exactly one row, in the order of completion."""

    def __init__(
        self,
        choices: Sequence[BoundMetric],
        *,
        background: float = 1.0,
        programs: Path | None = None,
        params: Params = MappingProxyType({}),
        memory: int | None = None,
        devices: Sequence[Any] = (),
        share: tuple[int, int] = (0, 1),
        resize: Resize | None = None,
    ) -> None:
        """Prepare to compute ``choices``, transparency over ``background``.

        Args:
            choices: the columns; files hold linear light where a metric takes it.
            background: grey level in [0, 1].
            programs: folder in which traced programs are kept between runs.
            params: what the choices need of learned parameters, by set and key.
            memory: bytes for the features of a pair and metric; see
                ``jiqa.scoring.memory``.
            devices: among which each batch is divided; not with ``memory``.
            share: of several processes with the same jobs, number ``share[0]`` of
                ``share[1]`` does every ``share[1]``-th batch.
            resize: which one of a pair takes on the other's size where they differ,
                ``"reference"`` or ``"image"``; by default such a pair is refused.
        """
        self._resize, self._resized = resize, dict[str, str]()
        self._layouts: dict[str, Layout] = {}
        self._refused: dict[Layout, str] = {}
        self._devices = () if memory else devices
        self._share, self._turn = share, 0
        self._programs, self._params, self._memory = programs, params, memory
        self._choices = list(choices)
        self._background = background
        light = any(c.metric.info.takes_light for c in choices)
        self._peek_file = peek_light if light else peek
        self._read_file = read_light if light else read_image
        self._references = ReferenceCache(
            background, read=self._read_file, peek=self._peek_file
        )

    def columns(self, *, have_reference: bool) -> list[str]:
        """The table's columns."""
        pair = ["image", "reference"] if have_reference else ["image"]
        size = ["width", "height", *(["resized"] if self._resize else [])]
        return [*pair, *size, *columns_of(self._choices), "error"]

    def run(
        self,
        jobs: Sequence[Job],
        done: frozenset[str] = frozenset(),
        compiling: Callable[[int, int], AbstractContextManager[Any]] = lambda n, of: (
            nullcontext()
        ),
    ) -> Iterator[tuple[Job, Row]]:
        """Yield each job that is not ``done`` (by key) with its row.

        Each size of images has a program, compiled within ``compiling(number, of how
        many)``. A row that was computed has ``seconds``, its share of its batch's time.

        Batch sizes follow from all jobs, done ones included, so that a resumed run
        computes its rows with the same programs.
        """
        devices = max(1, len(self._devices))
        at_once = width(
            deep=any(c.metric.deep is not None for c in self._choices),
            bounded=self._memory is not None or devices > 1,
        )
        with Threads(cpu_workers() + 1) as pool, Threads(at_once) as computing:
            layouts: dict[Layout, list[Job]] = defaultdict(list)
            self._layouts.clear()
            planned = in_order(self._plan, jobs, pool)
            for job, layout in zip(jobs, planned, strict=True):
                if isinstance(layout, str):
                    if self._is_mine() and job.key not in done:
                        yield job, self._row(job, error=layout)
                else:
                    self._layouts[job.key] = layout
                    layouts[layout].append(job)
            groups = deque(self._groups(layouts, done))
            busy = [g for g in groups if any(own for _, own in g.batches)]
            for number, group in enumerate(busy, 1):
                group.compiling = partial(compiling, number, len(busy))
            decoded = self._decoded(groups, pool)
            # One more is ready for the device while finished ones are written out.
            scored = in_order(_computed, decoded, computing, ahead=at_once + 1)
            for group, unread, found, seconds in scored:
                for image in unread:
                    row = self._row(image.job, error=image.error)
                    yield image.job, row
                yield from self._rows(group, found, seconds)

    def _decoded(
        self, groups: deque[Group], pool: Threads
    ) -> Iterator[tuple[Group, list[_Image], Batch]]:
        """Yield batches with their pixels, and the jobs whose files cannot be read."""
        batches = self._batches(groups, pool)
        for images in in_batches(self._decode, batches, pool, ahead=_AHEAD + 1):
            group, one_reference = images[0][:2]
            read = [image for image in images if image.pixels]
            batch = Batch(
                group.program,
                [image.job for image in read],
                [image.pixels for image in read],
                group.size,
                one_reference,
                max(1, len(self._devices)),
                group.padded,
                group.compiling,
                [len(choice.columns) for choice in group.choices],
            )
            yield group, [image for image in images if not image.pixels], batch

    def _batches(self, groups: deque[Group], pool: Threads) -> Iterator[list[_Image]]:
        """Yield the batches to decode."""
        while groups:
            group = groups.popleft()
            for following in list(groups)[:1]:
                # The next size's program is loaded while this one's images are scored.
                pool.submit(following.prepare)
            for one, batch in group.batches:
                if batch:
                    yield [_Image(group, one, job) for job in batch]

    def _is_mine(self) -> bool:
        """Return whether this process takes the next unit of work; all count alike."""
        self._turn += 1
        return (self._turn - 1) % self._share[1] == self._share[0]

    def _plan(self, job: Job) -> Layout | str:
        """Return the layout of a job from the file headers, or what is wrong."""
        if job.problem:
            return job.problem
        try:
            image = self._peek_file(job.image)
            if job.reference is None:
                return Layout(*image, reference_dtype=None)
            reference = self._references.peek(job.reference)
        except DecodeError as error:
            return str(error)
        size = image[:2]
        if size != reference[:2]:
            if self._resize is None:
                return (
                    f"sizes differ: the image is {_size(image)}, its reference "
                    f"{job.reference} is {_size(reference)}"
                )
            ends = [_size(reference), _size(image)]
            if self._resize == "image":
                size = reference[:2]
                ends.reverse()
            self._resized[job.key] = f"{self._resize} {' to '.join(ends)}, bicubic"
        # A grey image next to a colour one counts as three equal channels.
        channels = max(image.channels, reference.channels)
        return Layout(*size, channels, image.dtype, reference.dtype)

    def _groups(
        self, layouts: Mapping[Layout, list[Job]], done: frozenset[str]
    ) -> Iterator[Group]:
        """Yield the groups of jobs; images of several sizes may share one."""
        found = {layout: self._applicable(layout) for layout in layouts}
        counts = {layout: len(jobs) for layout, jobs in layouts.items()}
        # With a budget of memory, a size is scored whole or in tiles.
        together = shared(found, counts) if self._memory is None else []
        padded = {layout for group in together for layout in group.layouts}
        for layout, jobs in layouts.items():
            if layout not in padded:
                program, choices, most = program_for(
                    found[layout],
                    layout,
                    self._programs,
                    self._params,
                    self._memory,
                    self._devices,
                )
                group = Group(layout, choices, program)
                yield self._planned(group, jobs, done, most)
        for each in together:
            for bucket, members in each.batches().items():
                program = AnySizeProgram(
                    each, bucket, self._programs, self._params, self._devices
                )
                layout = replace(members[0], height=bucket.rows, width=bucket.cols)
                group = Group(layout, list(each.members), program, padded=True)
                jobs = [job for member in members for job in layouts[member]]
                yield self._planned(group, jobs, done, BATCH_IMAGES)

    def _planned(
        self, group: Group, jobs: list[Job], done: frozenset[str], most: int
    ) -> Group:
        """The group with its batches, of ``most`` images."""
        devices = max(1, len(self._devices))
        deep = any(c.metric.deep is not None for c in group.choices)
        groups = groups_of(jobs, by_reference=deep and not group.padded)
        counts = [len(own) for _, own in groups]
        size = batch_size(group.layout, counts, most, devices)
        batches = [
            (one, [job for job in batch if job.key not in done])
            for one, batch in batches_of(groups, size)
            if self._is_mine()
        ]
        return replace(group, size=size, batches=batches)

    def _applicable(self, layout: Layout) -> list[BoundMetric]:
        """The metrics that take such images; why the others do not is kept."""
        choices, refused = [], []
        shape = (layout.height, layout.width, layout.channels)
        for choice in self._choices:
            if choice.needs_reference and layout.reference_dtype is None:
                continue
            try:
                side = choice.metric.info.min_side_of
                check_min_side(shape, choice.min_side, choice.label, side)
                if self._memory is not None:
                    fits(choice, layout, self._memory)
                choices.append(choice)
            except ValueError as error:
                refused.append(str(error))
        self._refused[layout] = "; ".join(refused)
        return choices

    def _decode(self, image: _Image) -> _Image:
        try:
            pixels = self._read(image.job, self._layouts[image.job.key])
        except DecodeError as error:
            return image._replace(error=str(error))
        return image._replace(pixels=pixels)

    def _read(self, job: Job, layout: Layout) -> tuple[np.ndarray, ...]:
        image = self._read_file(job.image, background=self._background)
        pair: list[Any] = [(job.image, image, layout.image_dtype)]
        if job.reference is not None:
            reference = self._references.read(job.reference)
            if job.key in self._resized:
                size = layout.height, layout.width
                if self._resize == "reference":
                    reference = resized(reference, size)
                else:
                    pair[0] = (job.image, resized(image, size), layout.image_dtype)
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

    def _rows(
        self, group: Group, scored: Sequence[Scored], seconds: float
    ) -> Iterator[tuple[Job, Row]]:
        for job, values, problem in scored:
            refused = self._refused[self._layouts[job.key]]
            error = "; ".join(filter(None, (refused, problem)))
            row = self._row(job, error=error)
            row.update(dict(zip(columns_of(group.choices), values, strict=False)))
            row["seconds"] = seconds
            lost = [k for k, v in row.items() if isinstance(v, float) and np.isnan(v)]
            for label in lost:
                row[label] = None
                row["error"] = "; ".join(filter(None, (row["error"], f"{label}: NaN")))
            yield job, row

    def _row(self, job: Job, *, error: str = "") -> Row:
        layout = self._layouts.get(job.key)
        # The row names its image: a message need not do it again.
        error = error.removeprefix(f"{job.image}: ")
        sizes = {"resized": self._resized.get(job.key)} if self._resize else {}
        return {
            "image": str(job.image),
            "reference": str(job.reference) if job.reference else None,
            "width": layout.width if layout else None,
            "height": layout.height if layout else None,
            **sizes,
            **dict.fromkeys(columns_of(self._choices)),
            "error": error,
        }


def columns_of(choices: Sequence[BoundMetric]) -> list[str]:
    """The columns that metrics fill, in order."""
    return [column for choice in choices for column in choice.columns]


def _computed(
    item: tuple[Group, list[_Image], Batch],
) -> tuple[Group, list[_Image], list[Scored], float]:
    group, unread, batch = item
    return group, unread, *(batch.computed() if batch.jobs else ([], 0.0))


def _widened(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Widen grey to so many equal channels; repeating one would cost as much."""
    if pixels.shape[-1] == channels:
        return pixels
    return np.repeat(pixels, channels, axis=-1)


def _size(shape: Shape | tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"

"""Making the images of ladders: by shape, decoded and written by threads."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jiqa.distortions.distort import compiled
from jiqa.distortions.kinds import Kind
from jiqa.distortions.ladders.plan import FORMATS, Ladder, Place, Source, Step
from jiqa.distortions.operations.rounding import to_uint8
from jiqa.io.atomic import replacing
from jiqa.io.decode import DecodeError, peek, read_image

#: A place with what went wrong there, or nothing.
Outcome = tuple[Place, str]

#: Sources being decoded while one is computed.
_AHEAD = 2
#: Images on their way to the disk, for each thread.
_PENDING = 4


def write_ladders(
    ladder: Ladder,
    sources: Sequence[Source],
    output: Path,
    *,
    workers: int | None = None,
    background: float = 1.0,
) -> Iterator[Outcome]:
    """Write every image of every source that is not there yet.

    A file appears whole or not at all, so that what is there is done. Sources of one
    shape come one after the other: each program is compiled once per shape and
    dropped when the shape is through.

    Args:
        ladder: which images.
        sources: the photographs; 16-bit ones are rounded to 8 bits.
        output: the folder.
        workers: threads that decode, run codecs and write; as many as CPUs, at most
            8, by default.
        background: grey level behind transparent pixels.

    Yields:
        The place of every image, as it is done, and why it could not be made, or
        nothing. A source that cannot be read has one place, without a step.
    """
    steps = list(ladder.steps())
    workers = workers or max(2, min(8, os.cpu_count() or 2))
    with _pool(workers) as pool:
        wanted: list[int] = []
        for index, source in enumerate(sources):
            if all((output / ladder.file(source, s)).exists() for s in steps):
                yield from ((Place(index, number), "") for number in range(len(steps)))
            else:
                wanted.append(index)
        run = _Run(ladder, steps, output, pool, _PENDING * workers)
        for group in _by_shape(wanted, sources, pool):
            yield from run.group(group, sources, background)
        yield from run.finish(0)


class _Run:
    """Sources through the device and the threads, in bounded memory."""

    def __init__(
        self,
        ladder: Ladder,
        steps: list[Step],
        output: Path,
        pool: ThreadPoolExecutor,
        limit: int,
    ) -> None:
        self._ladder, self._steps, self._output = ladder, steps, output
        self._pool, self._limit = pool, limit
        self._pending: deque[tuple[Place, Future[None]]] = deque()

    def group(
        self, indices: list[int], sources: Sequence[Source], background: float
    ) -> Iterator[Outcome]:
        """All sources of one shape."""
        kinds = {step.kind for step in self._steps if step.kind}
        programs = {kind: compiled(kind) for kind in kinds if kind.where == "jax"}
        decoding: deque[tuple[int, Future[np.ndarray]]] = deque()
        waiting = deque(indices)
        while waiting or decoding:
            while waiting and len(decoding) < _AHEAD:
                index = waiting.popleft()
                path = sources[index].path
                future = self._pool.submit(_read, path, background)
                decoding.append((index, future))
            index, future = decoding.popleft()
            try:
                pixels = future.result()
            except DecodeError as error:
                yield Place(index, None), str(error)
                continue
            yield from self._source(index, sources[index], pixels, programs)

    def _source(
        self,
        index: int,
        source: Source,
        pixels: np.ndarray,
        programs: dict[Kind, Any],
    ) -> Iterator[Outcome]:
        on_device = jnp.asarray(pixels)
        for number, step in enumerate(self._steps):
            place = Place(index, number)
            target = self._output / self._ladder.file(source, step)
            if target.exists():
                yield place, ""
                continue
            if step.kind is None:
                work: tuple[Any, ...] = (pixels,)
            else:
                key = self._ladder.key(source, step)
                work = (step.kind, pixels, step.parameter, key)
                if step.kind in programs:
                    # Returns before the device is done; the thread waits for it.
                    try:
                        program = programs[step.kind]
                        work = (program(on_device, step.parameter, key),)
                    except Exception as error:
                        yield place, _first_line(error)
                        continue
            future = self._pool.submit(_write, target, self._ladder.format, *work)
            self._pending.append((place, future))
            yield from self.finish(self._limit)

    def finish(self, left: int) -> Iterator[Outcome]:
        """Wait until no more than ``left`` images are on their way."""
        while len(self._pending) > left:
            place, future = self._pending.popleft()
            error = future.exception()
            yield place, "" if error is None else _first_line(error)


def _read(path: Path, background: float) -> np.ndarray:
    pixels = read_image(path, background=background)
    return pixels if pixels.dtype == np.uint8 else to_uint8(pixels / 65535.0)


def _write(target: Path, form: str, *work: Any) -> None:
    """Write an image whole or not at all.

    ``work`` is the image, or the kind that makes it here, uint8 pixels, the parameter
    and the key.
    """
    from PIL import Image

    if len(work) == 1:
        image = np.asarray(work[0])
    else:
        kind, pixels, parameter, key = work
        image = kind.apply((pixels / 255.0).astype(np.float32), parameter, key)
    pixels = image if image.dtype == np.uint8 else to_uint8(image)
    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    with replacing(target, sole_writer=True) as draft:
        picture.save(draft, "TIFF" if form == "tif" else form, **FORMATS[form])


def _by_shape(
    indices: list[int], sources: Sequence[Source], pool: ThreadPoolExecutor
) -> Iterable[list[int]]:
    """The indices in groups of one shape, unreadable sources in one of their own."""
    groups: dict[Any, list[int]] = defaultdict(list)
    paths = (sources[i].path for i in indices)
    for index, shape in zip(indices, pool.map(_shape, paths), strict=True):
        groups[shape].append(index)
    return groups.values()


def _shape(path: Path) -> tuple[int, ...] | None:
    try:
        return peek(path)[:3]
    except DecodeError:
        return None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that let go at once of what is waiting when the run is broken off."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)

"""Make the images of ladders: grouped by shape, decoded and written by threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jiqa.distortions.distort import compiled
from jiqa.distortions.kinds import Kind
from jiqa.distortions.ladders.plan import FORMATS, ImageId, Ladder, Source, Step
from jiqa.distortions.operations.rounding import to_uint8
from jiqa.io.atomic import replacing
from jiqa.io.decode import DecodeError, peek, read_image
from jiqa.io.read_ahead import Threads, cpu_workers, in_order

#: An image, and why it could not be made, or nothing.
Outcome = tuple[ImageId, str]

#: Sources being decoded or waiting to be computed.
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
    """Write every image of every source that does not exist yet.

    A file appears whole or not at all, so that existing files are done. Sources of one
    shape follow each other: each program is compiled once per shape and dropped after
    the last of them.

    Args:
        ladder: which images.
        sources: the photographs; 16-bit ones are rounded to 8 bits.
        output: the folder.
        workers: threads that decode, run codecs and write; as many as CPUs, at most
            8, by default.
        background: grey level behind transparent pixels.

    Yields:
        Every image, as it is done, and why it could not be made, or nothing. A source
        that cannot be read counts as one image, without a step.
    """
    steps = list(ladder.steps())
    with Threads(workers or cpu_workers()) as pool:
        wanted: list[int] = []
        for index, source in enumerate(sources):
            if all((output / ladder.file(source, s)).exists() for s in steps):
                yield from ((ImageId(index, step), "") for step in range(len(steps)))
            else:
                wanted.append(index)
        run = _Run(ladder, steps, output, sources, background)
        images = (
            image
            for group in _by_shape(wanted, sources, pool)
            for image in run.images(group, pool)
        )
        yield from in_order(_write, images, pool, ahead=_PENDING * pool.count)


class _Image(NamedTuple):
    """An image on its way to the disk.

    Attributes:
        id: which it is.
        error: why it could not be made, or nothing.
        target: where it goes; ``None`` if it is there already or could not be made.
        form: one of ``FORMATS``.
        work: the image, or the kind that makes it, uint8 pixels, the parameter and
            the key.
    """

    id: ImageId
    error: str = ""
    target: Path | None = None
    form: str = ""
    work: tuple[Any, ...] = ()


class _Run:
    """Makes the images of sources, as they are asked for."""

    def __init__(
        self,
        ladder: Ladder,
        steps: list[Step],
        output: Path,
        sources: Sequence[Source],
        background: float,
    ) -> None:
        self._ladder, self._steps, self._output = ladder, steps, output
        self._sources, self._background = sources, background

    def images(self, indices: list[int], pool: Threads) -> Iterator[_Image]:
        """All images of sources of one shape, given by their numbers."""
        kinds = {step.kind for step in self._steps if step.kind}
        programs = {kind: compiled(kind) for kind in kinds if kind.where == "jax"}
        decoded = in_order(self._read, indices, pool, ahead=_AHEAD)
        for index, pixels in zip(indices, decoded, strict=True):
            if isinstance(pixels, DecodeError):
                yield _Image(ImageId(index, None), str(pixels))
            else:
                yield from self._steps_of(index, pixels, programs)

    def _read(self, index: int) -> np.ndarray | DecodeError:
        try:
            path = self._sources[index].path
            pixels = read_image(path, background=self._background)
        except DecodeError as error:
            return error
        return pixels if pixels.dtype == np.uint8 else to_uint8(pixels / 65535.0)

    def _steps_of(
        self, index: int, pixels: np.ndarray, programs: dict[Kind, Any]
    ) -> Iterator[_Image]:
        """All images of one source."""
        source = self._sources[index]
        on_device = jnp.asarray(pixels)
        for number, step in enumerate(self._steps):
            image = _Image(ImageId(index, number))
            target = self._output / self._ladder.file(source, step)
            if target.exists():
                yield image
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
                        yield image._replace(error=_first_line(error))
                        continue
            form = self._ladder.format
            yield image._replace(target=target, form=form, work=work)


def _write(image: _Image) -> Outcome:
    """Write an image whole or not at all; never raises."""
    if image.target is None:
        return image.id, image.error
    try:
        _save(image.target, image.form, *image.work)
    except Exception as error:
        return image.id, _first_line(error)
    return image.id, ""


def _save(target: Path, form: str, *work: Any) -> None:
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
    indices: list[int], sources: Sequence[Source], pool: Threads
) -> Iterable[list[int]]:
    """The indices in groups of one shape, unreadable sources in one of their own."""
    groups: dict[Any, list[int]] = defaultdict(list)
    paths = (sources[i].path for i in indices)
    for index, shape in zip(indices, in_order(_shape, paths, pool), strict=True):
        groups[shape].append(index)
    return groups.values()


def _shape(path: Path) -> tuple[int, ...] | None:
    try:
        return peek(path)[:3]
    except DecodeError:
        return None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

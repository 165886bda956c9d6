"""Pairs of image files through a loaded metric: by size, by reference, in batches."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.io.decode import DecodeError, peek, read_image
from jiqa.io.read_ahead import Threads, in_order
from jiqa.io.sources import Source
from jiqa.scoring.batching import BATCH_IMAGES, BATCH_PIXELS, Layout
from jiqa.scoring.reference_cache import ReferenceCache

#: ``(reference, distorted)``: files, or images of a prepared data set.
Pair = tuple[str | Path | Source, str | Path | Source]

#: Places of the pairs, what the metric gave for each, and why others failed.
Computed = tuple[list[int], np.ndarray, dict[int, str]]

_AHEAD = 2  # batches being decoded while one is computed
_WASTE = 1.1  # of work on filled-up batches, over that of single images


class _Decoded(NamedTuple):
    """A batch in memory: one reference, its versions by index, and what failed."""

    source: Path | Source
    reference: np.ndarray | None
    images: dict[int, np.ndarray]
    errors: dict[int, str]


def computed_batches(
    loaded: Any,
    pairs: Sequence[Pair],
    *,
    done: np.ndarray,
    background: float,
    devices: Sequence[Any] = (),
) -> Iterator[Computed]:
    """Yield the metric's values of all pairs, batch by batch.

    Args:
        loaded: of ``jiqa.load``, a metric with a reference.
        pairs: the files.
        done: pairs whose values are known ``[pairs]``. Batches are divided as if they
            were not, so that what is left is computed as it would have been.
        background: see ``jiqa.io.decode.read_image``.
        devices: of this process, which share each batch; by default one computes.
    """
    done = np.array(done)
    reader = _Reader(pairs, background)
    with Threads(4) as pool:
        groups: dict[Layout, list[int]] = defaultdict(list)
        unread: dict[int, str] = {}
        for index, layout in enumerate(in_order(reader.plan, range(len(pairs)), pool)):
            if isinstance(layout, str):
                unread[index] = layout
            else:
                groups[layout].append(index)
        if unread:
            yield [], np.empty((0, 1)), unread
        for layout, members in groups.items():
            sources = [(reader.source(i), i) for i in members]
            size, batches = _divided(layout, sources, max(1, len(devices)))
            batches = [b for b in batches if not done[b].all()]
            read = functools.partial(reader.read, layout=layout)
            decoded = in_order(read, batches, pool, ahead=_AHEAD + 1)
            yield from _through(loaded, decoded, size, devices)


def _divided(
    layout: Layout, members: list[tuple[Path | Source, int]], devices: int = 1
) -> tuple[int, list[list[int]]]:
    """Batches of one reference each, and the size to which they are filled up.

    The size is a multiple of the number of devices.
    """
    by_source: dict[Path | Source, list[int]] = defaultdict(list)
    for source, index in members:
        by_source[source].append(index)
    most = max(1, min(BATCH_IMAGES, BATCH_PIXELS // (layout.height * layout.width)))

    def work(size: int) -> int:
        return sum(-(-len(group) // size) * size for group in by_source.values())

    sizes = range(devices, most * devices + 1, devices)
    least = min(map(work, sizes))
    size = max(s for s in sizes if work(s) <= max(_WASTE * len(members), least))
    return size, [
        g[i : i + size] for g in by_source.values() for i in range(0, len(g), size)
    ]


def _through(
    loaded: Any, decoded: Iterator[_Decoded], size: int, devices: Sequence[Any]
) -> Iterator[Computed]:
    """Values of decoded batches; the device works on one while the last is yielded."""
    prepared: Any = None
    seen: Path | Source | None = None
    pending: tuple[list[int], Any, dict[int, str]] | None = None
    for batch in decoded:
        rows, result, errors = list(batch.images), None, dict(batch.errors)
        if batch.reference is not None and rows:
            try:
                if batch.source != seen:
                    prepared, seen = None, None  # the old one's memory first
                    prepared = loaded.prepare(batch.reference, devices=devices)
                    seen = batch.source
                images = list(batch.images.values())
                result = prepared(np.stack(images + images[:1] * (size - len(rows))))
            except ValueError as error:  # too small for the network
                errors |= dict.fromkeys(rows, str(error))
                rows = []
        if pending is not None:
            yield _finished(*pending)
        pending = rows, result, errors
    if pending is not None:
        yield _finished(*pending)


def _finished(rows: list[int], result: Any, errors: dict[int, str]) -> Computed:
    values = np.empty((0, 1)) if result is None else np.asarray(result)
    return rows, values[: len(rows)], errors


class _Reader:
    """Decodes pairs; references are kept while their versions are read."""

    def __init__(self, pairs: Sequence[Pair], background: float) -> None:
        self._pairs = [(located(a), located(b)) for a, b in pairs]
        self._background = background
        self._references = ReferenceCache(background)

    def source(self, index: int) -> Path | Source:
        """The reference of a pair."""
        return self._pairs[index][0]

    def plan(self, index: int) -> Layout | str:
        """Return the layout of a pair, from the headers, or what is wrong with it."""
        reference, distorted = self._pairs[index]
        try:
            a, b = self._references.peek(reference), peek(distorted)
        except DecodeError as error:
            return str(error)
        if a[:2] != b[:2]:
            return (
                f"sizes differ: {distorted} is {b.width}x{b.height}, reference "
                f"{reference} is {a.width}x{a.height}"
            )
        # A grey image next to a colour one counts as three equal channels.
        return Layout(a.height, a.width, max(a.channels, b.channels), b.dtype, a.dtype)

    def read(self, batch: list[int], layout: Layout) -> _Decoded:
        """Read the versions of one reference that a batch holds."""
        source = self.source(batch[0])
        try:
            pixels = self._references.read(source)
            reference = _fitting(source, pixels, layout, layout.reference_dtype)
        except DecodeError as error:
            return _Decoded(source, None, {}, dict.fromkeys(batch, str(error)))
        images, errors = {}, {}
        for index in batch:
            path = self._pairs[index][1]
            try:
                pixels = read_image(path, background=self._background)
                images[index] = _fitting(path, pixels, layout, layout.image_dtype)
            except DecodeError as error:
                errors[index] = str(error)
        return _Decoded(source, reference, images, errors)


def located(image: str | Path | Source) -> Path | Source:
    """Return a file's name as a path; anything else as it is."""
    return Path(image) if isinstance(image, str) else image


def _fitting(
    path: Path | Source, pixels: np.ndarray, layout: Layout, dtype: str | None
) -> np.ndarray:
    if pixels.shape[:2] != (layout.height, layout.width) or pixels.dtype != dtype:
        raise DecodeError(
            expected(
                f"{path}",
                f"{layout.width}x{layout.height} {dtype}, as in the header",
                f"{pixels.shape[1]}x{pixels.shape[0]} {pixels.dtype}",
            )
        )
    return np.repeat(pixels, layout.channels // pixels.shape[-1], axis=-1)

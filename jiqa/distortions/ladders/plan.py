"""The plan of a ladder of distorted images: its files, their keys, its table.

Every image of a ladder is determined by its name alone: the seed, the path of its
source below the input folder, the kind and the level give its random key. Neither the
order nor the other files in the folder matter.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jiqa.checks import alternatives, expected
from jiqa.distortions.kinds import Kind
from jiqa.distortions.registry import get_kind, get_set
from jiqa.io.write_table import Row, write_rows

#: Columns of the manifest. ``image`` and ``reference`` are relative to its folder;
#: ``error`` is the reason why ``image`` is missing, or empty.
COLUMNS: tuple[str, ...] = (
    "image",
    "reference",
    "distortion",
    "level",
    "set",
    "parameter",
    "seed",
    "error",
)
#: How each format is written, always without loss.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"compress_level": 3},
    "bmp": {},
    "tif": {"compression": "tiff_deflate"},
    "webp": {"lossless": True, "quality": 20, "method": 2},
}
_PRISTINE = "pristine"


class LadderError(ValueError):
    """A ladder that cannot be written as asked for."""


class Source(NamedTuple):
    """A photograph, and its path below the input folder."""

    path: Path
    relative: Path


class ImageId(NamedTuple):
    """An image of a run: the numbers of its source and its step; ``None`` for all."""

    source: int
    step: int | None


class Step(NamedTuple):
    """One image of a ladder: a kind at a level; no kind and level 0, the source."""

    kind: Kind | None
    level: int

    @property
    def name(self) -> str:
        """The kind's name, or ``"pristine"``."""
        return self.kind.name if self.kind else _PRISTINE

    @property
    def parameter(self) -> Any:
        """The strength, or ``None``."""
        return self.kind.levels[self.level - 1] if self.kind else None


@dataclass(frozen=True)
class Ladder:
    """Which images to make of every source.

    Attributes:
        set: name of the set of kinds.
        kinds: names of kinds of the set; all by default.
        levels: levels to make, as far as a kind has them; all by default.
        seed: what the random keys derive from, 0 to 2^32 - 1.
        format: how the images are stored, one of ``FORMATS``.
    """

    set: str
    kinds: tuple[str, ...] | None = None
    levels: tuple[int, ...] | None = None
    seed: int = 0
    format: str = "png"

    def __post_init__(self) -> None:
        """Reject what cannot be made.

        Raises:
            ValueError: an unknown set, kind or format, a level that no kind has, a
                seed out of range.
        """
        if not 0 <= self.seed < 2**32:
            raise LadderError(expected("seed", f"0 to {2**32 - 1}", f"{self.seed}"))
        if self.format not in FORMATS:
            raise LadderError(
                expected("format", alternatives(FORMATS), repr(self.format))
            )
        most = max(len(kind.levels) for kind in self.chosen())
        wrong = [n for n in self.levels or () if not 1 <= n <= most]
        if wrong:
            wanted = f"1 to {most}, the levels of the distortions"
            raise LadderError(expected("levels", wanted, f"{wrong[0]}"))

    def chosen(self) -> list[Kind]:
        """The kinds, without repetition.

        Raises:
            ValueError: an unknown set or kind.
        """
        if self.kinds is None:
            return list(get_set(self.set).values())
        return [get_kind(f"{self.set}/{name}") for name in dict.fromkeys(self.kinds)]

    def steps(self) -> Iterator[Step]:
        """The images of one source: itself, then kind by kind, level by level."""
        yield Step(None, 0)
        for kind in self.chosen():
            for level in range(1, len(kind.levels) + 1):
                if self.levels is None or level in self.levels:
                    yield Step(kind, level)

    def file(self, source: Source, step: Step) -> Path:
        """Where an image goes, relative to the output folder.

        ``photo.png`` below ``a`` becomes ``a/photo/pristine.png``,
        ``a/photo/jpeg/1.png``, ...
        """
        folder = source.relative.with_suffix("")
        stem = Path(step.name, str(step.level)) if step.kind else Path(_PRISTINE)
        return folder / f"{stem}.{self.format}"

    def key(self, source: Source, step: Step) -> jax.Array:
        """The random key of an image."""
        name = f"{source.relative.as_posix()}\n{self.set}/{step.name}\n{step.level}"
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        words = (int.from_bytes(digest[i : i + 4], "little") for i in (0, 4))
        return _folded(self.seed, *words)

    def row(self, source: Source, step: Step, error: str = "") -> Row:
        """The line of an image in the manifest."""
        return {
            "image": self.file(source, step).as_posix(),
            "reference": self.file(source, Step(None, 0)).as_posix(),
            "distortion": step.name,
            "level": step.level,
            "set": self.set,
            "parameter": ""
            if step.kind is None
            else json.dumps(step.parameter, default=str),
            "seed": self.seed,
            "error": error,
        }

    def write_manifest(
        self, path: Path, sources: Sequence[Source], failures: Mapping[ImageId, str]
    ) -> None:
        """Write the table of all images, complete or not at all.

        Lines that a manifest already has there, of other images that are still in the
        folder, stay: another run made these, of other photographs or kinds.

        Args:
            path: the CSV file.
            sources: the photographs, in the order of the table.
            failures: why an image is not there; with no step, why all
                of a source's are not: they share one line, the pristine image's.
        """
        rows = list(self._rows(sources, failures))
        mine = {row["image"] for row in rows}
        rows = [*_others(path, mine), *rows]
        write_rows(path, COLUMNS, rows)

    def _rows(
        self, sources: Sequence[Source], failures: Mapping[ImageId, str]
    ) -> Iterator[Row]:
        steps = list(self.steps())
        for index, source in enumerate(sources):
            unread = failures.get(ImageId(index, None))
            if unread is not None:
                yield self.row(source, steps[0], unread)
                continue
            for number, step in enumerate(steps):
                yield self.row(source, step, failures.get(ImageId(index, number), ""))


def _others(path: Path, mine: Container[str]) -> list[Row]:
    """Lines of a manifest on images other than ``mine``, as far as these exist."""
    if not path.exists():
        return []
    # File names need not be valid text.
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        others = [row for row in csv.DictReader(file) if row["image"] not in mine]
    return [row for row in others if (path.parent / row["image"]).exists()]


def _folded(seed: int, first: int, second: int) -> jax.Array:
    key = jax.random.fold_in(jax.random.key(seed), first)
    return jax.random.fold_in(key, second)

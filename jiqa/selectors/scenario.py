"""A scenario: scores of several methods on rated images, and subjective scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jiqa.checks import expected
from jiqa.data.learned_images import ImageFacts
from jiqa.errors import UsageError
from jiqa.evaluation.rows import group_rows
from jiqa.evaluation.score_table import read_score_table
from jiqa.io.table_columns import number_of
from jiqa.io.write_table import number_or_nan

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Scenario:
    """Raw scores of methods on rated images.

    Attributes:
        images: names [n].
        references: key of each image's reference [n], empty without one.
        splits: the split that each image belongs to [n], or empty.
        methods: names [m].
        raw: scores as the methods give them [n, m]; NaN where one is missing.
        score: subjective scores [n].
        direction: which of these are better.
        features: names of extra features of the images [k].
        extra_features: those features [n, k]; NaN where one is missing.
        facts: how the scores were made, kept with a selector that learns from them.
        notes: what was left out of a table, in sentences.
        files: the images [n] with the digests of their files; empty where those are
            not known.
    """

    images: tuple[str, ...]
    references: tuple[str, ...]
    splits: tuple[str, ...]
    methods: tuple[str, ...]
    raw: np.ndarray
    score: np.ndarray
    direction: Direction = "higher"
    features: tuple[str, ...] = ()
    extra_features: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[ImageFacts, ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def extra(self) -> np.ndarray:
        """The extra features [n, k], of which there may be none."""
        return (
            np.empty((len(self), 0))
            if self.extra_features is None
            else self.extra_features
        )

    @property
    def known_images(self) -> list[ImageFacts]:
        """The images [n] as they can be found again."""
        if self.files:
            return list(self.files)
        columns = self.images, self.references, self.score
        return [
            ImageFacts(image, reference=reference, score=float(score))
            for image, reference, score in zip(*columns, strict=True)
        ]

    def take(self, rows: Any) -> Scenario:
        """Take some of the images, by number or by a mask."""
        rows = np.arange(len(self))[rows]

        def some(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(texts[i] for i in rows)

        return replace(
            self,
            images=some(self.images),
            references=some(self.references),
            splits=some(self.splits),
            raw=self.raw[rows],
            score=self.score[rows],
            extra_features=None
            if self.extra_features is None
            else self.extra_features[rows],
            files=tuple(self.files[i] for i in rows) if self.files else (),
        )

    def of_methods(self, names: Sequence[str]) -> Scenario:
        """Take only these methods, in this order.

        Raises:
            UsageError: one that is not there.
        """
        lacking = [name for name in names if name not in self.methods]
        if lacking:
            raise UsageError(
                f"there are no scores of {', '.join(lacking)} (methods: "
                f"{', '.join(self.methods)})"
            )
        columns = [self.methods.index(name) for name in names]
        return replace(self, methods=tuple(names), raw=self.raw[:, columns])

    def of_split(self, name: str) -> Scenario:
        """Take only the images of one split.

        Raises:
            UsageError: it has no image.
        """
        rows = np.array([split == name for split in self.splits], bool)
        if not rows.any():
            known = sorted({split for split in self.splits if split})
            raise UsageError(
                f"there are no images of split {name} (splits: "
                f"{', '.join(known) or 'none'})"
            )
        return self.take(rows)

    def with_features(self, path: Path | str) -> Scenario:
        """Add features: every column of numbers of a table with a column image.

        Raises:
            UsageError: no such table, one without such columns, one that lacks
                images, or an image that is in it twice.
        """
        table = read_score_table(path)
        if not table.metrics:
            raise UsageError(
                f"{path}: expected columns of numbers beside the images, got none"
            )
        found: dict[str, list[float]] = {}
        for row in table.rows:
            name = row["image"]
            if name in found:
                raise UsageError(f"{path}: {name} occurs twice")
            found[name] = [
                number_or_nan(number_of(row[c], f"{path}, {c} of {name}"))
                for c in table.metrics
            ]
        lacking = [name for name in self.images if name not in found]
        if lacking:
            raise UsageError(
                f"{path} has no features for {len(lacking)} images, such as "
                f"{lacking[0]}"
            )
        values = np.array([found[name] for name in self.images], np.float64)
        return replace(self, features=table.metrics, extra_features=values)

    def fingerprint(self) -> str:
        """Return the SHA-256 of all that a selector learns from."""
        digest = hashlib.sha256()
        digest.update(repr((self.images, self.references, self.methods)).encode())
        digest.update(repr((self.direction, self.features)).encode())
        for values in (self.raw, self.score, self.extra):
            digest.update(np.ascontiguousarray(values, "<f8").data)
        return digest.hexdigest()


def scenario_of_rows(
    rows: Iterable[Mapping[str, Any]], direction: Mapping[str, Direction]
) -> Scenario:
    """Make a scenario of long rows, one an image and metric.

    Args:
        rows: see ``jiqa.evaluation.rows.COLUMNS``.
        direction: which subjective scores are better, by data set.

    Raises:
        UsageError: no rated image, rows of several data sets (whose scales differ), or
            fewer than two methods.
    """
    blocks = [b for b in group_rows(dict(row) for row in rows) if b.images]
    names = sorted({b.data for b in blocks})
    if len(names) != 1:
        wanted = "those of one data set, on one scale"
        raise UsageError(
            expected("scores", wanted, ", ".join(names) or "no rated images")
        )
    methods = tuple(dict.fromkeys(m for b in blocks for m in b.metrics))
    if len(methods) < 2:
        wanted = "at least two methods to choose from"
        raise UsageError(expected("scores", wanted, ", ".join(methods) or "none"))
    raw = []
    for block in blocks:
        own = np.full((len(block.images), len(methods)), np.nan)
        for name, values in zip(block.metrics, block.values, strict=True):
            own[:, methods.index(name)] = values
        raw.append(own)
    return Scenario(
        tuple(image for b in blocks for image in b.images),
        tuple(reference for b in blocks for reference in b.references),
        tuple(b.split for b in blocks for _ in b.images),
        methods,
        np.concatenate(raw),
        np.concatenate([b.score for b in blocks]),
        direction[names[0]],
    )

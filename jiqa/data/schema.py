"""The schema of every data set: its records, and facts about its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jiqa.checks import expected
from jiqa.io.sources import Source

#: The split of undistorted images, where a data set has them; scored by nobody.
REFERENCES = "references"

#: The only other split of a data set without an official division.
IMAGES = "images"


@dataclass(frozen=True)
class Scale:
    """The scale of a data set's subjective scores.

    Attributes:
        name: ``"MOS"`` or ``"DMOS"``, as the authors say.
        direction: ``"higher"`` or ``"lower"``: which end is the better picture.
        low: smallest score that the scale allows (or that occurs, see ``note``).
        high: largest.
        deviation: what ``Record.deviation`` is: ``"ratings"`` for the standard
            deviation of the single ratings, ``"mean"`` for that of their mean, empty
            if the data set has none.
        note: what else a user of the numbers has to know.
    """

    name: Literal["MOS", "DMOS"]
    direction: Literal["higher", "lower"]
    low: float
    high: float
    deviation: Literal["ratings", "mean", ""] = ""
    note: str = ""


@dataclass(frozen=True)
class Info:
    """A data set, as its authors describe it.

    Attributes:
        title: the name in the literature.
        kind: ``"full-reference"``: distorted images with references; ``"authentic"``:
            rated photographs without; ``"pristine"``: undistorted photographs, not
            rated, material for ranking.
        layout: the folders and files that ``manual_dir`` has to hold, as the official
            archives unpack, one path a line, with what it is.
        citation: authors, title, venue, year, DOI.
        homepage: where the official archives are available.
        scales: the scores by configuration; a set with one kind of score has the key
            ``""``, one with several (two viewing distances, say) a key for each, the
            default first. Empty for pristine sets.
        images: number of images without references, ``None`` if it is not fixed.
        references: number of references; 0 for sets without.
        distortions: types of distortion, in the authors' order.
        histogram: the values that the bins of ``Record.histogram`` stand for.
        licence: terms, as far as the authors state them.
    """

    title: str
    kind: Literal["full-reference", "authentic", "pristine"]
    layout: str
    citation: str
    homepage: str
    scales: Mapping[str, Scale] = field(default_factory=dict)
    images: int | None = None
    references: int = 0
    distortions: tuple[str, ...] = ()
    histogram: tuple[float, ...] = ()
    licence: str = "not stated by the authors; ask them"


@dataclass(frozen=True)
class Record:
    """One image of a data set.

    Attributes:
        image: the file, or what makes its bytes.
        name: the identifier of the image in the set, as the authors write it.
        reference: key of its reference in ``Contents.references``, or ``None``.
        score: subjective score on the set's scale, or ``None`` if it was not rated.
        deviation: standard deviation, of what the scale says, or ``None``.
        histogram: number or share of votes in each bin, or empty.
        distortion: the type, in the data set's own word; empty if there is none.
        level: its strength, the weakest 1; 0 for an undistorted image, ``None`` if
            unknown. An image of level 0 with a reference is a hidden reference: one
            that was shown for rating among the others.
        split: the official split, or empty where there is none.
    """

    image: Path | Source
    name: str
    reference: str | None = None
    score: float | None = None
    deviation: float | None = None
    histogram: Sequence[float] = ()
    distortion: str = ""
    level: int | None = None
    split: str = ""

    def __post_init__(self) -> None:
        """Reject what no later step could use."""
        for what in ("score", "deviation"):
            value = getattr(self, what)
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    expected(f"{self.name}, {what}", "a number", f"{value}")
                )
        if self.split in (REFERENCES, "all"):
            raise ValueError(
                f"{self.name}: an official split cannot be called {self.split}"
            )


@dataclass(frozen=True)
class Contents:
    """Everything found in an unpacked data set.

    Attributes:
        records: the images, in the order of the labels.
        references: the references by key, each once.
        notes: what a user has to know of this copy, such as parts that are not there.
        info: what the files say of the set where the builder cannot know it, such as
            a table's direction; ``None`` for the builder's ``INFO``.
    """

    records: Sequence[Record]
    references: Mapping[str, Path | Source] = field(default_factory=dict)
    notes: Sequence[str] = ()
    info: Info | None = None

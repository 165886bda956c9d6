"""Which images something has learned from: a table in its folder, compared by image.

A correlation on images that a model has learned from says nothing of other images. So
whatever learns keeps ``images.csv`` in its folder, and whatever reports looks there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.io.read_table import read_table
from jiqa.io.write_table import write_rows
from jiqa.weights.run_sets import is_folder, run_folder

#: The table in the folder of a run or of a selector.
FILE = "images.csv"

#: What an image was for: gradients or a fit, the choice of the state that is kept, or
#: the training of an earlier run whose weights this one began with.
TRAINING, VALIDATION, EARLIER = "training", "validation", "earlier training"

COLUMNS = ("image", "part", "reference", "score", "sha256", "reference_sha256")


@dataclass(frozen=True)
class ImageFacts:
    """An image as it can be found again.

    Attributes:
        image: what its data set calls it.
        part: what it was for: ``TRAINING``, ``VALIDATION`` or ``EARLIER``.
        reference: key of its reference, empty without one.
        score: subjective score, or ``None``.
        sha256: of its file, empty if that is not known.
        reference_sha256: of its reference's file, likewise.
    """

    image: str
    part: str = TRAINING
    reference: str = ""
    score: float | None = None
    sha256: str = ""
    reference_sha256: str = ""


def facts_of_images(
    dataset: Dataset, entries: Iterable[Entry], part: str = TRAINING
) -> list[ImageFacts]:
    """Return the facts of some images of a prepared data set."""
    references = dataset.references
    return [
        ImageFacts(
            e.name,
            part,
            e.reference,
            e.score,
            e.digest,
            references[e.reference].digest if e.reference in references else "",
        )
        for e in entries
    ]


def write_learned_images(folder: Path, images: Iterable[ImageFacts]) -> None:
    """Write ``images.csv`` into a folder."""
    write_rows(folder / FILE, COLUMNS, [vars(image) for image in images])


def read_learned_images(folder: Path) -> list[ImageFacts]:
    """Read ``images.csv`` of a folder; empty where there is none.

    Rows with an ``error`` are left out: nothing was learned from those images.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    rows = [row for row in read_table(path).records() if not row.get("error")]
    return [
        ImageFacts(
            row["image"],
            row.get("part") or TRAINING,
            row.get("reference", ""),
            float(row["score"]) if row.get("score") else None,
            row.get("sha256", ""),
            row.get("reference_sha256", ""),
        )
        for row in rows
    ]


def images_before(names: Iterable[str]) -> list[ImageFacts]:
    """Return what earlier runs have learned from, for the run that goes on from them.

    Args:
        names: ``run:FOLDER`` of each.
    """
    found = (read_learned_images(run_folder(name)) for name in names)
    return [
        replace(image, part=EARLIER)
        for images in found
        for image in images
        if image.part != VALIDATION
    ]


def learned_by(metric: str) -> list[ImageFacts]:
    """Return what a metric ``run:FOLDER`` or ``selector:FOLDER`` has learned from.

    Args:
        metric: its name, or its label, which has options in brackets at its end.

    Returns:
        Nothing for other metrics, and where the folder does not say.
    """
    if not is_folder(metric):
        return []
    names = dict.fromkeys((metric, re.sub(r"\([^()]*\)$", "", metric)))
    return next(filter(None, (read_learned_images(run_folder(n)) for n in names)), [])


def overlap_notes(
    learned: Sequence[ImageFacts], others: Sequence[ImageFacts]
) -> list[str]:
    """Say how many images were learned from, in one short note for each way.

    Images are compared by the digests of their files; by name and score where those
    are not known.

    Args:
        learned: of ``learned_by``.
        others: images that figures are about.
    """
    ways: Counter[str] = Counter()
    known = _Known(learned)
    for image in others:
        ways[known.way(image)] += 1
    total = f"of {len(others)} images"
    how = " (by name and score)" if known.by_name else ""
    texts: Mapping[str, str] = {
        TRAINING: "were in its training data",
        VALIDATION: "decided which state of its training was kept",
        EARLIER: "were in the training data of the run that it began with",
        "reference": "are versions of references in its training data",
    }
    return [
        f"{ways[way]} {total} {text}{how}" for way, text in texts.items() if ways[way]
    ]


class _Known:
    """What was learned from, by digest and by name and score."""

    def __init__(self, learned: Sequence[ImageFacts]) -> None:
        self.by_name = False
        self._digests: dict[str, str] = {}
        self._references: set[str] = set()
        self._names: dict[str, list[ImageFacts]] = {}
        order = {TRAINING: 0, EARLIER: 1, VALIDATION: 2}
        for image in sorted(learned, key=lambda i: order.get(i.part, 0)):
            if image.sha256:
                self._digests.setdefault(image.sha256, image.part)
            if image.part != VALIDATION:
                pictures = {image.sha256, image.reference_sha256} - {""}
                self._references |= pictures
            self._names.setdefault(_last(image.image), []).append(image)

    def way(self, image: ImageFacts) -> str:
        """Return the part that an image was in, ``"reference"`` or nothing."""
        if image.sha256 and self._digests:
            if image.sha256 in self._digests:
                return self._digests[image.sha256]
            seen = {image.sha256, image.reference_sha256} & self._references
            return "reference" if seen else ""
        for found in self._names.get(_last(image.image), ()):
            if _same(found.score, image.score):
                self.by_name = True
                return found.part
        return ""


def _last(name: str) -> str:
    return PurePath(name.replace("\\", "/")).name


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


def facts_of_rows(rows: Iterable[Mapping[str, Any]]) -> list[ImageFacts]:
    """Return the facts of the images of long rows of scores, which know no digests."""
    found: dict[str, ImageFacts] = {}
    for row in rows:
        score = row.get("score")
        facts = ImageFacts(
            str(row["image"]),
            reference=str(row.get("reference") or ""),
            score=None if score is None else float(score),
        )
        found.setdefault(facts.image, facts)
    return list(found.values())

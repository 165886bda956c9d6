"""Divisions of a data set: the official ones, and seeded ones by reference.

Distorted versions of one picture never fall on both sides: a model that has seen one
of them knows the picture. Divisions are of one set; they cannot know that TID2008,
TID2013 and LIVE share pictures, or that two photographs show one scene.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.store import open_dataset

#: Parts of a seeded division, by how many there are.
PARTS = {2: ("train", "test"), 3: ("train", "validation", "test")}

#: The division of most papers.
FRACTIONS = (0.8, 0.2)

_SEEDED = re.compile(r"(?P<part>\w+)@(?P<seed>\d+)(?:/(?P<shares>\d+(?:-\d+)*))?")

#: What ``select`` understands, for help texts and messages.
FORMS = """\
NAME                      all images
NAME:SPLIT                an official split
NAME:train@SEED           four fifths of the references with all their images
NAME:test@SEED            the other fifth; authentic sets are divided by image
NAME:PART@SEED/60-20-20   train, validation or test of a division in three"""


def split_entries(
    dataset: Dataset,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    *,
    hidden_references: bool = False,
) -> list[list[Entry]]:
    """Divide a set at random by reference, or by image where there are none.

    The order of the groups is that of a hash of the seed and their names, so that it
    is the same on every machine and with every version of any library.

    Args:
        dataset: an opened set; its official division, if any, is not looked at.
        fractions: the share of the groups in each part; they add up to 1. Every part
            gets one group at least.
        seed: 0, 1, ...
        hidden_references: whether to keep undistorted images that were rated.

    Returns:
        The entries of each part, in the order of the set.

    Raises:
        ValueError: fractions that are not positive or do not add up to 1, or fewer
            groups than parts.
    """
    entries = _without_hidden(dataset.entries(), hidden_references)
    return divide(entries, fractions, seed, dataset.name)


def divide(
    entries: Sequence[Entry], fractions: Sequence[float], seed: int, name: str
) -> list[list[Entry]]:
    """Divide some entries of a set; see ``split_entries``.

    Args:
        entries: what is divided, part of a set or all of it.
        fractions: the share of the groups in each part.
        seed: 0, 1, ...
        name: of what is divided, for messages.
    """
    if min(fractions, default=0) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        wanted = "positive numbers that add up to 1"
        raise ValueError(expected("fractions", wanted, f"{tuple(fractions)}"))
    order = sorted({_group(e) for e in entries}, key=lambda g: _rank(seed, g))
    if len(order) < len(fractions):
        raise ValueError(
            f"{name} has {len(order)} groups of images, too few for a split into "
            f"{len(fractions)} parts"
        )
    part_of = {
        group: part
        for part, (first, last) in enumerate(_bounds(len(order), fractions))
        for group in order[first:last]
    }
    parts: list[list[Entry]] = [[] for _ in fractions]
    for entry in entries:
        parts[part_of[_group(entry)]].append(entry)
    return parts


def select(
    spec: str,
    data_dir: Path | str | None = None,
    *,
    hidden_references: bool = False,
) -> tuple[Dataset, list[Entry]]:
    """Open a prepared set and pick the entries that a name asks for.

    Args:
        spec: one of ``FORMS``; ``NAME`` may be ``NAME/CONFIG``.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        hidden_references: whether to keep undistorted images that were rated.

    Returns:
        The set and its entries, in the order of the set.

    Raises:
        ValueError: no such data set, configuration or split, or another form.
        FileNotFoundError: the set is not prepared; the message says how to prepare it.
    """
    name, _, wanted = spec.partition(":")
    dataset = open_dataset(name, data_dir)
    if not wanted or wanted in dataset.splits:
        return dataset, _without_hidden(dataset.entries(wanted), hidden_references)
    match = _SEEDED.fullmatch(wanted)
    if not match:
        raise ValueError(
            f"{spec}: {name} has no split {wanted!r} (splits: "
            f"{', '.join(dataset.splits)}). Splits are written as\n{FORMS}"
        )
    shares = [int(s) for s in match["shares"].split("-")] if match["shares"] else []
    fractions = [s / 100 for s in shares] or FRACTIONS
    parts = PARTS.get(len(fractions), ())
    if match["part"] not in parts:
        raise ValueError(
            f"{spec}: the parts of a split into {len(fractions)} are called "
            f"{', '.join(parts) or 'nothing'}. Splits are written as\n{FORMS}"
        )
    if shares and sum(shares) != 100:
        raise ValueError(expected(spec, "shares that add up to 100", match["shares"]))
    divided = split_entries(
        dataset, fractions, int(match["seed"]), hidden_references=hidden_references
    )
    return dataset, divided[parts.index(match["part"])]


def _without_hidden(entries: list[Entry], keep: bool) -> list[Entry]:
    return [e for e in entries if keep or not e.hidden_reference]


def _group(entry: Entry) -> tuple[str, str]:
    """What must stay together: the images of a reference, or one image."""
    if entry.reference:
        return "reference", entry.reference
    return "image", f"{entry.split}/{entry.name}"


def _rank(seed: int, group: tuple[str, str]) -> bytes:
    return hashlib.sha256("\n".join((str(seed), *group)).encode()).digest()


def _bounds(count: int, fractions: Sequence[float]) -> list[tuple[int, int]]:
    """Where each part begins and ends, nearest to its share, none of them empty."""
    parts = len(fractions)
    ends = [0]
    for number in range(1, parts + 1):
        share = round(count * sum(fractions[:number]))
        ends.append(min(max(share, ends[-1] + 1), count - (parts - number)))
    return list(itertools.pairwise(ends))

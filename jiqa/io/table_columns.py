"""What the columns of a table of one's own mean, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jiqa.checks import expected
from jiqa.errors import LayoutError
from jiqa.io.read_table import Table, plain

#: Names by meaning, without case, spaces and signs; the first that is there counts.
SYNONYMS = {
    "image": (
        "image img imagename imgname imagepath imgpath distorted distortedimage "
        "distimg disimg distimgpath disimgpath distname filename file path name"
    ).split(),
    "reference": (
        "reference ref referenceimage refimage refimg referencename refname "
        "referencepath refpath refimgpath original hqname"
    ).split(),
    "score": (
        "score mos dmos meanopinionscore subjectivescore moszscore rating quality "
        "eloscore"
    ).split(),
    "deviation": (
        "deviation standarddeviation stddeviation stddev std sd mosstd dmosstd "
        "scorestd stdmos sdmos"
    ).split(),
    "variance": ["variance", "var"],
    "distortion": ["distortion", "distortiontype", "disttype", "distype", "type"],
    "level": ["level", "distortionlevel", "distlevel", "severity"],
    "split": ["split", "subset", "partition"],
    "set": ["set"],
    "direction": ["direction"],
    "error": ["error"],
    "histogram": ["histogram", "distribution", "votes"],
}

#: A column of votes for one value: ``c1``, ``score 1``, ``votes_10``, ``n5``, ``1``.
_VOTES = re.compile(r"(?:c|n|vote|votes|score|rating|count|counts|bin|histogram)?(\d+)")


@dataclass(frozen=True)
class Columns:
    """Where in a row each meaning stands.

    Attributes:
        places: place by meaning, of the meanings that the table has.
        votes: places of the columns that count votes, by the value voted for.
        others: names of the columns that mean nothing here.
    """

    places: dict[str, int]
    votes: dict[float, int]
    others: Sequence[str] = ()

    def get(self, row: Sequence[str], meaning: str) -> str:
        """A row's cell of some meaning; empty if there is no such column."""
        place = self.places.get(meaning)
        return "" if place is None else row[place]


def find_columns(table: Table) -> Columns:
    """Tell the columns by their names.

    Raises:
        LayoutError: none names the images.
    """
    names = [plain(name) for name in table.columns]
    places = {}
    for meaning, synonyms in SYNONYMS.items():
        for synonym in synonyms:
            if synonym in names:
                places[meaning] = names.index(synonym)
                break
    if "image" not in places:
        raise LayoutError(
            expected(
                table.path,
                "a column of image names, called image "
                f"(or {', '.join(SYNONYMS['image'][1:4])}, ...)",
                f"columns {', '.join(table.columns)}",
            )
        )
    votes = {}
    for place, name in enumerate(names):
        match = _VOTES.fullmatch(name)
        if match:
            votes[float(match[1])] = place
    votes = dict(sorted(votes.items())) if len(votes) > 1 else {}
    known = {*places.values(), *votes.values()}
    others = [name for n, name in enumerate(table.columns) if n not in known]
    return Columns(places, votes, others)

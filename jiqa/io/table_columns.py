"""What the columns of a user's table mean, by their names: the only list of these."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
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
    "data": ["data", "dataset"],
    "split": ["split", "subset", "partition"],
    "set": ["set"],
    "direction": ["direction"],
    "histogram": ["histogram", "distribution", "votes"],
    "metric": ["metric"],
    "value": ["value"],
    "version": ["version"],
    "weights": ["weights"],
    "seconds": ["seconds"],
    "error": ["error"],
}

#: Cells that hold nothing, in lower case.
MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})

#: A column of votes for one value: ``c1``, ``score 1``, ``votes_10``, ``n5``, ``1``.
_VOTES = re.compile(r"(?:c|n|vote|votes|score|rating|count|counts|bin|histogram)?(\d+)")


@dataclass(frozen=True)
class Columns:
    """Which cell of a row has which meaning.

    Attributes:
        index: of the column by meaning, for the meanings that the table has.
        votes: of the columns that count votes, by the value voted for.
        others: names of the columns that mean nothing here.
    """

    index: dict[str, int]
    votes: dict[float, int]
    others: Sequence[str] = ()

    def get(self, row: Sequence[str], meaning: str) -> str:
        """A row's cell of some meaning; empty if there is no such column."""
        index = self.index.get(meaning)
        return "" if index is None else row[index]


def find_columns(
    table: Table, meanings: Iterable[str], *, votes: bool = False
) -> Columns:
    """Find the meaning of columns by their names.

    Args:
        table: the table.
        meanings: keys of ``SYNONYMS`` that matter to the caller.
        votes: whether columns may count votes.

    Raises:
        LayoutError: no column names the images, and ``meanings`` have ``image``.
    """
    meanings = tuple(meanings)
    index = {m: i for m in meanings if (i := find_column(table.columns, m)) is not None}
    if "deviation" in meanings and "score" in index:
        index.pop("deviation", None)
        found = find_deviation(table.columns, table.columns[index["score"]])
        index |= {} if found is None else {"deviation": found}
    if "image" in meanings and "image" not in index:
        raise LayoutError(
            expected(
                f"{table.path}",
                "a column of image names, called image "
                f"(or {', '.join(SYNONYMS['image'][1:4])}, ...)",
                f"columns {', '.join(table.columns)}",
            )
        )
    counts = _votes(table.columns) if votes else {}
    known = {*index.values(), *counts.values()}
    others = [name for n, name in enumerate(table.columns) if n not in known]
    return Columns(index, counts, others)


def find_column(columns: Sequence[str], meaning: str, *, first: str = "") -> int | None:
    """Number of the column of some meaning, ``None`` if there is none.

    Args:
        columns: the names as they were written.
        meaning: a key of ``SYNONYMS``.
        first: one of its synonyms that counts before the others.
    """
    names = [plain(name) for name in columns]
    for synonym in (first, *SYNONYMS[meaning]):
        if synonym and synonym in names:
            return names.index(synonym)
    return None


def find_deviation(columns: Sequence[str], score: str) -> int | None:
    """Number of the column with the deviations of the scores in the column ``score``.

    Named after that column (``mos_std`` for ``mos``), else after none (``std``), else
    after a score that is no column here.
    """
    names, own = [plain(name) for name in columns], plain(score)
    after = {f"{s}{own}" for s in ("std", "sd")} | {f"{own}{s}" for s in ("std", "sd")}
    mine = [name for name in names if name in after]
    foreign = {name for name in names if name in SYNONYMS["score"]}
    fitting = [
        synonym
        for synonym in SYNONYMS["deviation"]
        if synonym in names
        and re.sub(r"^(std|sd)|(std|sd)$", "", synonym) not in foreign
    ]
    found = [*mine, *fitting]
    return names.index(found[0]) if found else None


def is_difference(column: str) -> bool:
    """Whether scores of a column of this name are lower for better: a DMOS."""
    return "dmos" in plain(column)


def read_number(cell: str) -> float | None:
    """A cell as a number, which may be infinite; ``None`` for one that holds nothing.

    A comma may stand for the decimal point.

    Raises:
        ValueError: text that is no number.
    """
    text = cell.strip()
    if text.lower() in MISSING:
        return None
    number = float(text if "." in text else text.replace(",", "."))
    return None if math.isnan(number) else number


def _votes(columns: Sequence[str]) -> dict[float, int]:
    """Columns of votes by the value voted for; one alone does not count."""
    votes = {}
    for index, name in enumerate(columns):
        match = _VOTES.fullmatch(plain(name))
        if match:
            votes[float(match[1])] = index
    return dict(sorted(votes.items())) if len(votes) > 1 else {}

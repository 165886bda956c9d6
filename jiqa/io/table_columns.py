"""What the columns of a user's table mean, by their names: the only list of these."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jiqa.checks import expected
from jiqa.errors import LayoutError, UsageError
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
        "score mos dmos meanopinionscore subjectivescore moszscore qmos qualitymos "
        "meanscore meanmos mosmean rating quality eloscore"
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
    "rater": (
        "rater raterid observer observerid subject subjectid user userid username "
        "worker workerid participant participantid annotator annotatorid voter voterid "
        "assessor session sessionid"
    ).split(),
    "count": (
        "count counts n ratings numratings nratings numberofratings raters numraters "
        "nraters observers numobservers nobservers votecount numvotes nvotes "
        "numberofvotes numberofraters numberofobservers"
    ).split(),
    "index": (
        "index idx id row rowid rownumber imageid imgid no nr number serialnumber"
    ).split(),
    "uncertainty": (
        "uncertainty ci ci95 confidenceinterval confidence sem stderr standarderror "
        "cilow cihigh cilower ciupper"
    ).split(),
    "time": ["time", "timestamp", "date", "duration", "elapsed", "responsetime"],
    "size": ["size", "width", "height", "channels", "bitdepth", "filesize", "bytes"],
}

#: Meanings whose columns hold numbers, but no scores of a metric.
NO_METRICS = ("rater", "count", "index", "uncertainty", "time", "size", "histogram")

#: The index that pandas writes where nobody asked for one, once and twice.
_UNNAMED = re.compile(r"unnamed\d+")

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

    def note(
        self,
        table: Table,
        meanings: Iterable[str] = (),
        *,
        metrics: Iterable[str] = (),
    ) -> str:
        """A sentence on which column was taken for what, and which for nothing.

        Args:
            table: that the columns are of.
            meanings: those to name; by default all that were found.
            metrics: columns that are scores of metrics.
        """
        chosen = meanings or self.index
        parts = [f"{m} = {table.columns[self.index[m]]}" for m in chosen]
        if self.votes:
            names = [table.columns[index] for index in self.votes.values()]
            last = f" to {names[-1]}" if len(names) > 1 else ""
            parts.append(f"numbers of votes = {names[0]}{last}")
        named = ", ".join(metrics)
        parts += [f"metrics = {named}"] if named else []
        over = f"; not used: {', '.join(self.others)}" if self.others else ""
        return f"{table.path.name}: columns {'; '.join(parts)}{over}"

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
        votes: whether columns may count votes: whole numbers, or shares that
            add up to 1 or 100.

    Raises:
        LayoutError: no column names the images, and ``meanings`` have ``image``.
    """
    meanings = tuple(meanings)
    index = {m: i for m in meanings if (i := find_column(table.columns, m)) is not None}
    if "deviation" in meanings and "score" in index:
        index.pop("deviation", None)
        found = find_deviation(table.columns, table.columns[index["score"]])
        index |= {} if found is None else {"deviation": found}
    if "histogram" in index and not _holds_lists(table, index["histogram"]):
        del index["histogram"]  # it says how many voted
    if "image" in meanings and "image" not in index:
        raise LayoutError(
            expected(
                f"{table.path}",
                "a column of image names, called image "
                f"(or {', '.join(SYNONYMS['image'][1:4])}, ...)",
                f"columns {', '.join(table.columns)}",
            )
        )
    counts = find_votes(table) if votes else {}
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


def is_no_metric(column: str) -> bool:
    """Whether a column's name says that its numbers are no scores of a metric."""
    name = plain(column)
    known = any(name in SYNONYMS[meaning] for meaning in NO_METRICS)
    return known or _UNNAMED.fullmatch(name) is not None


#: A number with thousands apart: groups of three, and a decimal sign unlike theirs.
_GROUPED = re.compile(
    r"[-+]?\d{1,3}(?:([., \u00a0\u2009\u202f'])\d{3})(?:\1\d{3})*(?!\d)"
)


def number_of(cell: str, where: str) -> float | None:
    """The same for a reader of tables, whose message names the cell.

    Raises:
        UsageError: text that is no number; ``where`` says in which cell.
    """
    try:
        return read_number(cell)
    except ValueError:
        raise UsageError(expected(where, "a number", repr(cell))) from None


def read_number(cell: str) -> float | None:
    """A cell as a number, which may be infinite; ``None`` for one that holds nothing.

    A comma may stand for the decimal point (``3,125`` is a little more than 3), and
    thousands may be apart where that is beyond doubt: ``1,234.5``, ``1.234,5``,
    ``1 234``, ``1.234.567``.

    Raises:
        ValueError: text that is no number.
    """
    text = cell.strip().replace("\N{MINUS SIGN}", "-")
    if text.lower() in MISSING:
        return None
    if "_" in text:  # which Python would take for digits that are apart
        raise ValueError(f"{cell!r} is not a number")
    grouped = _GROUPED.match(text)
    if grouped:
        sign, rest = grouped[1], text[grouped.end() :]
        decimal = rest[:1] in (".", ",") and rest[:1] != sign
        several = grouped[0].count(sign) > 1 and not rest.startswith(sign)
        if several or decimal or sign not in ".,":
            text = grouped[0].replace(sign, "") + rest
    number = float(text if "." in text else text.replace(",", "."))
    return None if math.isnan(number) else number


def find_votes(table: Table) -> dict[float, int]:
    """Columns of votes by the value voted for; one alone does not count."""
    votes = {}
    for index, name in enumerate(table.columns):
        match = _VOTES.fullmatch(plain(name))
        if match:
            votes[float(match[1])] = index
    if len(votes) < 2 or not _count_votes(table, [*votes.values()]):
        return {}
    return dict(sorted(votes.items()))


def _count_votes(table: Table, indices: Sequence[int]) -> bool:
    """Whether cells are whole numbers or shares, as far as they are numbers."""
    whole, shares = True, True
    for row in table.rows:
        try:
            cells = [read_number(row[index]) or 0.0 for index in indices]
        except ValueError:
            continue  # whoever reads the row says that it is none
        if min(cells) < 0:
            return False
        total = math.fsum(cells)
        whole &= all(cell.is_integer() for cell in cells)
        shares &= total == 0 or any(abs(total - t) < 0.02 * t for t in (1, 100))
    return whole or shares


def _holds_lists(table: Table, index: int) -> bool:
    """Whether a column's cells hold two things or more: a histogram's numbers."""
    filled = [row[index].strip("[]() ") for row in table.rows]
    return not any(filled) or any(len(re.split(r"[\s;,|]+", c)) > 1 for c in filled)

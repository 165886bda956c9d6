"""A portfolio on the scale of people's scores, as a table: ``portfolio.csv``.

Its columns are ``image``, ``score`` (people's), ``split`` where that is known, then one
a method, mapped to the scale of ``score``; an empty cell is a missing score. So whoever
learns to choose needs neither the methods nor their curves.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jiqa.evaluation.tables import read_number
from jiqa.scoring.inputs import UsageError
from jiqa.scoring.output import write_rows

#: What stands before the methods; ``split`` may be missing.
_FIRST = ("image", "score", "split")


class MappedPortfolio(NamedTuple):
    """What ``portfolio.csv`` holds.

    Attributes:
        images: names [n].
        score: people's scores [n].
        splits: the split of each image [n], empty where none is known.
        methods: names [m].
        mapped: the methods' scores on the scale of ``score`` [n, m], NaN where missing.
    """

    images: tuple[str, ...]
    score: np.ndarray
    splits: tuple[str, ...]
    methods: tuple[str, ...]
    mapped: np.ndarray


def write_portfolio(
    path: Path | str,
    images: Sequence[str],
    score: np.ndarray,
    methods: Sequence[str],
    mapped: np.ndarray,
    splits: Sequence[str] = (),
) -> None:
    """Write ``portfolio.csv``, whole or not at all.

    Args:
        path: the file; ends in .csv.
        images: names [n].
        score: people's scores [n].
        methods: names [m], none of which may be image, score or split.
        mapped: the methods' scores on the scale of ``score`` [n, m].
        splits: the split of each image [n]; left out where none is known.

    Raises:
        ValueError: a method of a name that another column has.
    """
    taken = [name for name in methods if name in _FIRST]
    if taken:
        raise ValueError(f"a method is called {taken[0]}, as another column is")
    first = _FIRST if any(splits) else _FIRST[:2]
    known = splits if any(splits) else [""] * len(images)
    rows = [
        {"image": image, "score": float(own), "split": split}
        | {m: float(v) for m, v in zip(methods, values, strict=True)}
        for image, own, split, values in zip(images, score, known, mapped, strict=True)
    ]
    write_rows(Path(path), [*first, *methods], rows)


def read_portfolio(path: Path | str) -> MappedPortfolio:
    """Read what ``write_portfolio`` wrote.

    Raises:
        UsageError: no such file, another header, or a cell that is no number.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no portfolio {path}: no such file")
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    header = rows[0] if rows else []
    count = 3 if header[2:3] == ["split"] else 2
    if tuple(header[:count]) != _FIRST[:count] or len(header) < count + 1:
        raise UsageError(
            f"{path}: its columns are {', '.join(header)}; needed are image, score, "
            "then one a method"
        )
    body = rows[1:]
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise UsageError(
                f"{path} row {number}: {len(row)} cells, needed are {len(header)}"
            )
    try:
        cells = [[row[1], *row[count:]] for row in body]
        numbers = [[read_number(cell) for cell in row] for row in cells]
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    values = np.array(numbers, np.float64).reshape(len(body), len(header) - count + 1)
    return MappedPortfolio(
        tuple(row[0] for row in body),
        values[:, 0],
        tuple(row[2] if count == 3 else "" for row in body),
        tuple(header[count:]),
        values[:, 1:],
    )

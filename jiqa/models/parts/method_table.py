"""Tables of several methods' scores of images, on the scale of the subjective scores.

A comma-separated file ``image,score,METHOD,...``: an image's name in its data set, its
score, and each method's score after the mapping to the subjective scale. An
empty cell is a score that is missing. A column ``split`` is no method. How the
scores are computed may stand beside it, in ``selector.json``; ``jiqa select learn``
writes both.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.errors import LayoutError
from jiqa.io.cache import expanded
from jiqa.io.json_files import read_json
from jiqa.io.read_table import read_table
from jiqa.io.table_columns import find_column, number_of
from jiqa.models.parts.method_choice import Recipe, digest_of

#: What every table has beside the methods.
_NEEDED = ("image", "score")

#: The file beside a table that has the mappings.
SELECTOR = "selector.json"

#: Scores in table and data may differ by this share of their range: by rounding.
_AGREED = 0.01


@dataclass(frozen=True)
class MethodTable:
    """A table of methods' scores.

    Attributes:
        path: of the file.
        methods: names of the columns.
        row_numbers: the row number of each image.
        score: subjective scores ``[N]``, NaN where there is none.
        values: of the methods ``[N, M]``, NaN where one is missing.
        digest: SHA-256 of the file.
    """

    path: str
    methods: tuple[str, ...]
    row_numbers: Mapping[str, int]
    score: np.ndarray
    values: np.ndarray
    digest: str

    def rows(self, images: Sequence[str]) -> np.ndarray:
        """Return the row numbers of images.

        Raises:
            ValueError: images that have no row; names the first.
        """
        lacking = [name for name in images if name not in self.row_numbers]
        if lacking:
            raise ValueError(
                f"{self.path}: {len(lacking)} of {len(images)} images have no row, "
                f"such as {lacking[0]}; every image needs one (its cells may be empty)"
            )
        return np.array([self.row_numbers[name] for name in images], np.int64)


def read_method_table(path: str, methods: Sequence[str] = ()) -> MethodTable:
    """Read a table.

    Args:
        path: of the file.
        methods: names of the columns to read; empty for all.

    Raises:
        ValueError: no such file, columns that are not there, fewer than two methods,
            a cell that is no number, or two rows of one image.
    """
    try:
        file = expanded(path)
        data = file.read_bytes()
        table = read_table(file, long_rows=True)
    except (OSError, LayoutError) as error:
        raise ValueError(
            f"{path!r}: cannot be read as a table of methods ({error})"
        ) from None
    header = list(table.columns)
    first = {name: find_column(header, name) for name in _NEEDED}
    missing = [name for name, index in first.items() if index is None]
    missing += [name for name in methods if name not in header]
    if missing:
        raise ValueError(
            expected(
                f"{path}",
                "columns image, score and one per method",
                f"columns {', '.join(header)}",
                f"no column {', '.join(missing)}",
            )
        )
    others = {"split", *(header[i] for i in first.values() if i is not None)}
    names = tuple(methods) or tuple(name for name in header if name not in others)
    if len(names) < 2 or len(set(names)) < len(names):
        wanted = "two or more different methods"
        raise ValueError(expected(f"{path}", wanted, ", ".join(names) or "none"))
    score, image = first["score"], first["image"]
    assert score is not None and image is not None
    columns = [score, *(header.index(name) for name in names)]
    row_numbers: dict[str, int] = {}
    numbers = []
    for number, cells in enumerate(table.rows):
        where = table.where(number)
        if cells[image] in row_numbers:
            raise ValueError(f"{where}: {cells[image]} occurs a second time")
        row_numbers[cells[image]] = len(numbers)
        numbers.append([_number(cells[k], where) for k in columns])
    found = np.array(numbers, np.float64).reshape(-1, len(columns))
    digest = hashlib.sha256(data).hexdigest()
    return MethodTable(path, names, row_numbers, found[:, 0], found[:, 1:], digest)


@functools.lru_cache(maxsize=4)
def recorded(path: str, methods: tuple[str, ...], digest: str) -> MethodTable:
    """Return the table that a run was begun with, read once.

    Raises:
        ValueError: see ``read_method_table``; or a table that has changed.
    """
    found = read_method_table(path, methods)
    if digest and found.digest != digest:
        raise ValueError(
            expected(
                f"{path}",
                f"the table that the run was started with, SHA-256 {digest}",
                f"{found.digest}",
                "it has changed",
            )
        )
    return found


def beside(table: MethodTable, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Add the methods' scores to a batch as ``methods`` ``[B, M]``, NaN where missing.

    An image of which no method's score is known has no ``score`` either.

    Raises:
        ValueError: an image without a row.
    """
    mask = np.asarray(batch["mask"])
    values = np.full((len(mask), len(table.methods)), np.nan, np.float32)
    values[mask] = table.values[table.rows(np.asarray(batch["name"])[mask].tolist())]
    score = np.where(np.isfinite(values).any(-1), batch["score"], np.nan)
    return {**batch, "score": score.astype(np.float32), "methods": values}


def recipes_beside(table: MethodTable) -> tuple[Recipe, ...]:
    """Read how each method's score is computed from ``selector.json`` beside a table.

    Returns:
        Nothing where there is no such file.

    Raises:
        ValueError: it is no record of a selector, or lacks a method.
    """
    path = expanded(table.path).with_name(SELECTOR)
    if not path.is_file():
        return ()
    try:
        record = read_json(path)
        curves = {method["name"]: method for method in record["methods"]}
        facts = record.get("facts", {}).get("methods", {})
        return tuple(
            _recipe(name, curves[name], facts.get(name, {})) for name in table.methods
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        wanted = f"the curve of each method of {table.path}"
        raise ValueError(expected(f"{path}", wanted, repr(error))) from None


def _recipe(name: str, curve: Mapping[str, Any], facts: Mapping[str, Any]) -> Recipe:
    b1, b2, b3, b4, b5 = map(float, curve["parameters"])
    return Recipe(
        facts.get("metric", name),
        tuple(sorted(facts.get("options", {}).items())),
        (b1, b2, b3, b4, b5, float(curve["low"]), float(curve["high"])),
        digest_of(facts.get("identity", "")),
    )


def errors_of(
    table: MethodTable, training: Sequence[Any], others: Sequence[Any]
) -> np.ndarray:
    """Return errors of all methods on the training images ``[N, M]``, NaN if missing.

    Args:
        table: of all images.
        training: those images, with ``name`` and ``score``.
        others: images for validation and test.

    Raises:
        ValueError: an image without a row, scores that are not those of the data
            set, or a method without any score of a training image.
    """
    images = [*training, *others]
    rows = table.rows([e.name for e in images])
    scores = np.array([e.score for e in images], np.float64)
    away = np.nan_to_num(np.abs(table.score[rows] - scores))
    worst = int(away.argmax())
    if away[worst] > _AGREED * np.ptp(scores):
        raise ValueError(
            expected(
                f"{table.path}, score of {images[worst].name}",
                f"{scores[worst]:g}, as in the data",
                f"{table.score[rows[worst]]:g}",
                "both need the subjective scores on one scale",
            )
        )
    count = len(training)
    errors = table.values[rows[:count]] - scores[:count, None]
    silent = np.array(table.methods)[~np.isfinite(errors).any(0)]
    if silent.size:
        raise ValueError(
            f"{table.path}: {', '.join(silent)} has no score for any training image"
        )
    return errors


def best_first(mapped: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Order the methods [m] by their mean absolute error, least first.

    A missing score is as wrong as the mean of all scores is for its image, so that a
    method does not win by leaving out what is hard.

    Args:
        mapped: scores of the methods [n, m], NaN where one is missing.
        score: subjective scores [n].
    """
    filled = np.where(np.isnan(mapped), score.mean(), mapped)
    return np.argsort(np.abs(filled - score[:, None]).mean(0), kind="stable")


def _number(cell: str, where: str) -> float:
    """Parse a cell; NaN for an empty one and for what is not finite."""
    value = number_of(cell, where)
    return math.nan if value is None or math.isinf(value) else value

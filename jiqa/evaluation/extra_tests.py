"""What an evaluation holds beside correlations, if it is asked for, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jiqa.evaluation import split_protocol, unrated_tests
from jiqa.evaluation.evaluate import Evaluation
from jiqa.evaluation.statistics.logistic import Curve, Fit
from jiqa.io.write_table import Row, write_rows


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        splits: of the protocol of repeated splits; ``None`` for none.
        waterloo: whether to run the D-, L- and P-tests.
        experts: metrics that the P-test trusts.
        margin: of the P-test, on a scale of 100.
        gmad: levels of gMAD; ``None`` for no pairs.
        seed: of the splits.
        mapping: curve of the protocol.
    """

    splits: int | Literal["own"] | None = None
    waterloo: bool = False
    experts: Sequence[str] = unrated_tests.EXPERTS
    margin: float = unrated_tests.MARGIN
    gmad: int | None = None
    seed: int = 0
    mapping: Curve = 5


@dataclass(frozen=True)
class Further:
    """What was found; a table that was not asked for is empty.

    Attributes:
        protocol: see ``split_protocol.COLUMNS``.
        waterloo: see ``unrated_tests.WATERLOO_COLUMNS``.
        gmad: see ``unrated_tests.GMAD_COLUMNS``.
        notes: what could not be done, and why.
    """

    protocol: list[dict[str, Any]] = field(default_factory=list)
    waterloo: list[dict[str, Any]] = field(default_factory=list)
    gmad: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_unrated_reference(row: Row) -> bool:
    """Whether a row is of a reference that was added as a pristine image."""
    return row.get("level") == 0 and row.get("score") is None


def compute_further(
    rows: Sequence[Row],
    evaluation: Evaluation,
    wanted: Wanted,
    *,
    directions: Mapping[str, str],
    score_direction: Mapping[str, str],
) -> Further:
    """Compute what is wanted.

    Args:
        rows: all rows, those without a score too.
        evaluation: of the rated ones; its fits put the P-test's experts on one scale.
        wanted: what.
        directions: which values are better, by metric.
        score_direction: which scores are better, by rated data set.
    """
    further = Further()
    if wanted.splits is not None:
        further.protocol.extend(
            split_protocol.split_protocol(
                [row for row in rows if str(row.get("data") or "") in score_direction],
                directions=directions,
                score_direction=score_direction,
                splits=wanted.splits,
                seed=wanted.seed,
                mapping=wanted.mapping,
            )
        )
    tables = unrated_tests.tables_of(rows)
    curves, scale = _expert_curves(evaluation, wanted.experts, score_direction)
    for table in tables if wanted.waterloo else ():
        further.waterloo.extend(
            unrated_tests.waterloo_tests(
                table,
                directions=directions,
                experts=wanted.experts,
                curves=curves,
                scale=scale,
                margin=wanted.margin,
            )
        )
    for table in tables if wanted.gmad else ():
        try:
            found = unrated_tests.gmad_pairs(table, levels=wanted.gmad or 0)
            further.gmad.extend(found)
        except ValueError as error:
            further.notes.append(f"no gMAD pairs of {table.data}: {error}")
    return further


def _expert_curves(
    evaluation: Evaluation,
    experts: Sequence[str],
    score_direction: Mapping[str, str],
) -> tuple[dict[str, Any] | None, str]:
    """The experts' curves of the first rated set that has them all, if one has."""
    for data, split in dict.fromkeys((d, s) for d, s, _ in evaluation.fits):
        fits = [evaluation.fits.get((data, split, name)) for name in experts]
        scores = [
            row["score"]
            for row in evaluation.rows
            if str(row.get("data") or "") == data and row["score"] is not None
        ]
        reach = float(np.ptp(scores)) if scores else 0.0
        if reach > 0 and all(fit is not None for fit in fits):
            unit = 100 / reach * (1 if score_direction[data] == "higher" else -1)
            curves = {n: _scaled(f, unit) for n, f in zip(experts, fits, strict=True)}
            return curves, f"fits to {data} {split}".strip()
    return None, "ranks"


def _scaled(fit: Fit | None, unit: float) -> Any:
    assert fit is not None
    return lambda values: unit * np.asarray(fit(values))


def write_further(folder: Path, further: Further, wanted: Wanted) -> list[str]:
    """Write what was asked for: ``protocol.csv``, ``waterloo.csv``, ``gmad.csv``.

    Returns:
        The names of the files that were written.
    """
    asked = {
        "protocol.csv": (wanted.splits, split_protocol.COLUMNS, further.protocol),
        "waterloo.csv": (
            wanted.waterloo,
            unrated_tests.WATERLOO_COLUMNS,
            further.waterloo,
        ),
        "gmad.csv": (wanted.gmad, unrated_tests.GMAD_COLUMNS, further.gmad),
    }
    written = []
    for name, (given, columns, lines) in asked.items():
        if given:
            write_rows(folder / name, columns, lines)
            written.append(name)
    return written

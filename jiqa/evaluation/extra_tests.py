"""Extra tests: what an evaluation computes beside correlations, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jiqa.checks import expected
from jiqa.errors import UsageError
from jiqa.evaluation import split_protocol, unrated_tests
from jiqa.evaluation.evaluate import Evaluation
from jiqa.evaluation.statistics.logistic import Curve, Fit
from jiqa.io.write_table import Row, write_rows


@dataclass(frozen=True)
class Requested:
    """The extra tests that are requested.

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

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: one that is too small, or a margin that is none.
        """
        if self.splits not in (None, "own") and not _is_count(self.splits):
            raise UsageError(
                expected("splits", "1 or more, or 'own'", repr(self.splits))
            )
        if self.gmad is not None and not _is_count(self.gmad):
            raise UsageError(expected("gmad", "1 or more", repr(self.gmad)))
        if not 0 <= self.margin < 100:
            raise UsageError(expected("margin", "0 to below 100", repr(self.margin)))

    @property
    def unrated(self) -> bool:
        """Whether any of them works on data sets without subjective scores."""
        return self.waterloo or self.gmad is not None


@dataclass(frozen=True)
class ExtraTests:
    """Results of the extra tests; a table that was not requested is empty.

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


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def is_unrated_reference(row: Row) -> bool:
    """Return whether a row is of a reference that was added as a pristine image."""
    return row.get("level") == 0 and row.get("score") is None


def run_extra_tests(
    rows: Sequence[Row],
    evaluation: Evaluation,
    requested: Requested,
    *,
    directions: Mapping[str, str],
    score_direction: Mapping[str, str],
) -> ExtraTests:
    """Run the tests that are requested.

    Args:
        rows: all rows, those without a score too.
        evaluation: of the rated ones; its fits put the P-test's experts on one scale.
        requested: what.
        directions: which values are better, by metric.
        score_direction: which scores are better, by rated data set.
    """
    found = ExtraTests()
    if requested.splits is not None:
        found.protocol.extend(
            split_protocol.split_protocol(
                [row for row in rows if str(row.get("data") or "") in score_direction],
                directions=directions,
                score_direction=score_direction,
                splits=requested.splits,
                seed=requested.seed,
                mapping=requested.mapping,
            )
        )
    tables = unrated_tests.tables_of(rows)
    curves, scale = _expert_curves(evaluation, requested.experts, score_direction)
    for table in tables if requested.waterloo else ():
        found.waterloo.extend(
            unrated_tests.waterloo_tests(
                table,
                directions=directions,
                experts=requested.experts,
                curves=curves,
                scale=scale,
                margin=requested.margin,
            )
        )
    for table in tables if requested.gmad else ():
        try:
            pairs = unrated_tests.gmad_pairs(table, levels=requested.gmad or 0)
            found.gmad.extend(pairs)
        except ValueError as error:
            found.notes.append(f"no gMAD pairs of {table.data}: {error}")
    return found


def _expert_curves(
    evaluation: Evaluation,
    experts: Sequence[str],
    score_direction: Mapping[str, str],
) -> tuple[dict[str, Any] | None, str]:
    """Return the experts' curves of the first rated set that has them all, if any."""
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


def write_extra_tests(
    folder: Path, found: ExtraTests, requested: Requested
) -> list[str]:
    """Write what was requested: ``protocol.csv``, ``waterloo.csv``, ``gmad.csv``.

    Returns:
        The names of the files that were written.
    """
    asked = {
        "protocol.csv": (requested.splits, split_protocol.COLUMNS, found.protocol),
        "waterloo.csv": (
            requested.waterloo,
            unrated_tests.WATERLOO_COLUMNS,
            found.waterloo,
        ),
        "gmad.csv": (requested.gmad, unrated_tests.GMAD_COLUMNS, found.gmad),
    }
    written = []
    for name, (given, columns, lines) in asked.items():
        if given:
            write_rows(folder / name, columns, lines)
            written.append(name)
    return written

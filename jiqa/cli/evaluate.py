"""Evaluate metrics against subjective scores.

  jiqa evaluate all-classical,lpips --data tid2013 --output evaluation
  jiqa evaluate ssim,fsim --data koniq10k:test csiq live --output evaluation --resume
  jiqa evaluate --scores scores.csv --output evaluation
  jiqa evaluate --scores jiqa.csv other.csv mos.csv --direction other=lower
  jiqa evaluate all-classical --data live --splits 100 --output evaluation
  jiqa evaluate ms_ssim,vif,gmsd,fsim --data waterloo --waterloo --gmad 6 -o evaluation

With --data, METRICS are computed on prepared data sets (see jiqa data), on all devices
of this machine; with --distributed the same command runs in several processes, each of
which computes its share. With --scores, tables of scores are read: one row per image
(image, reference, distortion, mos or dmos or score, and a column for each metric) or
one row per image and metric (image, metric, value); several tables are joined by image.

Prints SRCC and KRCC, and PLCC and RMSE after a logistic mapping, with bootstrap
intervals clustered by reference. The folder --output gets rows.parquet, summary.csv,
summary.json, significance.json, run.json, report.html and its plots. --splits,
--waterloo and --gmad add protocol.csv, waterloo.csv and gmad.csv and sections of the
report; the last two need no subjective scores.

Exit code 0; 1 when some rows failed; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jiqa.checks import expected
from jiqa.cli.common.extra_tests import add_further_arguments
from jiqa.cli.common.rated_rows import add_data_arguments, add_table_arguments

if TYPE_CHECKING:
    from jiqa.cli.common.rated_rows import Rated
    from jiqa.evaluation.evaluate import Evaluation

HELP = "evaluate metrics against subjective scores (MOS, DMOS)"

_MAPPINGS: dict[str, Literal[5, 4] | None] = {"5": 5, "4": 4, "none": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metrics", nargs="?", help="comma-separated metrics, or all, or all-classical")
    add(
        "--data",
        nargs="+",
        metavar="NAME[:SPLIT]|PATH",
        help="prepared data sets (NAME/CONFIG:SPLIT, NAME:test@SEED, see jiqa data) or "
        "tables of image,reference,score",
    )
    add(
        "--scores",
        nargs="+",
        metavar="TABLE",
        help="tables of scores, .csv, .parquet or .json",
    )
    add("--output", "-o", metavar="DIR", help="folder to write")
    add_table_arguments(parser)
    add(
        "--direction",
        nargs="+",
        action="extend",
        default=[],
        metavar="METRIC=higher|lower",
        help="which values are better, for metrics that jiqa does not know (default: "
        "by the sign of their SRCC)",
    )
    add(
        "--infinite",
        type=float,
        metavar="NUMBER",
        help="number that stands for infinity in the tables, such as 100000",
    )
    add(
        "--mapping",
        choices=tuple(_MAPPINGS),
        default="5",
        help="parameters of the logistic curve before PLCC and RMSE (%(default)s)",
    )
    add(
        "--observers",
        type=int,
        metavar="N",
        help="ratings per image, if the standard deviations are those of single "
        "ratings",
    )
    add(
        "--resamples",
        type=int,
        default=1000,
        metavar="N",
        help="number of bootstrap resamples; 0 for no intervals (%(default)s)",
    )
    add(
        "--seed", type=int, default=0, help="seed of resamples and splits (%(default)s)"
    )
    add("--no-report", action="store_true", help="write no report and no plots")
    add_further_arguments(parser)
    add_data_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read, evaluate, write and print; see the module's docstring for the exit code."""
    from jiqa.cli.common.extra_tests import show_further, wanted_of
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.rated_rows import rate_data, show_report, write_run
    from jiqa.cli.common.summary_table import show_summary
    from jiqa.errors import UsageError
    from jiqa.evaluation.evaluate import evaluate, write_evaluation
    from jiqa.evaluation.extra_tests import (
        compute_further,
        is_unrated_reference,
        write_further,
    )
    from jiqa.io.write_table import make_folder

    if bool(arguments.scores) == bool(arguments.data):
        raise UsageError(
            "give either --data NAME ... (with METRICS) or --scores TABLE ..."
        )
    if bool(arguments.metrics) != bool(arguments.data):
        raise UsageError("give METRICS and --data together")
    if arguments.data and not arguments.output:
        raise UsageError("--data needs --output DIR, where unfinished work is kept")
    for name, fewest in (("resamples", 0), ("observers", 1), ("seed", 0)):
        number = getattr(arguments, name)
        if number is not None and number < fewest:
            raise UsageError(expected(f"--{name}", f"{fewest} or more", f"{number}"))
    given = _given_directions(arguments.direction)
    wanted = wanted_of(arguments, _MAPPINGS[arguments.mapping])
    folder = Path(arguments.output) if arguments.output else None
    if folder:
        make_folder(folder / "rows.parquet")  # now, not after the work
    rated: Rated | None
    if arguments.data:
        assert folder is not None
        rated = rate_data(arguments, folder)
    else:
        rated = _rate_tables(arguments)
    if rated is None:
        return 0  # another process writes what all have found
    score_direction: dict[str, Any] = dict(rated.score_direction)
    if arguments.score_direction:
        score_direction = dict.fromkeys(score_direction, arguments.score_direction)
    observers = None
    if arguments.observers:
        observers = dict.fromkeys(score_direction, int(arguments.observers))
    metrics = list(dict.fromkeys(row["metric"] for row in rated.rows))
    directions = {**rated.directions, **_directions(metrics, given)}
    rows = [
        row
        for row in rated.rows
        if str(row["data"] or "") in score_direction and not is_unrated_reference(row)
    ]
    parts = {(row["data"], row["split"], row["metric"]) for row in rows}
    with progress("evaluating", len(parts)) as advance:
        evaluation = evaluate(
            rows,
            directions=directions,
            score_direction=score_direction,
            mapping=_MAPPINGS[arguments.mapping],
            resamples=arguments.resamples,
            seed=arguments.seed,
            observers=observers,
            advance=advance,
        )
    directions |= {line["metric"]: line["direction"] for line in evaluation.summary}
    further = compute_further(
        rated.rows,
        evaluation,
        wanted,
        directions=directions,
        score_direction=score_direction,
    )
    evaluation = replace(evaluation, rows=rated.rows)
    if folder:
        write_evaluation(folder, evaluation)
        write_further(folder, further, wanted)
        write_run(folder, arguments, rated)
    show_summary(evaluation.summary)
    show_further(further, folder)
    if folder:
        print(f"{len(rated.rows)} rows and their summary written to {folder}")
        if not arguments.no_report:
            show_report(folder, arguments, evaluation, rated, further)
    return _end(evaluation)


def _rate_tables(arguments: argparse.Namespace) -> Rated:
    from jiqa.cli.common.rated_rows import Rated
    from jiqa.evaluation.read_scores import read_scores

    scores = read_scores(
        arguments.scores,
        subjective=arguments.subjective,
        ignore=arguments.ignore,
        infinite=arguments.infinite,
    )
    for note in scores.notes:
        print(note, file=sys.stderr)
    return Rated(scores.rows, {}, dict(scores.score_direction))


def _given_directions(texts: list[str]) -> dict[str, str]:
    from jiqa.errors import UsageError

    given = {}
    for text in texts:
        metric, _, direction = text.rpartition("=")
        if not metric or direction not in ("higher", "lower"):
            wanted = "METRIC=higher or METRIC=lower"
            raise UsageError(expected("--direction", wanted, text))
        given[metric] = direction
    return given


def _directions(metrics: list[str], given: dict[str, str]) -> dict[str, Any]:
    from jiqa.errors import UsageError
    from jiqa.evaluation.directions import known_direction

    unknown = [m for m in given if m not in metrics]
    if unknown:
        raise UsageError(
            f"--direction: unknown metric {', '.join(unknown)} (metrics: "
            f"{', '.join(metrics)})"
        )
    known = {m: known_direction(m) for m in metrics}
    return {m: d for m, d in {**known, **given}.items() if d}


def _end(evaluation: Evaluation) -> int:
    """Say what is amiss; the exit code."""
    from jiqa.evaluation.extra_tests import is_unrated_reference
    from jiqa.io.write_table import is_missing

    overall = [row for row in evaluation.summary if row["distortion"] == "all"]
    for data in dict.fromkeys(row["data"] for row in overall):
        declared = [
            row["srcc"]
            for row in overall
            if row["data"] == data
            and row["srcc"] is not None
            and "inferred" not in row["note"]
        ]
        if declared and max(declared) < 0:
            print(
                f"every metric of known direction disagrees with the scores of {data}; "
                "check --score-direction",
                file=sys.stderr,
            )
    rated = {(row["data"], row["split"]) for row in overall}
    failed = sum(row["failed"] for row in overall) + sum(
        is_missing(row["value"])
        for row in evaluation.rows
        if (row["data"], row["split"]) not in rated or is_unrated_reference(row)
    )
    if failed:
        print(f"{failed} rows failed and are left out of the figures", file=sys.stderr)
    return 1 if failed else 0

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
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jiqa.checks import expected
from jiqa.cli.common.evaluation_arguments import add_data_arguments, add_table_arguments
from jiqa.cli.common.extra_tests import add_extra_test_arguments
from jiqa.cli.common.finished import add_force, check_new

if TYPE_CHECKING:
    from jiqa.evaluation.run import Result

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
    add_force(parser, "the rows of a finished evaluation")
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
    add_extra_test_arguments(parser)
    add_data_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print; see the module's docstring for the exit code."""
    from jiqa.cli.common.evaluation_arguments import resumable, start
    from jiqa.cli.common.extra_tests import splits_of
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts
    from jiqa.distributed import Rank
    from jiqa.errors import UsageError
    from jiqa.evaluation.run import evaluate

    if bool(arguments.scores) == bool(arguments.data):
        raise UsageError(
            "give either --data NAME ... (with METRICS) or --scores TABLE ..."
        )
    if bool(arguments.metrics) != bool(arguments.data):
        raise UsageError("give METRICS and --data together")
    if arguments.data and not arguments.output:
        raise UsageError("--data needs --output DIR, where unfinished work is kept")
    directions: Any = _directions(arguments.direction)
    folder = Path(arguments.output) if arguments.output else None
    if folder:
        unfinished = arguments.resume and bool(list(folder.glob("*.partial")))
        rows = folder / "rows.parquet"
        check_new(rows, force=arguments.force, unfinished=unfinished)
    programs, rank = start(arguments) if arguments.data else (None, Rank())
    with resumable(folder) if folder else contextlib.nullcontext():
        result = evaluate(
            arguments.metrics or "",
            arguments.data or (),
            scores=arguments.scores or (),
            output=folder,
            subjective=arguments.subjective,
            score_direction=arguments.score_direction,
            ignore=arguments.ignore,
            directions=directions,
            infinite=arguments.infinite,
            mapping=_MAPPINGS[arguments.mapping],
            observers=arguments.observers,
            resamples=arguments.resamples,
            seed=arguments.seed,
            splits=splits_of(arguments.splits),
            waterloo=arguments.waterloo,
            experts=arguments.experts,
            margin=arguments.margin,
            gmad=arguments.gmad,
            data_dir=arguments.data_dir,
            hidden_references=arguments.hidden_references,
            resume=arguments.resume,
            options=arguments.set,
            background=arguments.background,
            weights=arguments.weights,
            memory=arguments.memory,
            programs=programs,
            rank=rank,
            progress=progress,
            record=run_facts(arguments),
        )
    if not rank.first:
        return 0  # another process writes what all have found
    return show(result, folder, report=not arguments.no_report)


def show(result: Result, folder: Path | None, *, report: bool = True) -> int:
    """Print the figures, and write the report into the folder if there is one.

    Returns:
        The exit code: 1 when some rows failed.
    """
    from jiqa.cli.common.summary_table import show_extra_tests, show_summary

    for note in result.rated.notes:
        print(note, file=sys.stderr)
    show_summary(result.summary)
    show_extra_tests(result.extra, folder)
    if folder:
        print(f"{len(result.rows)} rows and their summary written to {folder}")
        if report:
            _report(result, folder)
    return _end(result, folder)


def _report(result: Result, folder: Path) -> None:
    from jiqa.cli.common.run_record import command
    from jiqa.report.evaluation.report import report

    page = report(result, folder, command=command(), title="jiqa evaluate")
    print(f"report written to {page.resolve()}")


def _directions(texts: list[str]) -> dict[str, str]:
    """Parse ``METRIC=higher`` or ``METRIC=lower``, by metric."""
    from jiqa.errors import UsageError

    given = {}
    for text in texts:
        metric, _, direction = text.rpartition("=")
        if not metric or direction not in ("higher", "lower"):
            wanted = "METRIC=higher or METRIC=lower"
            raise UsageError(expected("--direction", wanted, text))
        given[metric] = direction
    return given


def _end(result: Result, folder: Path | None) -> int:
    """Say what is amiss; return the exit code."""
    for data in result.contrary:
        print(
            f"every metric of known direction disagrees with the scores of {data}; "
            "check --score-direction",
            file=sys.stderr,
        )
    if result.failed:
        rows = "1 row failed and is" if result.failed == 1 else ""
        rows = rows or f"{result.failed} rows failed and are"
        where = ": column error of rows.parquet" if folder else ""
        print(f"{rows} left out of the figures{where}", file=sys.stderr)
    return 1 if result.failed else 0

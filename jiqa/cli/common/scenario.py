"""Arguments for the scores that the subcommands of selection read, and their output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.cli.common.evaluation_arguments import add_data_arguments, add_table_arguments

if TYPE_CHECKING:
    from jiqa.selectors.scenario import Scenario


def add_scenario_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where scores are from."""
    add = parser.add_argument
    add("--data", metavar="NAME[:SPLIT]|TABLE", help="rated images to score")
    add(
        "--scores",
        metavar="TABLE",
        help="existing scores: image, a column of subjective scores, and a column per "
        "method (.csv, .parquet or .json)",
    )
    add(
        "--split",
        metavar="NAME",
        help="use only the rows of --scores with this value in the column split",
    )
    add(
        "--features",
        metavar="TABLE",
        help="table of additional features to choose by, with a column image",
    )
    add_table_arguments(parser)
    add_data_arguments(parser)


def read_scenario_of(
    arguments: argparse.Namespace, folder: Path, methods: str
) -> Scenario | None:
    """Read the scores asked for; ``None`` in every process but the first.

    Args:
        arguments: of ``add_scenario_arguments``.
        folder: in which unfinished scoring is kept.
        methods: comma list; empty for all columns of a table.

    Raises:
        UsageError: a request that cannot be carried out.
    """
    from jiqa.cli.common.evaluation_arguments import resumable, start
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.selectors.scenario_sources import read_scenario, score_scenario

    if bool(arguments.scores) == bool(arguments.data):
        raise UsageError("give either --data NAME (with --methods) or --scores TABLE")
    if arguments.split and arguments.data:
        raise UsageError("--split is for --scores; with --data write NAME:SPLIT")
    names = [name.strip() for name in methods.split(",") if name.strip()]
    if arguments.scores:
        scenario = read_scenario(
            arguments.scores,
            methods=names,
            split=arguments.split,
            subjective=arguments.subjective,
            score_direction=arguments.score_direction,
            ignore=arguments.ignore,
            features=arguments.features,
            options=arguments.set,
        )
        for note in scenario.notes:
            print(note, file=sys.stderr)
        return scenario
    if not names:
        raise UsageError("--data needs --methods")
    programs, rank = start(arguments)
    with resumable(folder):
        return score_scenario(
            arguments.data,
            names,
            folder=folder,
            resume=arguments.resume,
            options=arguments.set,
            features=arguments.features,
            score_direction=arguments.score_direction,
            data_dir=arguments.data_dir,
            hidden_references=arguments.hidden_references,
            weights=arguments.weights,
            background=arguments.background,
            memory=arguments.memory,
            programs=programs,
            rank=rank,
            progress=progress,
        )


def show_figures(lines: Sequence[dict[str, Any]], title: str) -> None:
    """Print ``jiqa.selectors.figures.figures`` as a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    heads = ("", "SRCC", "MAE", "closed gap", "best", "2nd", "3rd", "chosen", "failed")
    table = Table(*heads, title=escape(title), title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    role = None
    for line in lines:
        if role == "method" != line["role"]:
            table.add_section()
        role = line["role"]
        gap = line["closed_gap"]
        table.add_row(
            escape(line["name"]),
            *("-" if line[k] is None else f"{line[k]:.4f}" for k in ("srcc", "mae")),
            "-" if gap is None else f"{gap:.1%}",
            *(
                "" if line[k] is None else str(line[k])
                for k in ("rank1", "rank2", "rank3", "chosen", "failed")
            ),
        )
    table.caption = (
        "MAE on the scale of the subjective scores; closed gap: 0 % the single best "
        "method, 100 % the oracle"
    )
    # Redirected output has no width of its own; 80 columns would cut the names.
    Console(width=None if sys.stdout.isatty() else 120).print(table)

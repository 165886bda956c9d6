"""Arguments for the scores that the subcommands of selection read, and their output."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.cli.common.evaluation_arguments import add_data_arguments, add_table_arguments

if TYPE_CHECKING:
    from jiqa.evaluation.rated import Rated
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
    from jiqa.errors import UsageError
    from jiqa.selectors.scenario import scenario_of_rows

    if bool(arguments.scores) == bool(arguments.data):
        raise UsageError("give either --data NAME (with --methods) or --scores TABLE")
    if arguments.split and arguments.data:
        raise UsageError("--split is for --scores; with --data write NAME:SPLIT")
    wanted = [name.strip() for name in methods.split(",") if name.strip()]
    if arguments.data:
        if not wanted:
            raise UsageError("--data needs --methods")
        found = _scored(arguments, folder, ",".join(wanted))
    else:
        found = _read(arguments), {}
    if found is None:
        return None
    rated, facts = found
    direction: dict[str, Any] = dict(rated.score_direction)
    if arguments.score_direction:
        direction = dict.fromkeys(direction, arguments.score_direction)
    portfolio = scenario_of_rows(rated.rows, direction)
    if arguments.split:
        portfolio = portfolio.of_split(arguments.split)
    if arguments.scores:
        portfolio = portfolio.of_methods(wanted or portfolio.methods)
        facts = {"methods": _known(portfolio.methods)}
    if arguments.features:
        portfolio = portfolio.with_features(arguments.features)
    data = arguments.data or f"{arguments.scores} {arguments.split or ''}".strip()
    facts = {"data": data, "settings": arguments.set, **facts}
    return dataclasses.replace(portfolio, facts=facts)


def _read(arguments: argparse.Namespace) -> Rated:
    from jiqa.errors import UsageError
    from jiqa.evaluation.rated import rate_tables
    from jiqa.selectors.scenario_table import is_portfolio

    if is_portfolio(arguments.scores):
        raise UsageError(
            f"{arguments.scores}: the scores are already mapped to the MOS scale by a "
            "selector; expected the scores as the methods give them"
        )
    rated = rate_tables(
        [arguments.scores], subjective=arguments.subjective, ignore=arguments.ignore
    )
    for note in rated.notes:
        print(note, file=sys.stderr)
    return rated


def _known(labels: Sequence[str]) -> dict[str, Any]:
    """Of the columns of a table, what is not plain: methods that files describe."""
    from jiqa.registry import identity

    found = {}
    for label in labels:
        try:
            found[label] = {"metric": label, "identity": identity(label)}
        except ValueError:
            continue  # a name in a table need not be one of ours
    return found


def _scored(
    arguments: argparse.Namespace, folder: Path, methods: str
) -> tuple[Rated, dict[str, Any]] | None:
    """Score every method on every image of a data set, as ``jiqa evaluate`` does."""
    import jax

    from jiqa.cli.common.evaluation_arguments import resumable, start
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.evaluation.rated import rate_data
    from jiqa.evaluation.score_datasets import Scoring
    from jiqa.registry import identity
    from jiqa.scoring.choose_metrics import choose
    from jiqa.scoring.memory import read_bytes

    choices = choose(
        methods, arguments.set, have_reference=True, weights=arguments.weights
    )
    full = [choice.label for choice in choices if choice.needs_reference]
    if full:
        verb = "needs" if len(full) == 1 else "need"
        raise UsageError(
            f"{', '.join(full)} {verb} a reference, but methods are chosen for images "
            "without one"
        )
    programs, rank = start(arguments)
    how = Scoring(
        metrics=choices,
        weights=arguments.weights,
        background=arguments.background,
        memory=read_bytes(arguments.memory) if arguments.memory else None,
        x64=arguments.x64,
        programs=programs,
        devices=jax.local_devices(),
        rank=rank,
    )
    with resumable(folder):
        rated = rate_data(
            [arguments.data],
            how,
            folder,
            data_dir=arguments.data_dir,
            hidden_references=arguments.hidden_references,
            resume=arguments.resume,
            progress=progress,
        )
    if rated is None:
        return None
    known = {
        choice.label: {
            "metric": choice.name,
            "options": choice.options,
            "identity": identity(choice.name),
        }
        for choice in choices
    }
    return rated, {
        "methods": known,
        "fingerprints": rated.facts["fingerprints"],
        "weights": rated.facts["weights"],
    }


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

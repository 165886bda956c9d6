"""Arguments for scoring data sets and reading tables of scores, and the set-up."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli.common.arguments import add_cluster, add_scoring

if TYPE_CHECKING:
    from jiqa.distributed import Rank


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what matters with ``--data`` only."""
    group = parser.add_argument_group("with --data")
    add = group.add_argument
    add(
        "--data-dir",
        help="folder of prepared data sets (default: JIQA_DATA, or the user's cache)",
    )
    add(
        "--hidden-references",
        action="store_true",
        help="keep the references that were rated among the distorted images",
    )
    add_scoring(group)
    add_cluster(group)


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a table of scores is read by."""
    add = parser.add_argument
    add(
        "--subjective",
        metavar="COLUMN",
        help="column of subjective scores (default: the only one of mos, dmos, score)",
    )
    add(
        "--score-direction",
        choices=("higher", "lower"),
        help="which subjective scores are better (default: lower for dmos, else "
        "higher)",
    )
    add(
        "--ignore",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="columns of --scores that are not metrics",
    )


def start(arguments: argparse.Namespace) -> tuple[Path | None, Rank]:
    """Set up JAX and join the other processes, if there are any.

    Returns:
        The folder for traced programs, and this process among all.

    Raises:
        UsageError: incomplete arguments to find the other processes.
    """
    from jiqa.cli.common.jax_setup import configure_jax, join_processes

    programs = configure_jax(x64=arguments.x64, cache=not arguments.no_cache)
    return programs, join_processes(arguments)


@contextlib.contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say how to resume interrupted work whose results are kept in a folder."""
    try:
        yield
    except KeyboardInterrupt:
        if list(folder.glob("*.partial")):
            print(
                f"\ninterrupted: finished images are in {folder}; run the same "
                "command with --resume to continue",
                file=sys.stderr,
            )
        raise

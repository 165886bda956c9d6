"""Evaluate a selector on images that it has not learned from.

  jiqa select report chooser --data koniq10k:test
  jiqa select report chooser --scores table.csv --split test --output tested
  jiqa select report run:runs/choice --data koniq10k:test

Prints every method, the method that was the single best one in training, the oracle,
the selector and, for forests, the fusions; writes figures.csv, choices.csv (one row per
image: the chosen method and its score) and portfolio.csv. A run of jiqa train selector
looks at the images, and so needs --data. Exit code 0; 1 when some image has no score:
for forests because no method has one, for a run because the chosen method has none; 2
for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.cli.common.scenario import add_portfolio_arguments

HELP = "evaluate a selector on other images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "selector",
        metavar="DIR",
        help="folder of jiqa select learn, or run:DIR of jiqa train selector",
    )
    add("--output", "-o", metavar="DIR", help="folder to write (default: DIR/report)")
    add_portfolio_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score or read, choose, write and print."""
    import numpy as np

    from jiqa.cli.common.scenario import read_portfolio_of, show_figures
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder, write_rows
    from jiqa.selectors import scenario_table as portfolio_table
    from jiqa.selectors.figures import COLUMNS
    from jiqa.selectors.learn import reported
    from jiqa.weights.run_sets import run_folder

    folder = Path(arguments.output or run_folder(arguments.selector) / "report")
    try:
        selector, fusion = _opened(arguments.selector)
        if fusion is None and not arguments.data:
            raise UsageError(
                f"{arguments.selector} looks at images: give --data "
                "NAME[:SPLIT] or a table of images"
            )
        make_folder(folder / "figures.csv")
        arguments.set = [*selector.facts.get("settings", []), *arguments.set]
        wanted = ",".join(selector.metrics) if arguments.data else ""
        source = read_portfolio_of(arguments, folder, wanted)
        if source is None:
            return 0  # another process writes what all have found
        portfolio = selector.check(source.portfolio)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if portfolio.direction != selector.direction:
        raise UsageError(
            expected(
                "subjective scores",
                f"those of which {selector.direction} are better, as for the selector",
                f"those of which {portfolio.direction} are better",
            )
        )
    lines = reported(selector, portfolio, fusion)
    found = selector.on(portfolio)
    write_rows(folder / "figures.csv", COLUMNS, lines)
    names = ("", *selector.methods)
    rows = [
        {
            "image": image,
            "score": float(score),
            "method": names[k + 1],
            "value": float(v),
        }
        for image, score, k, v in zip(
            portfolio.images,
            portfolio.score,
            found.choice,
            found.predicted,
            strict=True,
        )
    ]
    write_rows(
        folder / portfolio_table.CHOICES, ("image", "score", "method", "value"), rows
    )
    portfolio_table.write_portfolio(
        folder / portfolio_table.FILE,
        portfolio.images,
        portfolio.score,
        portfolio.methods,
        found.mapped,
        portfolio.splits,
    )
    show_figures(lines, f"{len(portfolio)} images")
    print(f"written to {folder}")
    failed = int(np.isnan(found.predicted).sum())
    if failed:
        print(f"{failed} images have no score", file=sys.stderr)
    return 1 if failed else 0


def _opened(name: str) -> tuple[Any, Any]:
    """The selector, and what one of forests is compared with."""
    from jiqa.selectors.forest_selector import open_selector
    from jiqa.selectors.learn import open_fusion
    from jiqa.selectors.network_selector import open_run_selector
    from jiqa.weights.run_sets import RUN, run_folder

    if name.startswith(RUN):
        return open_run_selector(name), None
    return open_selector(run_folder(name)), open_fusion(run_folder(name))

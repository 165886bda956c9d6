"""Say what a selector is worth on images that it has not learned from.

  jiqa select report chooser --data koniq10k:test
  jiqa select report chooser --scores table.csv --split test --output tested

Prints every method, the single best one, the oracle, the selector and what it is
compared with; writes figures.csv, choices.csv (one row an image: the method chosen and
its score) and portfolio.csv. Exit code 0; 1 when some image has no score at all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jiqa.cli._portfolio import add_portfolio_arguments

HELP = "what a selector is worth on other images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("selector", metavar="DIR", help="folder of jiqa select learn")
    add("--output", "-o", metavar="DIR", help="folder to write (default: DIR/report)")
    add_portfolio_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score or read, choose, write and print."""
    from jiqa.cli._portfolio import read_portfolio_of, show_figures
    from jiqa.scoring.inputs import UsageError
    from jiqa.scoring.output import make_folder, write_rows
    from jiqa.selectors import portfolio_table
    from jiqa.selectors.figures import COLUMNS
    from jiqa.selectors.learning import open_fusion, reported
    from jiqa.selectors.selector import open_selector

    folder = Path(arguments.output or Path(arguments.selector) / "report")
    try:
        selector = open_selector(arguments.selector)
        fusion = open_fusion(arguments.selector)
        make_folder(folder / "figures.csv")
        arguments.set = [*selector.facts.get("settings", []), *arguments.set]
        wanted = _metrics(selector) if arguments.data else ""
        source = read_portfolio_of(arguments, folder, wanted)
        if source is None:
            return 0  # another process writes what all have found
        portfolio = selector.check(source.portfolio)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if portfolio.direction != selector.direction:
        raise UsageError(
            f"the selector gives scores of which {selector.direction} are better, and "
            f"here {portfolio.direction} ones are: another scale"
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
    write_rows(folder / "choices.csv", ("image", "score", "method", "value"), rows)
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
    failed = int((found.choice < 0).sum())
    if failed:
        print(f"{failed} images have no score of any method", file=sys.stderr)
    return 1 if failed else 0


def _metrics(selector) -> str:
    known = selector.facts.get("methods", {})
    return ",".join(known.get(m, {}).get("metric", m) for m in selector.methods)

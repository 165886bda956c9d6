"""Learn to choose a method, from scored images or from a table of scores.

  jiqa select learn --data scores.csv --methods niqe,brisque,piqe --output chooser
  jiqa select learn --scores table.csv --kind pairwise --trees 100 --output chooser

DATA is a prepared set (see jiqa data) or a table of your own images with a column of
scores; unfinished scoring goes on with --resume. The folder gets the selector
(selector.json, forests.safetensors), figures.csv of the images left out in turn,
portfolio.csv with every method on the scale of people's scores, what it is compared
with (fusion.safetensors) and run.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jiqa.checks import expected
from jiqa.cli.common.scenario import add_portfolio_arguments

HELP = "learn to choose, and say what that is worth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--methods",
        metavar="NAMES",
        help="comma list of no-reference metrics, run:FOLDER among them; with --scores "
        "columns (default: all)",
    )
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--kind",
        choices=("nearest", "errors", "absolute", "best", "pairwise"),
        default="nearest",
        help="forests that predict people's score, and the method nearest to it is "
        "chosen; that predict the methods' errors, signed or absolute; that name the "
        "best method; or that compare two methods each (%(default)s)",
    )
    add("--trees", type=int, default=200, help="of a forest (%(default)s)")
    add("--leaf", type=int, default=3, help="fewest images in one (%(default)s)")
    add(
        "--share",
        type=float,
        default=1 / 3,
        help="of the features that a division may look at (a third)",
    )
    add("--seed", type=int, default=0, help="of forests and parts (%(default)s)")
    add(
        "--folds",
        type=int,
        default=5,
        help="parts left out in turn for the figures, 0 for no figures (%(default)s)",
    )
    add_portfolio_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score or read, learn, write and print."""
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts
    from jiqa.cli.common.scenario import read_portfolio_of, show_figures
    from jiqa.errors import UsageError
    from jiqa.io.atomic import write_json
    from jiqa.io.write_table import make_folder, write_rows
    from jiqa.selectors import scenario_table as portfolio_table
    from jiqa.selectors.figures import COLUMNS
    from jiqa.selectors.grow_forests import Growth, require, versions
    from jiqa.selectors.learn import cross_validated, fuse, learn

    folder = Path(arguments.output)
    if arguments.folds < 0 or arguments.folds == 1:
        raise UsageError(expected("--folds", "0, or 2 or more", f"{arguments.folds}"))
    try:
        require()  # before hours of scoring
        growth = Growth(
            arguments.kind,
            arguments.trees,
            arguments.leaf,
            arguments.share,
            arguments.seed,
        )
        make_folder(folder / "run.json")
        source = read_portfolio_of(arguments, folder, arguments.methods or "")
        if source is None:
            return 0  # another process writes what all have found
        portfolio = source.portfolio
        facts = {
            **source.facts,
            "images": len(portfolio),
            "fingerprint": portfolio.fingerprint(),
            "growth": vars(growth),
            "versions": versions(),
        }
        with progress("learning", arguments.folds + 1, starting="") as advance:
            selector = learn(portfolio, growth, facts)
            fusion = fuse(selector, portfolio, growth)
            advance()
            lines = []
            if arguments.folds:
                lines = cross_validated(portfolio, growth, arguments.folds, advance)
    except ValueError as error:
        raise UsageError(str(error)) from None
    portfolio_table.write_portfolio(
        folder / portfolio_table.FILE,
        portfolio.images,
        portfolio.score,
        portfolio.methods,
        selector.curves(portfolio.raw),
        portfolio.splits,
    )
    fusion.save(folder)
    write_json(folder / "run.json", {**run_facts(arguments), **facts}, default=str)
    selector.save(folder)
    for name, note in zip(selector.methods, selector.curves.notes, strict=True):
        if note:
            print(f"{name}: no logistic curve can be fitted; {note} is used instead")
    if lines:
        write_rows(folder / "figures.csv", COLUMNS, lines)
        title = (
            f"{len(portfolio)} images, each left out once in {arguments.folds} parts"
        )
        show_figures(lines, title)
    print(f"score images with it: jiqa score selector:{folder} IMAGES")
    return 0

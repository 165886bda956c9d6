"""Learn to choose a method, from scored images or from a table of scores.

  jiqa select learn --data scores.csv --methods niqe,brisque,piqe --output chooser
  jiqa select learn --scores table.csv --kind pairwise --trees 100 --output chooser

DATA is a prepared data set (see jiqa data) or a table of your images with a column of
scores; --resume continues unfinished scoring. The folder gets the selector
(selector.json, forests.safetensors), figures.csv of the cross-validation, portfolio.csv
with every method on the scale of the subjective scores, the fusions for comparison
(fusion.safetensors) and run.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jiqa.checks import expected
from jiqa.cli.common.scenario import add_portfolio_arguments

HELP = "learn to choose a method, and cross-validate the choice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--methods",
        metavar="NAMES",
        help="comma-separated no-reference metrics, also run:FOLDER; with --scores, "
        "columns (default: all)",
    )
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--kind",
        choices=("nearest", "errors", "absolute", "best", "pairwise"),
        default="nearest",
        help="what the forests predict: the subjective score, to choose the nearest "
        "method; the signed or absolute errors of the methods; the best method; or "
        "the better one of each pair of methods (%(default)s)",
    )
    add("--trees", type=int, default=200, help="trees per forest (%(default)s)")
    add(
        "--leaf",
        type=int,
        default=3,
        help="smallest number of images in a leaf (%(default)s)",
    )
    add(
        "--share",
        type=float,
        default=1 / 3,
        help="share of the features considered at each split (a third)",
    )
    add("--seed", type=int, default=0, help="seed of forests and folds (%(default)s)")
    add(
        "--folds",
        type=int,
        default=5,
        help="folds of the cross-validation; 0 for none (%(default)s)",
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

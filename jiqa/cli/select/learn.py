"""Learn to choose a method, from scored images or from a table of scores.

  jiqa select learn --data scores.csv --methods niqe,brisque,piqe --output chooser
  jiqa select learn --scores table.csv --kind pairwise --trees 100 --output chooser

DATA is a prepared data set (see jiqa data) or a table of your images with a column of
scores; --resume continues unfinished scoring. The folder gets the selector
(selector.json, forests.safetensors), figures.csv of the cross-validation, scenario.csv
with every method on the scale of the subjective scores, the fusions for comparison
(fusion.safetensors) and run.json.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path

from jiqa.checks import expected
from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.scenario import add_scenario_arguments

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
    add_force(parser, "the selector")
    add_scenario_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score or read, learn, write and print."""
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts
    from jiqa.cli.common.scenario import read_scenario_of, show_figures
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
    from jiqa.selectors.grow_forests import Growth, require
    from jiqa.selectors.learning import learn

    folder = Path(arguments.output)
    if arguments.folds < 0 or arguments.folds == 1:
        raise UsageError(expected("--folds", "0, or 2 or more", f"{arguments.folds}"))
    unfinished = arguments.resume and any(folder.glob("*.partial"))
    check_new(folder / "selector.json", force=arguments.force, unfinished=unfinished)
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
        scenario = read_scenario_of(arguments, folder, arguments.methods or "")
        if scenario is None:
            return 0  # another process writes what all have found
        found = learn(
            scenario,
            growth,
            folds=arguments.folds,
            output=folder,
            record=run_facts(arguments),
            progress=functools.partial(progress, starting=""),
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    curves = found.selector.curves
    for name, note in zip(scenario.methods, curves.notes, strict=True):
        if note:
            print(f"{name}: no logistic curve can be fitted; {note} is used instead")
    if found.figures:
        title = f"{len(scenario)} images, cross-validated over {arguments.folds} folds"
        show_figures(found.figures, title)
    for warning in found.warnings:
        print(warning, file=sys.stderr)
    print(f"score images with it: jiqa score selector:{folder} IMAGES")
    return 0

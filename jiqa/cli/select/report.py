"""Evaluate a selector on images that it has not learned from.

  jiqa select report chooser --data koniq10k:test
  jiqa select report chooser --scores table.csv --split test --output tested
  jiqa select report run:runs/choice --data koniq10k:test

Prints every method, the method that was the single best one in training, the oracle,
the selector and, for forests, the fusions; writes figures.csv, choices.csv (one row per
image: the chosen method and its score) and scenario.csv. A run of jiqa train selector
looks at the images, and so needs --data. Exit code 0; 1 when some image has no score:
for forests because no method has one, for a run because the chosen method has none; 2
for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.scenario import add_scenario_arguments

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
    add_force(parser, "the figures")
    add_scenario_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score or read, choose, write and print."""
    from jiqa.cli.common.scenario import read_scenario_of, show_figures
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
    from jiqa.selectors.reporting import open_with_fusion, report
    from jiqa.weights.run_sets import run_folder

    folder = Path(arguments.output or run_folder(arguments.selector) / "report")
    unfinished = arguments.resume and any(folder.glob("*.partial"))
    check_new(folder / "figures.csv", force=arguments.force, unfinished=unfinished)
    try:
        selector, fusion = open_with_fusion(arguments.selector)
        if fusion is None and not arguments.data:
            raise UsageError(
                f"{arguments.selector} looks at images: give --data "
                "NAME[:SPLIT] or a table of images"
            )
        make_folder(folder / "figures.csv")
        arguments.set = [*selector.facts.get("settings", []), *arguments.set]
        methods = ",".join(selector.metrics) if arguments.data else ""
        scenario = read_scenario_of(arguments, folder, methods)
        if scenario is None:
            return 0  # another process writes what all have found
        found = report(selector, scenario, fusion=fusion, output=folder)
    except ValueError as error:
        raise UsageError(str(error)) from None
    show_figures(found.figures, f"{len(scenario)} images")
    print(f"written to {folder}")
    for warning in found.warnings:
        print(warning, file=sys.stderr)
    if found.failed:
        print(f"{found.failed} images have no score", file=sys.stderr)
    return 1 if found.failed else 0

"""Select the few feature maps that agree best with subjective scores.

  jiqa analyse select --data tid2013 --network alexnet --metric ssim --output study
  jiqa analyse select --data csiq --network vgg16 --against ssim,psnr --output study

Every map of every convolution is scored for every pair in one pass of the network. The
scores are kept on disk, so that a later call continues from them, whatever its options.
Then the map that raises the correlation with the subjective scores most is added, one
after the other. All figures are given twice: in-sample, on the pairs that the maps were
selected on, as published figures are; and held out, on references that were not used.

The folder --output gets maps.json (a metric: jiqa score selected:maps.json),
curve.csv, curve.png, figures.csv, scores.csv, stability.csv and run.json; with --report
also report.html. A finished study is replaced with --force alone.

Exit code 0; 1 when some pairs failed; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli.analyse.report import add_picture_arguments, write_page
from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.mistakes import mistakes

if TYPE_CHECKING:
    from jiqa.analysis.map_selection.study import Study

HELP = "select the feature maps that predict quality"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--data",
        required=True,
        metavar="NAME[:SPLIT]|PATH",
        help="prepared data set (see jiqa data), or a table of image, reference, score",
    )
    add(
        "--data-dir",
        help="folder of prepared data sets (default: JIQA_DATA, or the user's cache)",
    )
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    _add_study_arguments(parser)
    add_force(parser, "the study")
    add("--report", action="store_true", help="also write report.html")
    group = parser.add_argument_group("pictures of the report")
    add_picture_arguments(group)


def _add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what decides a study."""
    add = parser.add_argument
    networks = ("alexnet", "vgg16", "vgg19")
    add("--network", choices=networks, default="alexnet", help="network (%(default)s)")
    add(
        "--metric",
        default="ssim",
        help="metric on every map: ssim, psnr or mse (%(default)s)",
    )
    add("--layers", help="comma-separated layers (default: every convolution)")
    add(
        "--criterion",
        choices=("nonlinear_plcc", "plcc", "srcc"),
        default="nonlinear_plcc",
        help="correlation to raise (%(default)s, Pearson's after the logistic)",
    )
    add(
        "--combination",
        choices=("mean", "geometric", "layer_balanced"),
        default="mean",
        help="how the scores of the maps are combined (%(default)s)",
    )
    add(
        "--stopping",
        type=_stopping,
        default="no_increase",
        metavar="RULE",
        help="no_increase, a smallest gain such as 0.001, or a count of maps such as "
        "12 "
        "(%(default)s)",
    )
    add(
        "--direction",
        choices=("natural", "either", "same", "opposite"),
        default="natural",
        help="sign of the correlation of the maps with the subjective scores; natural: "
        "both get better together (%(default)s)",
    )
    add(
        "--folds",
        type=_folds,
        default="auto",
        metavar="N",
        help="folds of the references for held-out figures, or each (default: 5, or "
        "each with fewer references)",
    )
    add(
        "--inner-folds",
        type=int,
        metavar="N",
        help="choose the number of maps by cross-validation inside each fold",
    )
    add(
        "--resamples",
        type=int,
        default=20,
        metavar="N",
        help="selections on resampled references, 0 for none (%(default)s)",
    )
    add("--seed", type=int, default=0, help="seed of folds and resamples (%(default)s)")
    add(
        "--against",
        default="",
        metavar="METRICS",
        help="comma-separated metrics to compare with",
    )
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights",
    )
    add(
        "--cache",
        metavar="DIR",
        help="where scores of the maps are kept (default: the user's cache)",
    )
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score maps, select, validate, write and print."""
    from jiqa.analysis.map_selection.select_maps import select_maps
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts

    finished = Path(arguments.output) / "maps.json"
    check_new(finished, force=arguments.force, unfinished=False)
    configure_jax(cache=not arguments.no_cache)
    with mistakes():
        found = select_maps(
            arguments.data,
            output=arguments.output,
            data_dir=arguments.data_dir,
            network=arguments.network,
            metric=arguments.metric,
            layers=_names(arguments.layers or ""),
            criterion=arguments.criterion,
            combine=arguments.combination,
            stopping=_rule(arguments.stopping),
            direction=arguments.direction,
            folds=arguments.folds,
            inner_folds=arguments.inner_folds,
            resamples=arguments.resamples,
            seed=arguments.seed,
            against=_names(arguments.against),
            weights_folder=arguments.weights,
            cache=arguments.cache,
            background=arguments.background,
            facts=run_facts(arguments),
            progress=progress,
        )
    for note in found.pairs.notes:
        print(note, file=sys.stderr)
    show_study(found.study)
    print(f"maps.json and tables written to {found.folder}")
    if arguments.report:
        write_page(arguments.output, arguments)
    for name in found.pairs.left_out:
        print(f"skipped, no score, reference or pixels: {name}", file=sys.stderr)
    for index, why in sorted(found.errors.items()):
        print(f"failed: {found.pairs.names[index]}: {why}", file=sys.stderr)
    return 1 if found.errors else 0


def show_study(study: Study) -> None:
    """Print the chosen maps, then in-sample and held-out figures side by side."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120)
    chosen = study.selection
    table = Table("maps", "added", "alone", "in-sample", "held out")
    steps = zip(
        chosen.names, chosen.alone, chosen.curve, study.held_out_curve(), strict=True
    )
    for count, (name, *values) in enumerate(steps, 1):
        table.add_row(str(count), name, *(f"{v:.4f}" for v in values))
    console.print(table)
    head = "", "maps", chosen.criterion, "held out", "srcc", "srcc held out"
    table = Table(*head)
    for line in study.figures:
        count = "" if line.maps is None else str(line.maps)
        values = line.in_sample, line.held_out, line.srcc_in_sample, line.srcc_held_out
        table.add_row(line.name, count, *(f"{v:.4f}" for v in values))
    console.print(table)
    console.print(
        f"{int(study.used.sum())} pairs. In-sample: maps and mapping are fitted to "
        f"these pairs. Held out: predicted from other references, the predictions of "
        f"{len(study.validation.folds)} folds together.",
        highlight=False,
    )
    for note in study.notes:
        console.print(note, highlight=False)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _rule(text: str) -> str | int | float:
    """Parse a rule of ``--stopping`` for ``select_maps``."""
    if text == "no_increase":
        return text
    return int(text) if text.isdigit() else float(text)


def _stopping(text: str) -> str:
    try:
        if text != "no_increase" and not float(text) > 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected no_increase, a gain or a count, got {text}"
        ) from None
    return text


def _folds(text: str) -> int | str | None:
    if text == "each":
        return None
    if text == "auto":  # the default
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number or each, got {text}"
        ) from None

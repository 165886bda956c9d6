"""Find the few feature maps that agree best with people.

  jiqa analyse select --data tid2013 --network alexnet --metric ssim --output study
  jiqa analyse select --data csiq --network vgg16 --against ssim,psnr --output study

Every map of every convolution is scored for every pair, in one pass of the network;
what has been scored is kept on disk, and a later call of whatever options goes on from
there. Then maps are chosen one by one, as they raise the correlation with the human
scores. All figures are given twice: in-sample, on the pairs that the maps were chosen
on, as published ones are; and held out, on references that were not looked at.

The folder --output gets maps.json (a metric: jiqa score selected:maps.json),
curve.csv, curve.png, figures.csv, stability.csv, run.json, with --report report.html.

Exit code 0; 1 when some pairs failed; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from jiqa.cli.analyse.report import add_picture_arguments, write_page
from jiqa.cli.common.arguments import add_background, add_no_cache

if TYPE_CHECKING:
    from jiqa.analysis.map_selection.study import Study

HELP = "find the feature maps that carry quality"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--data", required=True, metavar="NAME[:SPLIT]", help="prepared set (jiqa data)"
    )
    add("--data-dir", help="prepared sets (default: JIQA_DATA, or the user's cache)")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    _add_study_arguments(parser)
    add("--report", action="store_true", help="also write report.html")
    group = parser.add_argument_group("pictures of the report")
    add_picture_arguments(group)


def _add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides a study."""
    add = parser.add_argument
    networks = ("alexnet", "vgg16", "vgg19")
    add("--network", choices=networks, default="alexnet", help="(%(default)s)")
    add("--metric", default="ssim", help="on every map: ssim, psnr, mse (%(default)s)")
    add("--layers", help="comma list of layers (default: every convolution)")
    add(
        "--criterion",
        choices=("nonlinear_plcc", "plcc", "srcc"),
        default="nonlinear_plcc",
        help="what is raised (%(default)s, Pearson's after the logistic)",
    )
    add(
        "--combination",
        choices=("mean", "geometric", "layer_balanced"),
        default="mean",
        help="how the maps' scores become one (%(default)s)",
    )
    add(
        "--stopping",
        type=_stopping,
        default="no_increase",
        metavar="RULE",
        help="no_increase, a least gain such as 0.001, or a count of maps such as 12 "
        "(%(default)s)",
    )
    add(
        "--direction",
        choices=("natural", "either", "same", "opposite"),
        default="natural",
        help="how the maps' scores run beside the human ones; natural: better with "
        "better (%(default)s)",
    )
    add(
        "--folds",
        type=_folds,
        default=5,
        metavar="N",
        help="parts of the references for held-out figures, or each (%(default)s)",
    )
    add(
        "--inner-folds",
        type=int,
        metavar="N",
        help="choose the number of maps by cross-validation inside each part",
    )
    add(
        "--resamples",
        type=int,
        default=20,
        metavar="N",
        help="selections on resampled references, 0 for none (%(default)s)",
    )
    add("--seed", type=int, default=0, help="of folds and resamples (%(default)s)")
    add("--against", default="", metavar="METRICS", help="comma list to compare with")
    add("--weights", metavar="FOLDER", help="where to look first for learned weights")
    add("--cache", metavar="DIR", help="where map scores are kept (default: the cache)")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score maps, select, validate, write and print."""
    from jiqa.analysis.map_selection.select_maps import select_maps
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts
    from jiqa.errors import UsageError

    configure_jax(cache=not arguments.no_cache)
    try:
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
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
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
    """The chosen maps, then in-sample and held-out figures side by side."""
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
        f"these pairs. Held out: cross-validated over {len(study.validation.folds)} "
        "folds of references.",
        highlight=False,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _rule(text: str) -> str | int | float:
    """A rule of ``--stopping`` as ``select_maps`` takes it."""
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


def _folds(text: str) -> int | None:
    if text == "each":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number or each, got {text}"
        ) from None

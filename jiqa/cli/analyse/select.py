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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.checks import expected
from jiqa.cli.analyse.report import add_picture_arguments, write_page
from jiqa.cli.common.arguments import add_background, add_no_cache

if TYPE_CHECKING:
    from jiqa.analysis.map_selection.rated_pairs import RatedPairs
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
    add_study_arguments(parser)
    add("--report", action="store_true", help="also write report.html")
    group = parser.add_argument_group("pictures of the report")
    add_picture_arguments(group)


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """What decides a study of given pairs."""
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
    from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.io.write_table import make_folder

    folder = Path(arguments.output)
    make_folder(folder / "maps.json")  # now, not after the work
    pairs = open_rated_pairs(arguments.data, arguments.data_dir)
    configure_jax(cache=not arguments.no_cache)
    study, errors = studied(arguments, pairs, folder)
    show_study(study)
    print(f"maps.json and tables written to {folder}")
    if arguments.report:
        write_page(folder, arguments)
    for name in pairs.left_out:
        print(f"skipped, no score, reference or pixels: {name}", file=sys.stderr)
    for index, why in sorted(errors.items()):
        print(f"failed: {pairs.names[index]}: {why}", file=sys.stderr)
    return 1 if errors else 0


def studied(
    arguments: argparse.Namespace, pairs: RatedPairs, folder: Path
) -> tuple[Study, dict[int, str]]:
    """Do the study that the arguments ask for, and write it.

    Raises:
        UsageError: what the selection refuses.
    """
    import jax

    from jiqa.analysis.map_selection.map_scores import compute_map_scores
    from jiqa.analysis.map_selection.study import natural_direction, run_study
    from jiqa.analysis.map_selection.study_files import write_study
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import run_facts
    from jiqa.errors import UsageError
    from jiqa.io.cache import cache_folder
    from jiqa.progress import steps

    layers: dict[str, Any] = {}
    if arguments.layers:
        layers = {"layers": tuple(name.strip() for name in arguments.layers.split(","))}
    how: dict[str, Any] = {
        "background": arguments.background,
        "devices": jax.local_devices(),
    }
    direction = arguments.direction
    if direction == "natural":
        direction = natural_direction(arguments.metric, pairs.better)
    try:
        with progress("scoring maps", len(pairs.pairs)) as advance:
            found = compute_map_scores(
                pairs.pairs,
                network=arguments.network,
                metric=arguments.metric,
                cache=arguments.cache or cache_folder("map_scores"),
                weights_folder=arguments.weights,
                on_progress=steps(advance, len(pairs.pairs)),
                **how,
                **layers,
            )
        against, failed = _others(arguments, pairs, how)
        with progress("resampling", arguments.resamples) as advance:
            study = run_study(
                found,
                pairs.scores,
                pairs.references,
                against=against,
                folds=arguments.folds,
                inner_folds=arguments.inner_folds,
                resamples=arguments.resamples,
                seed=arguments.seed,
                on_resample=lambda done: advance(),
                criterion=arguments.criterion,
                combine=arguments.combination,
                direction=direction,
                **stopping_options(arguments.stopping),
            )
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    errors = {**failed, **found.errors}
    facts = {
        **run_facts(arguments),
        "data": pairs.spec,
        "fingerprint": pairs.fingerprint,
        "better": pairs.better,
        "left_out": list(pairs.left_out),
        "failed": {pairs.names[i]: why for i, why in errors.items()},
        "map_scores": str(found.path),
        "devices": len(how["devices"]),
    }
    write_study(folder, study, facts)
    return study, errors


def _others(
    arguments: argparse.Namespace, pairs: RatedPairs, how: dict[str, Any]
) -> tuple[dict[str, Any], dict[int, str]]:
    """Scores of the metrics of ``--against``, and what failed."""
    import numpy as np

    from jiqa.analysis.map_selection.pair_stream import computed_batches
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.registry import load

    scores: dict[str, Any] = {}
    errors: dict[int, str] = {}
    for name in filter(None, (n.strip() for n in arguments.against.split(","))):
        loaded = load(name, weights_folder=arguments.weights)
        if loaded.info.kind != "full-reference":
            raise UsageError(expected("--against", "full-reference metrics", name))
        scores[name] = np.full(len(pairs.pairs), np.nan)
        none = np.zeros(len(pairs.pairs), bool)
        with progress(f"scoring {name}", len(pairs.pairs)) as advance:
            for rows, values, failed in computed_batches(
                loaded, pairs.pairs, done=none, **how
            ):
                errors |= failed
                if rows:
                    scores[name][rows] = values
                for _ in rows:
                    advance()
    return scores, errors


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


def stopping_options(rule: str) -> dict[str, Any]:
    """A rule of ``--stopping`` as options of ``forward_select``."""
    if rule == "no_increase":
        return {}
    if rule.isdigit():
        return {"stop": "count", "max_maps": int(rule)}
    return {"min_gain": float(rule)}


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

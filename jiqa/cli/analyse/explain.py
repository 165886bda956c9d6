"""Show which pixels a score depends on.

  jiqa analyse explain ssim distorted.png --reference original.png --output explained
  jiqa analyse explain selected:study/maps.json a.png --reference b.png -o explained
  jiqa analyse explain brisque photo.png --output explained

The folder gets report.html, one page with the images, the contribution of each pixel on
the way from the baseline (the reference, if there is one), smoothed: red where it made
the score worse, blue where it made it better; and the share of the change that this map
explains. Beside it gradient.png (the effect of a small change of each pixel),
integrated.png (the contributions) and map.png (the map of the metric, if it has one),
not smoothed; and values.npz and scores.json with the numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.mistakes import mistakes

HELP = "show which pixels a score depends on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metric", help="a name of jiqa metrics, or selected:maps.json")
    add(
        "images",
        nargs="*",
        default=[],
        help="the image, or without --reference the reference and the distorted image",
    )
    add("--reference", "-r", help="reference image for a full-reference metric")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--set",
        action="append",
        default=[],
        metavar="METRIC.OPTION=VALUE",
        help="an option of the metric; may be repeated",
    )
    add(
        "--baseline",
        choices=("reference", "black", "grey", "blur"),
        help="where integrated gradients start (default: the reference, else blur)",
    )
    add("--steps", type=int, default=32, help="steps of the integration (%(default)s)")
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights",
    )
    add_force(parser, "the explanation")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain, write, print."""
    from jiqa.analysis.explain.explain_score import explain_score
    from jiqa.checks import expected
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import command
    from jiqa.cli.common.slips import check_words
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
    from jiqa.report.explanation_page import baseline_words, explained_words, remark
    from jiqa.report.explanations import write_explanation
    from jiqa.scoring.choose_metrics import choose

    configure_jax(cache=not arguments.no_cache)
    reference = [arguments.reference] if arguments.reference else []
    images = [*reference, *arguments.images]
    given = len(images)
    check_words(
        "jiqa analyse explain",
        arguments.metric,
        arguments.images,
        arguments.reference,
        example="ssim" if reference or given > 1 else "brisque",
    )
    if not arguments.images:
        raise UsageError("expected images, got none")
    (choice, *more) = choose(
        arguments.metric,
        arguments.set,
        have_reference=given > 1,
        reference_from="--reference FILE",
    )
    if more or given != 1 + choice.needs_reference:
        wanted = "IMAGE --reference FILE" if choice.needs_reference else "IMAGE"
        got = f"{arguments.metric} and {given} images"
        raise UsageError(expected(choice.name, f"one metric and {wanted}", got))
    folder = Path(arguments.output)
    check_new(folder / "scores.json", force=arguments.force, unfinished=False)
    make_folder(folder / "scores.json")
    with mistakes():
        found = explain_score(
            choice.name,
            *images,
            options=choice.options,
            baseline=arguments.baseline,
            steps=arguments.steps,
            weights_folder=arguments.weights,
            background=arguments.background,
            progress=progress,
        )
    page = write_explanation(folder, found, names=images, command=command())
    ends = found.integrated
    print(
        f"{found.metric}: {ends.score:.6g} ({found.direction} is better); "
        f"{ends.baseline_score:.6g} at the baseline, {baseline_words(found)}"
    )
    print(explained_words(found))
    if note := remark(found):
        print(note, file=sys.stderr)
    print(f"written to {folder}; the page is {page.resolve()}")
    return 0

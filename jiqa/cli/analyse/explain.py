"""Show which pixels a score depends on.

  jiqa analyse explain ssim distorted.png --reference original.png --output explained
  jiqa analyse explain selected:study/maps.json a.png --reference b.png -o explained
  jiqa analyse explain brisque photo.png --output explained

The folder gets gradient.png, the effect of a small change of each pixel;
integrated.png, the contribution of each pixel on the way from the baseline (the
reference, if there is one): red where it made the score worse, blue where it made it
better; map.png, the map of the metric, if it has one; and values.npz and scores.json
with the numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jiqa.cli.common.arguments import add_background, add_no_cache

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
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain, write, print."""
    from jiqa.analysis.explain.explain_score import explain_score
    from jiqa.checks import expected
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.slips import check_words
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
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
        raise UsageError("no images given")
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
    make_folder(folder / "scores.json")
    try:
        found = explain_score(
            choice.name,
            *images,
            options=choice.options,
            baseline=arguments.baseline,
            steps=arguments.steps,
            weights_folder=arguments.weights,
            background=arguments.background,
        )
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    write_explanation(folder, found)
    ends = found.integrated
    print(
        f"{found.metric}: {ends.score:.6g}; {ends.baseline_score:.6g} at the baseline"
    )
    print(f"the attributions miss the difference by {ends.gap:.2g}")
    print(f"written to {folder}")
    return 0

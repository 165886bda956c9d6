"""Show which parts of an image raise or lower a feature map or a score.

  jiqa analyse prediction-difference photo.png --maps study/maps.json --output where
  jiqa analyse prediction-difference photo.png --map conv5:3 --unit 6,6 -o where
  jiqa analyse prediction-difference bad.png --metric ssim --reference good.png -o where

Every window of the image is replaced by samples of what else could be there. Red parts
raise the value (without them it falls), blue ones lower it. The folder gets an overlay
for each map, and values.npz.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.chosen_maps import add_map_arguments

if TYPE_CHECKING:
    from jiqa.analysis.explain.targets import Target

HELP = "show which parts of an image raise or lower a map or a score"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("image", help="the image to explain")
    add_map_arguments(parser)
    add(
        "--unit",
        metavar="ROW,COLUMN",
        help="one unit of the maps, instead of their mean",
    )
    add("--metric", help="explain the score of this metric instead of maps")
    add("--reference", help="reference image for a full-reference metric")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--sampler",
        choices=("conditional", "marginal"),
        default="conditional",
        help="replace windows by what fits the surroundings, or by any patch "
        "(%(default)s)",
    )
    add(
        "--patches-from",
        nargs="+",
        metavar="IMAGES",
        help="files or folders to learn patches from (default: the image and jiqa's "
        "sample)",
    )
    add(
        "--window",
        type=int,
        default=10,
        help="side of a window in pixels (%(default)s)",
    )
    add(
        "--padding",
        type=int,
        default=2,
        help="pixels around a window that are considered (%(default)s)",
    )
    add(
        "--stride",
        type=int,
        default=4,
        help="pixels from window to window (%(default)s)",
    )
    add("--samples", type=int, default=10, help="samples per window (%(default)s)")
    add(
        "--patches", type=int, default=20000, help="patches to learn from (%(default)s)"
    )
    add("--batch", type=int, default=40, help="images per batch (%(default)s)")
    add("--seed", type=int, default=0, help="seed of the samples (%(default)s)")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replace windows, write overlays, say where."""
    from jiqa.analysis.explain.prediction_difference import prediction_difference
    from jiqa.analysis.explain.unit_images import patch_sampler, read_unit
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
    from jiqa.progress import steps
    from jiqa.report.explanations import write_relevance

    configure_jax(cache=not arguments.no_cache)
    folder = Path(arguments.output)
    make_folder(folder / "values.npz")
    try:
        image = read_unit(arguments.image, arguments.background)
        names, target = _target(arguments)
        sampler = patch_sampler(
            image,
            arguments.patches_from or (),
            kind=arguments.sampler,
            window=arguments.window,
            padding=arguments.padding,
            patches=arguments.patches,
            seed=arguments.seed,
        )
        with progress("replacing windows", 100) as advance:
            found = prediction_difference(
                target,
                image,
                sampler,
                stride=arguments.stride,
                samples=arguments.samples,
                batch=arguments.batch,
                seed=arguments.seed,
                on_progress=steps(advance, 100),
            )
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    write_relevance(folder, image, found, names)
    print(f"{found.windows} windows; {len(names)} overlays written to {folder}")
    return 0


def _target(arguments: argparse.Namespace) -> tuple[list[str], Target]:
    """Return names and function of what is explained."""
    from jiqa.analysis.explain.targets import of_score
    from jiqa.analysis.explain.unit_images import read_unit
    from jiqa.checks import expected
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.errors import UsageError
    from jiqa.registry import load

    if arguments.metric:
        if arguments.maps or arguments.map:
            raise UsageError("give either --metric, or --maps or --map")
        metric = load(arguments.metric, weights_folder=arguments.weights)
        compares = metric.info.kind == "full-reference"
        if compares != bool(arguments.reference):
            needs = "needs" if compares else "takes no"
            raise UsageError(f"{arguments.metric} {needs} --reference")
        reference = None
        if compares:
            reference = read_unit(arguments.reference, arguments.background)
        return [arguments.metric], of_score(metric, reference)
    maps = read_chosen_maps(arguments)
    unit = None
    if arguments.unit:
        try:
            row, column = (int(part) for part in arguments.unit.split(","))
        except ValueError:
            raise UsageError(expected("--unit", "ROW,COLUMN", arguments.unit)) from None
        unit = row, column
    return maps.names, maps.target(unit)

"""Show which parts of an image raise or lower a feature map or a score.

  jiqa analyse prediction-difference photo.png --maps study/maps.json --output where
  jiqa analyse prediction-difference photo.png --map conv5:3 --unit 6,6 -o where
  jiqa analyse prediction-difference bad.png --metric ssim --reference good.png -o where

Every window of the image is replaced by samples of what else could be there. Red parts
raise the value (without them it falls), blue ones lower it. The folder gets an overlay
for each map, and values.npz. A larger --stride needs fewer windows, and less time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.chosen_maps import add_map_arguments
from jiqa.cli.common.finished import add_force, check_new
from jiqa.cli.common.mistakes import mistakes

if TYPE_CHECKING:
    from jiqa.analysis.explain.targets import Target

HELP = "show which parts of an image raise or lower a map or a score"

#: More windows than this, and a larger stride is suggested.
_MANY = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="the image to explain; without --reference the reference before it",
    )
    add_map_arguments(parser)
    add(
        "--unit",
        metavar="ROW,COLUMN",
        help="one unit of the maps, instead of their mean",
    )
    add("--metric", help="explain the score of this metric instead of maps")
    add("--reference", "-r", help="reference image for a full-reference metric")
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
    add_force(parser, "what an earlier run has found")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replace windows, write overlays, say where."""
    from jiqa.analysis.explain.prediction_difference import (
        prediction_difference,
        window_count,
    )
    from jiqa.analysis.explain.unit_images import patch_sampler, read_unit
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.io.write_table import make_folder
    from jiqa.progress import steps
    from jiqa.report.explanations import write_relevance

    configure_jax(cache=not arguments.no_cache)
    folder = Path(arguments.output)
    check_new(folder / "values.npz", force=arguments.force, unfinished=False)
    path, reference = _image_and_reference(arguments)
    make_folder(folder / "values.npz")
    with mistakes():
        image = read_unit(path, arguments.background)
        names, target = _target(arguments, reference)
        sampler = patch_sampler(
            image,
            arguments.patches_from or (),
            kind=arguments.sampler,
            window=arguments.window,
            padding=arguments.padding,
            patches=arguments.patches,
            seed=arguments.seed,
        )
        count = window_count(image.shape, arguments.window, arguments.stride)
        say_windows(image.shape, count, arguments)
        with progress("replacing windows", count) as advance:
            found = prediction_difference(
                target,
                image,
                sampler,
                stride=arguments.stride,
                samples=arguments.samples,
                batch=arguments.batch,
                seed=arguments.seed,
                on_progress=timed_progress(steps(advance, count)),
            )
    write_relevance(folder, image, found, names)
    overlays = "1 overlay" if len(names) == 1 else f"{len(names)} overlays"
    print(f"{found.windows:,} windows; {overlays} written to {folder}")
    return 0


def say_windows(
    shape: tuple[int, ...], count: int, arguments: argparse.Namespace
) -> None:
    """Say how many windows there are, and what needs fewer if they are many."""
    from jiqa.analysis.explain.prediction_difference import window_count

    window, stride, samples = arguments.window, arguments.stride, arguments.samples
    print(
        f"{count:,} windows of {window} pixels, one every {stride}, {samples} samples "
        f"each: {count * samples:,} images to compute",
        file=sys.stderr,
    )
    if count <= _MANY or stride >= window:
        return
    # As far as windows still touch; those that are few enough overlap the most.
    counts = {s: window_count(shape, window, s) for s in range(stride + 1, window + 1)}
    fewer = next((s for s, n in counts.items() if n <= _MANY), window)
    print(
        f"these are many: --stride {fewer} needs {counts[fewer]:,} windows",
        file=sys.stderr,
    )


def timed_progress(
    on_progress: Callable[[int, int], None],
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int, int], None]:
    """Say once about how long it will take: as the second batch, without compiling."""
    from jiqa.cli.common.pace import duration

    seen: list[tuple[int, float]] = []

    def timed(done: int, of: int) -> None:
        on_progress(done, of)
        if len(seen) < 2:
            seen.append((done, clock()))
        if len(seen) == 2 and done == seen[1][0] < of:
            (first, began), (second, ended) = seen
            left = (ended - began) / (second - first) * (of - second)
            print(f"this takes about {duration(left)}", file=sys.stderr)

    return timed


def _image_and_reference(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """Return the image, and its reference where there is one.

    Raises:
        UsageError: more images than are looked at, or a reference for maps.
    """
    from jiqa.checks import expected
    from jiqa.errors import UsageError

    images = [*filter(None, [arguments.reference]), *arguments.images]
    if len(images) > 1 and not arguments.metric:
        what = "--reference" if arguments.reference else f"{len(images)} images"
        raise UsageError(
            f"maps are explained on one image, and {what} given: a reference is for "
            "--metric METRIC"
        )
    if len(images) > 2:
        got = f"{len(images)} images"
        raise UsageError(expected("images", "IMAGE --reference FILE", got))
    return images[-1], images[0] if len(images) == 2 else None


def _target(
    arguments: argparse.Namespace, reference: str | None
) -> tuple[list[str], Target]:
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
        if compares != bool(reference):
            needs = "needs" if compares else "takes no"
            raise UsageError(f"{arguments.metric} {needs} --reference FILE")
        other = read_unit(reference, arguments.background) if compares else None
        return [arguments.metric], of_score(metric, other)
    if not (arguments.maps or arguments.map):
        raise UsageError(
            "give what is explained: --maps FILE, --map LAYER:NUMBER ..., or --metric "
            "METRIC"
        )
    maps = read_chosen_maps(arguments)
    unit = None
    if arguments.unit:
        try:
            row, column = (int(part) for part in arguments.unit.split(","))
        except ValueError:
            raise UsageError(expected("--unit", "ROW,COLUMN", arguments.unit)) from None
        unit = row, column
    return maps.names, maps.target(unit)

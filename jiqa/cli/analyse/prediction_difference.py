"""Show which parts of an image speak for a feature map or a score.

  jiqa analyse prediction-difference photo.png --maps study/maps.json --output where
  jiqa analyse prediction-difference photo.png --map conv5:3 --unit 6,6 -o where
  jiqa analyse prediction-difference bad.png --metric ssim --reference good.png -o where

Every window of the image is replaced by samples of what else could stand there. Red
parts speak for the value (without them it falls), blue ones against it. The folder gets
an overlay for each map, and values.npz.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.chosen_maps import add_map_arguments

HELP = "show which parts of an image speak for a map or a score"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("image", help="the image to explain")
    add_map_arguments(parser)
    add("--unit", metavar="ROW,COLUMN", help="of the maps, instead of their mean")
    add("--metric", help="instead of maps, the score of a metric")
    add("--reference", help="beside which the metric scores the image")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--sampler",
        choices=("conditional", "marginal"),
        default="conditional",
        help="what replaces a window: what fits its surroundings, or any (%(default)s)",
    )
    add(
        "--patches-from",
        nargs="+",
        metavar="IMAGES",
        help="files or folders to learn from (default: the image and jiqa's sample)",
    )
    add("--window", type=int, default=10, help="side in pixels (%(default)s)")
    add("--padding", type=int, default=2, help="looked at around it (%(default)s)")
    add("--stride", type=int, default=4, help="from window to window (%(default)s)")
    add("--samples", type=int, default=10, help="for each window (%(default)s)")
    add("--patches", type=int, default=20000, help="to learn from (%(default)s)")
    add("--batch", type=int, default=40, help="images at once (%(default)s)")
    add("--seed", type=int, default=0, help="of the samples (%(default)s)")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replace windows, write overlays, say where."""
    import numpy as np

    from jiqa.analysis.explain.prediction_difference import prediction_difference
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.io.atomic import replacing
    from jiqa.io.write_table import make_folder
    from jiqa.progress import steps
    from jiqa.report.overlays import overlay, save_picture

    configure_jax(cache=not arguments.no_cache)
    folder = Path(arguments.output)
    make_folder(folder / "values.npz")
    try:
        image = read_unit(arguments.image, arguments.background)
        names, target = _target(arguments)
        sampler = make_sampler(arguments, image)
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
    for index, name in enumerate(names):
        picture = overlay(image, found.values[..., index])
        save_picture(
            folder / f"{''.join(c if c.isalnum() else '-' for c in name)}.png", picture
        )
    with replacing(folder / "values.npz") as draft, draft.open("wb") as file:
        np.savez_compressed(
            file,
            values=found.values.astype(np.float32),
            of_image=found.of_image,
            names=np.array(names),
        )
    print(f"{found.windows} windows; {len(names)} overlays written to {folder}")
    return 0


def read_unit(path: Any, background: float = 1.0) -> Any:
    """An image as float32 ``[H, W, 3]`` in [0, 1]."""
    import numpy as np

    from jiqa.io.decode import read_image

    pixels = read_image(path, background=background)
    unit = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    return np.repeat(unit, 3 // unit.shape[-1], axis=-1)


def make_sampler(arguments: argparse.Namespace, image: Any) -> Any:
    """The sampler that the arguments ask for, from the images that they name."""
    from jiqa.analysis.explain.patch_samplers import ConditionalSampler, MarginalSampler
    from jiqa.scoring.jobs import expand

    if arguments.patches_from:
        images = [read_unit(path) for path, _ in expand(arguments.patches_from)]
    else:
        sample = Path(__file__).parents[2] / "sample" / "reference.png"
        images = [image, read_unit(sample)]
    if arguments.sampler == "marginal":
        return MarginalSampler(images, arguments.window)
    return ConditionalSampler(
        images,
        arguments.window,
        padding=arguments.padding,
        patches=arguments.patches,
        seed=arguments.seed,
    )


def _target(arguments: argparse.Namespace) -> tuple[list[str], Any]:
    """Names and function of what is explained."""
    from jiqa.analysis.explain.targets import of_maps, of_score
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.errors import UsageError
    from jiqa.nn import NETWORKS
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
    chosen = read_chosen_maps(arguments)
    unit = None
    if arguments.unit:
        try:
            row, column = (int(part) for part in arguments.unit.split(","))
        except ValueError:
            raise UsageError(expected("--unit", "ROW,COLUMN", arguments.unit)) from None
        unit = row, column
    target = of_maps(NETWORKS[chosen.network], chosen.params, chosen.maps, unit=unit)
    return chosen.names, target

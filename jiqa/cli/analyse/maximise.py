"""Draw the images that feature maps respond to most.

  jiqa analyse maximise --maps study/maps.json --output grid.png
  jiqa analyse maximise --map conv1:17 conv5:3 --steps 256 --output grid.png

Draws one image per map by gradient ascent from noise; the same --seed gives the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jiqa.cli.common.arguments import add_no_cache
from jiqa.cli.common.chosen_maps import add_map_arguments
from jiqa.cli.common.finished import add_force, check_new

HELP = "draw what feature maps respond to most"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_map_arguments(parser)
    add = parser.add_argument
    add("--output", "-o", required=True, metavar="FILE.png", help="grid to write")
    add(
        "--objective",
        choices=("rectified", "mean", "centre"),
        default="rectified",
        help="mean of the map's positive part, its mean, or its centre (%(default)s)",
    )
    add("--size", type=int, default=96, help="side of an image in pixels (%(default)s)")
    add("--steps", type=int, default=128, help="steps of the ascent (%(default)s)")
    add("--rate", type=float, default=0.05, help="length of a step (%(default)s)")
    add(
        "--parametrisation",
        choices=("fourier", "pixels"),
        default="fourier",
        help="what is optimised (%(default)s)",
    )
    add(
        "--l2",
        type=float,
        default=0.1,
        help="weight of the contrast penalty (%(default)s)",
    )
    add(
        "--tv",
        type=float,
        default=0.1,
        help="weight of the total variation (%(default)s)",
    )
    add(
        "--jitter",
        type=int,
        default=4,
        metavar="PIXELS",
        help="largest shift (%(default)s)",
    )
    add(
        "--blur-every",
        type=int,
        default=0,
        metavar="STEPS",
        help="steps between blurs; 0 for none (%(default)s)",
    )
    add(
        "--blur",
        type=float,
        default=0.5,
        metavar="PIXELS",
        help="sigma of the blur (%(default)s)",
    )
    add("--seed", type=int, default=0, help="seed of noise and jitter (%(default)s)")
    add_force(parser, "the grid")
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Maximise, write the grid, say where."""
    from jiqa.analysis.explain.explain_maps import maximise_maps
    from jiqa.analysis.explain.maximisation import Restraint
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder
    from jiqa.report.grids import save_grid
    from jiqa.report.overlays import as_bytes

    configure_jax(cache=not arguments.no_cache)
    path = Path(arguments.output)
    check_new(path, force=arguments.force, unfinished=False)
    make_folder(path)
    maps = read_chosen_maps(arguments)
    try:
        restraint = Restraint(
            parametrisation=arguments.parametrisation,
            l2=arguments.l2,
            total_variation=arguments.tv,
            jitter=arguments.jitter,
            blur_every=arguments.blur_every,
            blur=arguments.blur,
        )
        pictures = maximise_maps(
            maps,
            restraint=restraint,
            objective=arguments.objective,
            size=arguments.size,
            steps=arguments.steps,
            rate=arguments.rate,
            seed=arguments.seed,
            progress=progress,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    save_grid(path, [as_bytes(pictures[m]) for m in maps.maps], maps.names)
    count = len(maps.maps)
    print(f"{count} picture{'s' if count != 1 else ''} written to {path}")
    return 0

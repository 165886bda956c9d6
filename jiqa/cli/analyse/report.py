"""Report a study on one page: the selection, and what the selected maps respond to.

  jiqa analyse report study
  jiqa analyse report study --most 12 --broden ~/broden1_227

Reads the folder that jiqa analyse select wrote, and sample pairs from the data set;
writes a self-contained report.html into the same folder.
"""

from __future__ import annotations

import argparse
from typing import Any

from jiqa.cli.common.arguments import add_no_cache

HELP = "report a study of feature maps on one HTML page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("output", metavar="DIR", help="folder of jiqa analyse select")
    add("--data-dir", help="folder of prepared data sets (default: as in the study)")
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights",
    )
    add("--seed", type=int, default=0, help="seed of everything random (%(default)s)")
    add_picture_arguments(parser)
    add_no_cache(parser)


def add_picture_arguments(parser: Any) -> None:
    """Declare what decides the pictures of the page."""
    add = parser.add_argument
    add("--most", type=int, default=8, help="number of maps to show (%(default)s)")
    add(
        "--side",
        type=int,
        default=96,
        help="side of the images in pixels (%(default)s)",
    )
    add("--steps", type=int, default=96, help="steps of maximisation (%(default)s)")
    add(
        "--stride",
        type=int,
        default=8,
        help="stride of prediction difference (%(default)s)",
    )
    add("--samples", type=int, default=4, help="its samples per window (%(default)s)")
    add("--broden", metavar="DIR", help="data set of concepts (default: drawn images)")
    add(
        "--images",
        type=int,
        default=60,
        help="number of images with concepts (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from jiqa.cli.common.jax_setup import configure_jax

    configure_jax(cache=not arguments.no_cache)
    write_page(arguments.output, arguments)
    return 0


def write_page(folder: str, arguments: argparse.Namespace) -> None:
    """Write the page of a study, and say where.

    Raises:
        UsageError: a folder that is no study, or a data set that is not there.
    """
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import command
    from jiqa.errors import UsageError
    from jiqa.report.study_pictures import PictureSettings, report_study

    settings = PictureSettings(
        most=arguments.most,
        side=arguments.side,
        steps=arguments.steps,
        stride=arguments.stride,
        samples=arguments.samples,
        broden=arguments.broden,
        images=arguments.images,
        seed=arguments.seed,
    )
    try:
        path = report_study(
            folder,
            settings,
            data_dir=arguments.data_dir,
            weights_folder=arguments.weights,
            command=command(),
            progress=progress,
        )
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    print(f"report written to {path.resolve()}")

"""What the commands that make images share: their arguments, and the metrics."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.finished import add_force

if TYPE_CHECKING:
    from jiqa.core.bound_metric import BoundMetric

#: The file that is written last.
FINISHED = "scores.json"


def add_images(parser: Any, what: str) -> None:
    """Declare the image, its reference and the folder.

    Args:
        parser: of the command.
        what: what the image is.
    """
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help=what)
    add(
        "--reference",
        "-r",
        help="the reference, if IMAGE is a distorted image to start from",
    )
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")


def add_ascent(parser: Any, psnr: str) -> None:
    """Declare how images move.

    Args:
        parser: of the command.
        psnr: which images have the PSNR.
    """
    add = parser.add_argument
    add(
        "--psnr",
        type=float,
        metavar="DB",
        help=f"PSNR of {psnr} (default: that of the distorted image, else 30)",
    )
    add("--steps", type=int, default=100, help="steps for each image (%(default)s)")
    add(
        "--rate",
        type=float,
        default=0.1,
        help="length of the first step, in parts of the distance (%(default)s)",
    )


def add_rest(parser: Any) -> None:
    """Declare the options of the metrics and of files."""
    add = parser.add_argument
    add("--seed", type=int, default=0, help="seed of the noise (%(default)s)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="METRIC.OPTION=VALUE",
        help="an option of a metric; may be repeated",
    )
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights",
    )
    add_force(parser, "what an earlier run has found")
    add_background(parser)
    add_no_cache(parser)


def images_of(arguments: argparse.Namespace) -> list[str]:
    """The files in the order that the library takes them: a reference first."""
    return [*filter(None, [arguments.reference]), *arguments.images]


def chosen(arguments: argparse.Namespace, action: str, count: int) -> list[BoundMetric]:
    """Return the metrics that the first word names.

    Args:
        arguments: of the command line.
        action: of ``jiqa analyse``.
        count: how many metrics there have to be.

    Raises:
        UsageError: an unknown metric or option, or another number of metrics.
    """
    from jiqa.checks import expected
    from jiqa.cli.common.slips import check_words
    from jiqa.errors import UsageError
    from jiqa.scoring.choose_metrics import choose

    names = getattr(arguments, "metrics", None) or arguments.metric
    check_words(
        f"jiqa analyse {action}",
        names,
        arguments.images,
        arguments.reference,
        example="ssim" if count == 1 else "mse,ssim",
    )
    choices = choose(names, arguments.set, have_reference=True)
    if len(choices) != count:
        wanted = "one metric" if count == 1 else "two metrics, with a comma"
        raise UsageError(expected("metrics", wanted, names))
    return choices


def new_folder(arguments: argparse.Namespace) -> Path:
    """Return the folder to write.

    Raises:
        UsageError: an earlier run has finished in it, or it cannot be made.
    """
    from jiqa.cli.common.finished import check_new
    from jiqa.io.write_table import make_folder

    folder = Path(arguments.output)
    check_new(folder / FINISHED, force=arguments.force, unfinished=False)
    make_folder(folder / FINISHED)
    return folder


def say_found(
    folder: Path, page: Path, words: Sequence[str], remarks: Sequence[str]
) -> None:
    """Print what was found, what to know before believing it, and where it is."""
    for line in words:
        print(line)
    for line in remarks:
        print(line, file=sys.stderr)
    print(f"written to {folder}; the page is {page.resolve()}")

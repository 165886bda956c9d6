"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
from typing import Any


def add_scoring(parser: Any) -> None:
    """Declare what decides scores, and how they are computed."""
    add = parser.add_argument
    add(
        "--resume",
        action="store_true",
        help="continue an interrupted run with the same --output",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="METRIC.OPTION=VALUE",
        help="an option of a metric, such as ssim.downsample=auto; may be repeated",
    )
    add_background(parser)
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights (see jiqa weights)",
    )
    add(
        "--memory",
        metavar="SIZE",
        help="memory for one pair, such as 512MB: metrics that need more together "
        "take turns, and deep features that need more by themselves are "
        "computed in tiles, with the same scores (default: no limit)",
    )
    add("--x64", action="store_true", help="compute in double precision")
    add_no_cache(parser)


def add_cluster(parser: Any) -> None:
    """Declare which of several processes this is; see ``jax_setup.join_processes``."""
    add = parser.add_argument
    add(
        "--distributed",
        action="store_true",
        help="run as one of several processes; JAX finds the others on TPU pods, "
        "Slurm, "
        "Open MPI and Kubernetes, elsewhere give the next three options",
    )
    add("--coordinator", metavar="HOST:PORT", help="address of process 0")
    add("--process", type=int, metavar="I", help="number of this process, from 0")
    add("--processes", type=int, metavar="N", help="number of processes")


def add_background(parser: Any) -> None:
    """Declare what lies behind transparent pixels."""
    parser.add_argument(
        "--background",
        type=_grey,
        default=1.0,
        metavar="GREY",
        help="grey level in [0, 1] behind transparent pixels (default: 1, white)",
    )


def add_no_cache(parser: Any) -> None:
    """Declare whether compiled programs are kept."""
    parser.add_argument(
        "--no-cache", action="store_true", help="do not keep compiled programs on disk"
    )


def _grey(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected 0 to 1, got {text}")
    return value

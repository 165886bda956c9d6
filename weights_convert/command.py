"""Convert one published file of weights.

  python -m weights_convert resnet50 resnet50-0676ba61.pth weights/
  jiqa weights convert nima-mobilenet weights_mobilenet_aesthetic_0.07.hdf5

Exit code 0; 1 when the file does not convert (all that is wrong with it is printed).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from weights_convert.converting import convert


def add_arguments(parser: argparse.ArgumentParser, *, cache: bool = False) -> None:
    """Declare the arguments.

    Args:
        parser: to declare them on.
        cache: whether the destination may be left out, for the user's cache.
    """
    add = parser.add_argument
    add("name", metavar="NAME", help="a set of weights, see `jiqa weights list`")
    add("source", metavar="SRC", help="the published file")
    add(
        "destination",
        metavar="DST",
        nargs="?" if cache else None,
        help="file to write, or folder for NAME.safetensors"
        + (" (default: the user's cache)" if cache else ""),
    )
    add(
        "--layout",
        help="whose keys the file has: torchvision, timm, keras, matconvnet ... "
        "(default: what fits best)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert and say what was written."""
    from jiqa.weights import weights_cache

    try:
        done = convert(
            arguments.name,
            arguments.source,
            arguments.destination or weights_cache(),
            layout=arguments.layout,
        )
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    official = {
        True: "the owners' file",
        False: "not the owners' file as published",
        None: "jiqa does not know the SHA-256 of the owners' file",
    }
    print(f"{done.path}: {len(done.params)} arrays")
    print(f"from SHA-256 {done.source.sha256} ({official[done.official]})")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m weights_convert``.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m weights_convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))

"""Write distorted versions of images at several levels of strength.

  jiqa distort photos/ --set rankiqa_live --output ladder/
  jiqa distort photo.png --set dbcnn --kinds jpeg,contrast --levels 1-3 --output out/
  jiqa distort --list

photos/a/cat.jpg becomes ladder/a/cat/pristine.png, ladder/a/cat/jpeg/1.png and so on,
all with 8 bits, with a line for each in ladder/manifest.csv. Noise depends only on the
seed and on the names of the image, the kind and the level. Exit code 0; 1 when some
images failed (their lines say why); 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from jiqa.checks import expected
from jiqa.cli.common.arguments import add_background, add_no_cache
from jiqa.cli.common.parser import say

HELP = "write distorted versions of images at several levels"

#: The number of failures that are listed.
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("images", nargs="*", help="image files, folders or patterns")
    add("--set", help="set of distortions (see --list)")
    add("--kinds", help="comma-separated kinds of the set (default: all)")
    add("--levels", help="levels, such as 1-3 or 1,5 (default: all)")
    add("--output", "-o", help="folder to write")
    add("--seed", type=int, default=0, help="seed of the noise (%(default)s)")
    add("--format", default="png", help="png, bmp, tif or lossless webp (%(default)s)")
    add("--workers", type=int, help="threads that decode and write (default: CPUs)")
    add_background(parser)
    add(
        "--resume",
        action="store_true",
        help="continue an interrupted run with the same --output",
    )
    add(
        "--list",
        action="store_true",
        help="list the sets of distortions and their kinds",
    )
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the ladders and the manifest; see the module's docstring."""
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.distortions.ladders.folder import check_names, claim
    from jiqa.distortions.ladders.plan import Ladder
    from jiqa.distortions.ladders.write import write_ladders
    from jiqa.errors import UsageError
    from jiqa.version import __version__

    if arguments.list:
        _list()
        return 0
    _check(arguments)
    output = Path(arguments.output)
    try:
        ladder = Ladder(
            arguments.set,
            kinds=tuple(arguments.kinds.split(",")) if arguments.kinds else None,
            levels=parse_levels(arguments.levels) if arguments.levels else None,
            seed=arguments.seed,
            format=arguments.format,
        )
        sources = _sources(arguments.images, output)
        check_names(sources)
        settings = {
            "jiqa": __version__,
            "set": ladder.set,
            "seed": ladder.seed,
            "format": ladder.format,
            "background": arguments.background,
        }
        claim(output, settings, resume=arguments.resume)
    except ValueError as error:
        raise UsageError(str(error)) from None
    configure_jax(cache=not arguments.no_cache)
    steps = list(ladder.steps())
    count = len(sources) * len(steps)
    failures, done = {}, 0
    try:
        with progress("distorting", count) as advance:
            for image, error in write_ladders(
                ladder,
                sources,
                output,
                workers=arguments.workers,
                background=arguments.background,
            ):
                if error:
                    failures[image] = error
                done += not error
                for _ in range(len(steps) if image.step is None else 1):
                    advance()
    except KeyboardInterrupt:
        print(
            f"\ninterrupted: {done} of {count} images are in {output}; run the same "
            "command with --resume to continue",
            file=sys.stderr,
        )
        raise
    ladder.write_manifest(output / "manifest.csv", sources, failures)
    print(f"{done} images and manifest.csv written to {output}")
    if failures:
        print(f"{count - done} of {count} images are missing:", file=sys.stderr)
    for image, error in list(failures.items())[:_SHOWN]:
        named = image.step is not None  # an unreadable source names itself
        name = f"{ladder.file(sources[image.source], steps[image.step or 0])}: "
        print(f"  {name if named else ''}{error}", file=sys.stderr)
    if len(failures) > _SHOWN:
        print(f"  and {len(failures) - _SHOWN} more, in manifest.csv", file=sys.stderr)
    return 1 if failures else 0


def parse_levels(text: str) -> tuple[int, ...]:
    """Parse ``"1-3,5"`` to (1, 2, 3, 5).

    Raises:
        ValueError: anything else.
    """
    levels: set[int] = set()
    for part in text.split(","):
        ends = re.fullmatch(r"(\d+)(?:-(\d+))?", part, re.ASCII)
        span = ends and range(int(ends[1]), int(ends[2] or ends[1]) + 1)
        if not span:
            wanted = "levels such as 3, 1-5 or 1,3,5"
            raise ValueError(expected("--levels", wanted, text))
        levels.update(span)
    return tuple(sorted(levels))


def _check(arguments: argparse.Namespace) -> None:
    from jiqa.errors import UsageError

    if not arguments.output:
        raise UsageError("--output FOLDER is required")
    if not arguments.set:
        raise UsageError("--set NAME is required (jiqa distort --list shows the names)")
    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(expected("--workers", "1 or more", f"{arguments.workers}"))


def _sources(images: list[str], output: Path) -> list[Any]:
    """The photographs, without what an earlier run wrote among them."""
    from jiqa.distortions.ladders.plan import Source
    from jiqa.errors import UsageError
    from jiqa.scoring.jobs import expand

    written = output.resolve()
    found = [
        Source(path, relative)
        for path, relative in dict.fromkeys(expand(images, say))
        if written not in path.resolve().parents
    ]
    if not found:
        raise UsageError("expected images, got none")
    return found


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    from jiqa.distortions import all_sets
    from jiqa.distortions.registry import source

    console = Console(width=None if sys.stdout.isatty() else 160)
    for name, kinds in all_sets().items():
        table = Table("kind", "number", "levels", "strengths", "note", title=name)
        for kind in kinds.values():
            strengths = " ".join(json.dumps(p, default=str) for p in kind.levels)
            number = "" if kind.number is None else str(kind.number)
            count = str(len(kind.levels))
            table.add_row(kind.name, number, count, strengths, kind.note)
        table.caption = source(name)
        console.print(table)

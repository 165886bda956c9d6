"""Find, download, convert and verify learned parameters.

  jiqa weights list
  jiqa weights fetch vgg19 resnet50
  jiqa weights path alexnet
  jiqa weights verify
  jiqa weights convert vgg19 vgg19-dcbb9e9d.pth

Weights are searched in the folder named by --folder or JIQA_WEIGHTS, in the user's
cache, in jiqa and in installed packages. Exit code 0; 1 when something is missing or
wrong; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HELP = "find, download, convert and verify learned parameters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(
        name: str, text: str, folder: str = "folder to look in first"
    ) -> Callable[..., Any]:
        sub = actions.add_parser(name, help=text, description=text)
        if name == "convert":
            _convert_arguments(sub)
        else:
            sub.add_argument("--folder", help=folder)
        return sub.add_argument

    action("list", "list the sets of weights, and where they are")
    add = action("path", "print the path of a set")
    add("name", metavar="NAME", help="set of weights")
    add = action(
        "verify", "check that sets are complete, undamaged and the published ones"
    )
    add(
        "names",
        metavar="NAME",
        nargs="*",
        help="sets of weights (default: all that are here)",
    )
    add = action(
        "fetch",
        "download sets from their official addresses",
        "where to put them (default: the user's cache)",
    )
    add("names", metavar="NAME", nargs="+", help="sets of weights")
    add("--again", action="store_true", help="download sets that are already here, too")
    add("--keep", action="store_true", help="keep the published file, too")
    action("convert", "convert a published file that you have")


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from jiqa.errors import UsageError
    from jiqa.weights import get_set

    actions = {
        "list": _list,
        "path": _path,
        "verify": _verify,
        "fetch": _fetch,
        "convert": _convert,
    }
    name = getattr(arguments, "name", None)
    try:
        for one in [name] if name else getattr(arguments, "names", []):
            get_set(one)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        return actions[arguments.action](arguments)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1


def _list(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from jiqa.weights import WeightsNotFound, all_sets, find

    table = Table("name", "feeds", "found in", "licence", "official file")
    for name, wanted in all_sets().items():
        try:
            found = find(wanted, arguments.folder)
            found_in = found.carrier.package if found.carrier else found.origin
        except WeightsNotFound:
            found_in = "-"
        table.add_row(name, wanted.feeds, found_in, wanted.licence, wanted.address)
    # Redirected output has no width; 80 columns would cut the names.
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    return 0


def _path(arguments: argparse.Namespace) -> int:
    from jiqa.weights import find, get_set

    print(find(get_set(arguments.name), arguments.folder).path)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from jiqa.weights import all_sets, verify

    verdicts = [verify(n, arguments.folder) for n in arguments.names or all_sets()]
    if not arguments.names:
        verdicts = [v for v in verdicts if v.path]
    for verdict in verdicts:
        mark = "ok   " if verdict.sound else "WRONG"
        place = f" ({verdict.path})" if verdict.path else ""
        print(f"{mark} {verdict.name}: {verdict.text}{place}")
    return 0 if all(v.sound for v in verdicts) else 1


def _fetch(arguments: argparse.Namespace) -> int:
    from jiqa.cli.common.progress import download_bar
    from jiqa.weights import WeightsNotFound, fetch, find, get_set
    from jiqa.weights.safetensors_files import read_metadata

    if arguments.folder:
        Path(arguments.folder).mkdir(parents=True, exist_ok=True)
    failed = False
    for name in dict.fromkeys(arguments.names):
        wanted = get_set(name)
        if not arguments.again:
            with contextlib.suppress(WeightsNotFound):
                found = find(wanted, arguments.folder, whole=True)
                print(
                    f"{name} is already here: {found.path} (--again downloads it anew)"
                )
                continue
        try:
            with download_bar(wanted.published_file) as progress:
                path = fetch(
                    name, progress, folder=arguments.folder, keep=arguments.keep
                )
        except (OSError, ValueError, ModuleNotFoundError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
            continue
        sha256 = read_metadata(path)["sha256"]
        checked = wanted.digest or wanted.pointer
        note = "as published" if checked else "which is not published"
        print(f"{name}: {path}, from a file of SHA-256 {sha256}, {note}")
    return 1 if failed else 0


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="a set of weights, see `jiqa weights list`")
    add("source", metavar="SRC", help="the published file")
    add(
        "destination",
        metavar="DST",
        nargs="?",
        help="file to write, or folder for NAME.safetensors (default: the user's "
        "cache)",
    )
    add(
        "--layout",
        help="layout of the file: torchvision, timm, keras, matconvnet ... (default: "
        "the one that fits)",
    )


def _convert(arguments: argparse.Namespace) -> int:
    """Convert, and print what was written."""
    from jiqa.weights import convert
    from jiqa.weights.locate import destination

    try:
        done = convert(
            arguments.name,
            arguments.source,
            destination(arguments.destination),
            layout=arguments.layout,
        )
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    official = {
        True: "the published file",
        False: "not the published file",
        None: "jiqa does not know the SHA-256 of the published file",
    }
    print(f"{done.path}: {len(done.params)} arrays")
    print(f"from SHA-256 {done.source.sha256} ({official[done.official]})")
    return 0

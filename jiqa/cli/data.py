"""List, describe, prepare and show data sets.

  jiqa data list
  jiqa data info tid2013
  jiqa data prepare tid2013 --manual-dir ~/archives/tid2013
  jiqa data prepare biq2021
  jiqa data prepare table/mine --manual-dir ratings.csv --option direction=lower
  jiqa data show tid2013 --output sheet.png

A data set is prepared from its official archive, which you unpack first (archives that
anyone may download are downloaded), into the folder named by --data-dir or JIQA_DATA,
else into the user's cache. NAME/CONFIG selects one of several kinds of scores; without
CONFIG it is the first. For a table or a folder of yours, choose the name after the
slash.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from jiqa.checks import expected

HELP = "list, describe, prepare and show data sets"

#: Names shown of images that cannot be read.
_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        if name != "list":
            sub.add_argument(
                "name", metavar="NAME", help="data set, NAME or NAME/CONFIG"
            )
        sub.add_argument(
            "--data-dir",
            help="folder of prepared data sets (default: JIQA_DATA, or the user's "
            "cache)",
        )
        return sub

    action("list", "list the data sets, and which are prepared")
    action("info", "describe a data set, and how its archive has to be laid out")
    sub = action("prepare", "prepare a data set from its unpacked archive")
    sub.add_argument(
        "--manual-dir",
        metavar="DIR",
        help="folder of the unpacked archive, or your table",
    )
    sub.add_argument(
        "--workers",
        type=int,
        default=4,
        metavar="N",
        help="threads that read files, or processes that compute images (%(default)s)",
    )
    sub.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the data set (jiqa data info NAME lists them)",
    )
    sub.add_argument(
        "--beam",
        nargs="?",
        const="",
        metavar="FLAGS",
        help="prepare on Apache Beam, with its flags: --beam='--runner=...'",
    )
    sub = action("show", "draw a contact sheet from best to worst with the scores")
    sub.add_argument(
        "--output", "-o", default="sheet.png", help="PNG file to write (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from jiqa.errors import LayoutError, UsageError

    actions = {"list": _list, "info": _info, "prepare": _prepare, "show": _show}
    try:
        return actions[arguments.action](arguments)
    except LayoutError as error:
        # Several lines, which the parser's message would bury in usage.
        print(error, file=sys.stderr)
        return 2
    except ValueError as error:
        raise UsageError(str(error)) from None
    except (OSError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1


def _list(arguments: argparse.Namespace) -> int:
    from jiqa.cli.common.data_tables import print_list

    print_list(arguments.data_dir)
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from jiqa.cli.common.data_tables import print_info

    print_info(arguments.name, arguments.data_dir)
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from jiqa.cli.common.progress import download_bar, progress
    from jiqa.data.dataset import Dataset
    from jiqa.data.prepare import write as preparing
    from jiqa.data.store import archive_of, full_name, to_prepare
    from jiqa.data.user_tables.names import check_same
    from jiqa.io.cache import is_temporary

    if arguments.workers < 1:
        raise ValueError(expected("--workers", "at least 1", f"{arguments.workers}"))
    options = _options(arguments.option)
    beam = None if arguments.beam is None else shlex.split(arguments.beam)
    name, root, start = arguments.name, arguments.manual_dir, time.monotonic()
    made = to_prepare(name, root, arguments.data_dir, options)
    name = full_name(name, made)
    if preparing.is_prepared(made):
        if made.NAMED and root is not None:
            check_same(made, Path(root))
        print(f"{name} is already prepared in {made.data_dir}")
        return 0
    if is_temporary(Path(str(made.data_dir))):
        wanted = "a folder that can be written"
        got = "neither, and the user's cache is none"
        raise ValueError(expected("--data-dir or JIQA_DATA", wanted, got))
    with download_bar(f"downloading {name}") as arrived:
        archive = archive_of(made, root, arrived)
    contents = made.contents(archive)
    info = contents.info or made.INFO
    print(f"{info.title}: {preparing.found(info, contents)}")
    for note in contents.notes:
        print(f"note: {note}", file=sys.stderr)
    total = len(contents.records) + len(contents.references)
    with progress("preparing", total, starting="") as advance:
        preparing.write(
            made, archive, workers=arguments.workers, advance=advance, beam=beam
        )
    _report(Dataset(name, made), time.monotonic() - start)
    for folder in preparing.leftovers(made):
        print(
            "note: left behind by an interrupted preparation, unless one is running: "
            f"{folder}"
        )
    if made.NAMED:
        print(f"use it as --data {name}")
    return 0


def _options(given: list[str]) -> dict[str, str]:
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise ValueError(expected("--option", "KEY=VALUE", wrong[0]))
    return dict(text.split("=", 1) for text in given)


def _report(dataset: Any, seconds: float) -> None:
    """Print where it is, how large it is, and what in it cannot be read."""
    size = sum(file.stat().st_size for file in dataset.folder.iterdir())
    print(f"prepared in {dataset.folder}: {size / 1e6:,.1f} MB, {seconds:.1f} s")
    entries = [*dataset.entries(), *dataset.references.values()]
    problems = [e.problem for e in entries if e.problem]
    if problems:
        print(f"{len(problems)} images cannot be read and are marked as unreadable:")
        print(*(f"  {problem}" for problem in problems[:_SHOWN]), sep="\n")
        if len(problems) > _SHOWN:
            print(f"  and {len(problems) - _SHOWN} more")


def _show(arguments: argparse.Namespace) -> int:
    from jiqa.data.store import open_dataset
    from jiqa.io.atomic import replacing
    from jiqa.report.contact_sheet import contact_sheet

    output = Path(arguments.output)
    if output.suffix.lower() != ".png":
        raise ValueError(
            expected("--output", "a file name that ends in .png", f"{output}")
        )
    sheet = contact_sheet(open_dataset(arguments.name, arguments.data_dir))
    with replacing(output) as draft:
        sheet.save(draft, "PNG")
    print(f"{sheet.width}x{sheet.height} written to {output.resolve()}")
    return 0

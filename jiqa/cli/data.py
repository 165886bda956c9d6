"""List, describe, prepare and show data sets.

  jiqa data list
  jiqa data info tid2013
  jiqa data prepare tid2013 --manual-dir ~/archives/tid2013
  jiqa data show tid2013 --output sheet.png

A set is prepared from its official archive, unpacked by you, into the folder that
--data-dir or JIQA_DATA names, or the user's cache. NAME/CONFIG picks one of several
kinds of score, the first without CONFIG.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

HELP = "list, describe, prepare and show data sets"

#: Names shown of images that cannot be read.
_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        if name != "list":
            sub.add_argument("name", metavar="NAME", help="NAME or NAME/CONFIG")
        sub.add_argument(
            "--data-dir", help="prepared sets (default: JIQA_DATA, or the user's cache)"
        )
        return sub

    action("list", "which data sets there are, and which are prepared")
    action("info", "what a data set is, and how its archive has to lie")
    sub = action("prepare", "read an unpacked archive and keep it in one form")
    sub.add_argument("--manual-dir", required=True, help="the unpacked archive")
    sub.add_argument(
        "--workers",
        type=int,
        default=4,
        metavar="N",
        help="threads that read files ahead (%(default)s)",
    )
    sub = action("show", "draw images from best to worst with their scores")
    sub.add_argument(
        "--output", "-o", default="sheet.png", help="PNG to write (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from jiqa.data.folder import LayoutError
    from jiqa.data.store import split_name
    from jiqa.scoring.inputs import UsageError

    actions = {"list": _list, "info": _info, "prepare": _prepare, "show": _show}
    try:
        if arguments.action != "list":
            split_name(arguments.name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        return actions[arguments.action](arguments)
    except LayoutError as error:
        # Several lines, which the parser's own message would bury in usage.
        print(error, file=sys.stderr)
        return 2
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1


def _list(arguments: argparse.Namespace) -> int:
    from rich.table import Table

    from jiqa.data.preparing import is_prepared
    from jiqa.data.store import all_datasets, builder, list_datasets

    table = Table(
        "name", "data set", "kind", "images", "references", "scores", "prepared"
    )
    for name in list_datasets():
        info = all_datasets()[name.partition("/")[0]].INFO
        scale = info.scales.get(name.partition("/")[2])
        here = is_prepared(builder(name, arguments.data_dir))
        table.add_row(
            name,
            info.title,
            info.kind,
            "" if info.images is None else f"{info.images:,}",
            f"{info.references:,}" if info.references else "",
            _scale(scale) if scale else "",
            "yes" if here else "",
        )
    _console().print(table)
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from rich.table import Table

    from jiqa.data.preparing import is_prepared
    from jiqa.data.store import builder, open_dataset, split_name

    made = builder(arguments.name, arguments.data_dir)
    info, grid = split_name(arguments.name)[0].INFO, Table.grid(padding=(0, 2))
    facts = {
        "name": made.name,
        "data set": info.title,
        "kind": info.kind,
        "images": "any number" if info.images is None else f"{info.images:,}",
        "references": f"{info.references:,}" if info.references else "none",
        "distortions": ", ".join(info.distortions),
    }
    for config, scale in info.scales.items():
        note = f": {scale.note}" if scale.note else ""
        facts[f"scores {config}".strip()] = f"{_scale(scale)}{note}"
    facts |= {
        "citation": info.citation,
        "homepage": info.homepage,
        "licence": info.licence,
        "archive": info.layout,
        "prepared": "no",
    }
    if is_prepared(made):
        dataset = open_dataset(arguments.name, arguments.data_dir)
        splits = (f"{len(dataset.entries(s)):,} {s}" for s in dataset.splits)
        facts["prepared"] = f"{', '.join(splits)}, in {dataset.folder}"
        facts["notes"] = "\n".join(dataset.notes)
    for key, value in facts.items():
        if value:
            grid.add_row(f"[bold]{key}", _plain(value))
    _console().print(grid, highlight=False)
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from jiqa.cli._setup import progress
    from jiqa.data import preparing
    from jiqa.data.store import builder, open_dataset
    from jiqa.scoring.inputs import UsageError

    if arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers}: needed is at least 1")
    made, start = builder(arguments.name, arguments.data_dir), time.monotonic()
    if preparing.is_prepared(made):
        print(f"{arguments.name} is prepared already, in {made.data_dir}")
        return 0
    contents = made.contents(arguments.manual_dir)
    print(f"{made.INFO.title}: {preparing.found(made.INFO, contents)}")
    for note in contents.notes:
        print(f"note: {note}")
    total = len(contents.records) + len(contents.references)
    with progress("preparing", total, starting="") as advance:
        preparing.write(
            made, arguments.manual_dir, workers=arguments.workers, advance=advance
        )
    dataset = open_dataset(arguments.name, arguments.data_dir)
    problems = [
        e.problem
        for e in [*dataset.entries(), *dataset.references.values()]
        if e.problem
    ]
    size = sum(file.stat().st_size for file in dataset.folder.iterdir())
    print(
        f"prepared in {dataset.folder}: {size / 1e6:,.1f} MB, "
        f"{time.monotonic() - start:.1f} s"
    )
    if problems:
        print(f"{len(problems)} cannot be read, and are marked so:")
        print(*(f"  {problem}" for problem in problems[:_SHOWN]), sep="\n")
        if len(problems) > _SHOWN:
            print(f"  and {len(problems) - _SHOWN} more")
    for folder in preparing.leftovers(made):
        print(f"note: left by a preparation that was killed, unless one runs: {folder}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from jiqa.data.contact_sheet import contact_sheet
    from jiqa.data.store import open_dataset
    from jiqa.scoring.inputs import UsageError

    output = Path(arguments.output)
    if output.suffix.lower() != ".png":
        raise UsageError(f"--output {output}: needed is a name that ends in .png")
    sheet = contact_sheet(open_dataset(arguments.name, arguments.data_dir))
    output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(output, "PNG")
    print(f"{sheet.width}x{sheet.height} written to {output.resolve()}")
    return 0


def _scale(scale: Any) -> str:
    return f"{scale.name} {scale.low:g} to {scale.high:g}, {scale.direction} is better"


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _console() -> Any:
    from rich.console import Console

    # Redirected output has no width of its own; 80 columns would cut the names.
    return Console(width=None if sys.stdout.isatty() else 160)

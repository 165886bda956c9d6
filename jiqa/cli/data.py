"""List, describe, prepare and show data sets.

  jiqa data list
  jiqa data info tid2013
  jiqa data prepare tid2013 --manual-dir ~/archives/tid2013
  jiqa data prepare voc
  jiqa data prepare table/mine --manual-dir ~/ratings --option direction=lower
  jiqa data show tid2013 --output sheet.png

A set is prepared from its official archive, unpacked by you, into the folder that
--data-dir or JIQA_DATA names, or the user's cache; some sets are downloaded without
--manual-dir. NAME/CONFIG picks one of several kinds of score, the first without CONFIG;
of a table or a folder of your own it is the name that you give it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from jiqa.cli._data_prepare import add_prepare_arguments, prepare_set

HELP = "list, describe, prepare and show data sets"


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
    add_prepare_arguments(sub)
    sub = action("show", "draw images from best to worst with their scores")
    sub.add_argument(
        "--output", "-o", default="sheet.png", help="PNG to write (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from jiqa.data.folder import LayoutError
    from jiqa.data.store import split_name
    from jiqa.scoring.inputs import UsageError

    actions = {"list": _list, "info": _info, "prepare": prepare_set, "show": _show}
    try:
        if arguments.action != "list":
            split_name(arguments.name, arguments.data_dir)
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

    from jiqa.data.named import named_sets
    from jiqa.data.preparing import is_prepared
    from jiqa.data.store import (
        all_datasets,
        builder,
        default_data_dir,
        list_datasets,
        open_dataset,
    )

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
    folder = Path(arguments.data_dir or default_data_dir())
    for names in named_sets(all_datasets(), folder).values():
        for name in names:
            dataset = open_dataset(name, folder)
            info, scale = dataset.info, dataset.scale
            table.add_row(
                name,
                info.title,
                info.kind,
                f"{len(dataset.entries()):,}",
                f"{info.references:,}" if info.references else "",
                _scale(scale) if scale else "",
                "yes",
            )
    _console().print(table)
    return 0


def _info(arguments: argparse.Namespace) -> int:
    from rich.table import Table

    from jiqa.data.preparing import is_prepared
    from jiqa.data.store import builder, full_name, open_dataset

    made = builder(arguments.name, arguments.data_dir)
    dataset = None
    if is_prepared(made):
        dataset = open_dataset(arguments.name, arguments.data_dir)
    info, grid = dataset.info if dataset else made.INFO, Table.grid(padding=(0, 2))
    facts = {
        "name": full_name(made.name, made) if made.config else made.name,
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
        "options": "\n".join(f"{k}: {v}" for k, v in made.OPTIONS.items()),
        "prepared": "no",
    }
    if dataset:
        splits = (f"{len(dataset.entries(s)):,} {s}" for s in dataset.splits)
        facts["prepared"] = f"{', '.join(splits)}, in {dataset.folder}"
        facts["notes"] = "\n".join(dataset.notes)
    for key, value in facts.items():
        if value:
            grid.add_row(f"[bold]{key}", _plain(value))
    _console().print(grid, highlight=False)
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

"""What ``jiqa evaluate`` is asked for beside correlations, and how it is shown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.checks import expected

if TYPE_CHECKING:
    from jiqa.evaluation.extra_tests import Further, Wanted


def add_further_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("extra tests")
    add = group.add_argument
    add(
        "--splits",
        metavar="N",
        help="median and spread over the test parts (a fifth each) of N splits that "
        "share no reference; 'own': over the splits that the rows or data sets name",
    )
    add(
        "--waterloo",
        action="store_true",
        help="D-, L- and P-test, which need no subjective scores; references are "
        "scored "
        "as pristine images",
    )
    add(
        "--experts",
        default="ms_ssim,vif,gmsd",
        metavar="METRICS",
        help="metrics whose agreement the P-test relies on (%(default)s)",
    )
    add(
        "--margin",
        type=float,
        default=40.0,
        help="difference of a pair for each expert, on a scale of 100 (%(default)s)",
    )
    add(
        "--gmad",
        type=int,
        metavar="LEVELS",
        help="find pairs that one metric calls equal and another most different (gMAD)",
    )


def wanted_of(arguments: argparse.Namespace, mapping: Any) -> Wanted:
    """What the flags ask for.

    Raises:
        UsageError: a number that is none, or too small.
    """
    from jiqa.errors import UsageError
    from jiqa.evaluation.extra_tests import Wanted

    splits: Any = arguments.splits
    if splits is not None and splits != "own":
        if not splits.isdecimal() or int(splits) < 1:
            raise UsageError(expected("--splits", "a number from 1, or own", splits))
        splits = int(splits)
    if arguments.gmad is not None and arguments.gmad < 1:
        raise UsageError(expected("--gmad", "1 or more", f"{arguments.gmad}"))
    if not 0 <= arguments.margin < 100:
        raise UsageError(expected("--margin", "0 to below 100", f"{arguments.margin}"))
    return Wanted(
        splits=splits,
        waterloo=arguments.waterloo,
        experts=tuple(filter(None, arguments.experts.split(","))),
        margin=arguments.margin,
        gmad=arguments.gmad,
        seed=arguments.seed,
        mapping=mapping,
    )


def show_further(further: Further, folder: Path | None) -> None:
    """Print the tables; of gMAD's pairs only how many there are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)

    def show(title: str, heads: tuple[str, ...], lines: list[list[str]]) -> None:
        table = Table(*heads, title=escape(title), title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for line in lines:
            table.add_row(*map(escape, line))
        console.print(table)

    for place, lines in _by_place(further.protocol).items():
        lines.sort(
            key=lambda ln: -2 if ln["srcc"] is None else ln["srcc"], reverse=True
        )
        show(
            f"{place}: median ± deviation over {lines[0]['splits']} splits",
            ("metric", "SRCC", "KRCC", "PLCC", "test images", "failed"),
            [
                [
                    line["metric"],
                    *(_spread(line, name) for name in ("srcc", "krcc", "plcc")),
                    _figure(line["rows"], "{:g}"),
                    str(line["failed"]),
                ]
                for line in lines
            ],
        )
    for place, lines in _by_place(further.waterloo).items():
        show(
            f"{place}: tests without human scores",
            ("metric", "D", "L", "P", "images", "ladders", "pairs"),
            [
                [
                    line["metric"],
                    *(_figure(line[name], "{:.4f}") for name in "dlp"),
                    *(
                        _figure(line[name], "{:,}")
                        for name in ("images", "ladders", "pairs")
                    ),
                ]
                for line in lines
            ],
        )
    for text, metrics in _notes([*further.protocol, *further.waterloo]).items():
        console.print(f"{', '.join(metrics)}: {text}", markup=False, highlight=False)
    if further.gmad:
        where = f" in {folder / 'gmad.csv'}" if folder else ""
        print(f"{len(further.gmad)} gMAD pairs{where}")
    for note in further.notes:
        print(note)


def _by_place(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(f"{line['data']} {line['split']}".strip(), []).append(line)
    return found


def _notes(lines: list[dict[str, Any]]) -> dict[str, dict[str, None]]:
    notes: dict[str, dict[str, None]] = {}
    for line in lines:
        for text in filter(None, line["note"].split("; ")):
            notes.setdefault(text, {})[line["metric"]] = None
    return notes


def _spread(line: dict[str, Any], name: str) -> str:
    deviation = line[f"{name}_std"]
    more = "" if deviation is None else f" ± {deviation:.4f}"
    return _figure(line[name], "{:.4f}") + more


def _figure(value: Any, form: str) -> str:
    return "-" if value is None else form.format(value)

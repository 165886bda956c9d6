"""List the metrics, or describe one."""

from __future__ import annotations

import argparse
import inspect
import sys
from typing import Any

HELP = "list the metrics, or describe one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", nargs="?", help="a metric to describe")


def run(arguments: argparse.Namespace) -> int:
    """Print the list or the description."""
    from rich.console import Console

    from jiqa.errors import UsageError
    from jiqa.registry import get_metric

    # Redirected output has no width; 80 columns would cut the names.
    console = Console(width=None if sys.stdout.isatty() else 160)
    if arguments.name is None:
        _list(console)
        return 0
    try:
        metric = get_metric(arguments.name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    _describe(console, metric)
    return 0


def _list(console: Any) -> None:
    from rich.table import Table

    from jiqa.metrics import all_metrics
    from jiqa.registry import RECOMMENDED

    table = Table("name", "metric", "kind", "better", "range", "min side", "fidelity")
    for name, metric in all_metrics().items():
        info = metric.info
        table.add_row(
            name,
            info.title,
            info.kind,
            info.direction,
            format_range(info.range),
            str(info.min_side),
            info.fidelity,
        )
    console.print(table)
    for kind, names in RECOMMENDED.items():
        text = f"recommended, {kind}: {', '.join(names)}"
        console.print(text, highlight=False)


def _describe(console: Any, metric: Any) -> None:
    from rich.table import Table

    info = metric.info
    grid = Table.grid(padding=(0, 2))
    identity = "no fixed value" if info.identity is None else info.identity
    colour = {
        "luma": "RGB is reduced to luma",
        "rgb": "colour is used; grey counts as three equal channels",
        "channels": "every sample counts alike",
    }
    facts = {
        "name": info.name,
        "metric": info.title,
        "kind": info.kind,
        "better": info.direction,
        "range": format_range(info.range),
        "minimum side": f"{info.min_side} pixels ({info.min_side_of} side)",
        "colour": colour[info.colour],
        "fidelity": f"{info.fidelity}: {info.fidelity_note}",
        "citation": info.citation,
    }
    if not info.differentiable:
        facts["gradient"] = "none: it counts, so its gradient is 0"
    if info.weights:
        facts["weights"] = f"{', '.join(info.weights)} (jiqa weights list)"
    if info.kind == "full-reference":
        facts["identical images"] = str(identity)
        facts["symmetric"] = "yes" if info.symmetric else "no"
    for key, value in facts.items():
        grid.add_row(f"[bold]{key}", str(value))
    console.print(grid, highlight=False)
    console.print()
    console.print(inspect.getdoc(metric), highlight=False, markup=False)
    parameters = inspect.signature(metric.core).parameters.values()
    options = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if options:
        shown = ", ".join(f"{p.name}={p.default!r}" for p in options)
        console.print(f"\nOptions: {shown}", highlight=False, markup=False)


def format_range(bounds: tuple[float, float]) -> str:
    """Format a range: [0, 1], or [0, inf) where it has no end."""
    low, high = bounds
    left = "(-inf" if low == float("-inf") else f"[{low:g}"
    right = "inf)" if high == float("inf") else f"{high:g}]"
    return f"{left}, {right}"

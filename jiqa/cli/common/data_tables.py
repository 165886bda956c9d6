"""Tables that ``jiqa data list`` and ``jiqa data info`` print."""

from __future__ import annotations

import sys
from typing import Any


def print_list(data_dir: str | None) -> None:
    """Print the data sets, those of the user included, and which are prepared."""
    from rich.table import Table

    from jiqa.data.prepare.write import is_prepared
    from jiqa.data.sets import all_datasets
    from jiqa.data.store import builder, list_datasets, open_dataset
    from jiqa.data.user_tables.names import named_sets
    from jiqa.io.cache import data_folder

    table = Table(
        "name", "data set", "kind", "images", "references", "scores", "prepared"
    )
    datasets = all_datasets()
    for name in list_datasets():
        head, _, config = name.partition("/")
        scale = datasets[head].INFO.scales.get(config)
        own = datasets[head].NAMED
        here = not own and is_prepared(builder(name, data_dir))
        shown = f"{name}/NAME" if own else name
        table.add_row(*_row(shown, datasets[head].INFO, scale), "yes" if here else "")
    named = named_sets(datasets, data_folder(data_dir))
    for name in (name for names in named.values() for name in names):
        dataset = open_dataset(name, data_dir)
        table.add_row(*_row(name, dataset.info, dataset.scale), "yes")
    _console().print(table)


def print_info(name: str, data_dir: str | None) -> None:
    """Print what a data set is, its archive's layout, and whether it is prepared."""
    from rich.table import Table

    from jiqa.data.downloads import ARCHIVES
    from jiqa.data.prepare.write import is_prepared
    from jiqa.data.store import builder, full_name, open_dataset

    made = builder(name, data_dir)
    ready = is_prepared(made) and (bool(made.config) or not made.NAMED)
    dataset = open_dataset(name, data_dir) if ready else None
    info = dataset.info if dataset else made.INFO
    facts = {
        "name": full_name(name, made).rstrip("/"),
        "data set": info.title,
        "kind": info.kind,
        "images": "any number" if info.images is None else f"{info.images:,}",
        "references": f"{info.references:,}" if info.references else "",
        "distortions": ", ".join(info.distortions),
    }
    for config, scale in info.scales.items():
        note = f": {scale.note}" if scale.note else ""
        facts[f"scores {config}".strip()] = f"{scale_text(scale)}{note}"
    facts |= {
        "citation": info.citation,
        "homepage": info.homepage,
        "licence": info.licence,
        "archive": made.INFO.layout,
        "options": "\n".join(f"{k}: {v}" for k, v in made.OPTIONS.items()),
        "download": "without --manual-dir" if made.name in ARCHIVES else "",
        "prepared": "no",
    }
    if dataset:
        splits = (f"{len(dataset.entries(s)):,} {s}" for s in dataset.splits)
        facts["prepared"] = f"{', '.join(splits)}, in {dataset.folder}"
        facts["notes"] = "\n".join(dataset.notes)
    grid = Table.grid(padding=(0, 2))
    for key, value in facts.items():
        if value:
            grid.add_row(f"[bold]{key}", _plain(value))
    _console().print(grid, highlight=False)


def scale_text(scale: Any) -> str:
    """Format name, range and direction of the scores."""
    return f"{scale.name} {scale.low:g} to {scale.high:g}, {scale.direction} is better"


def _row(name: str, info: Any, scale: Any) -> list[str]:
    return [
        name,
        info.title,
        info.kind,
        "" if info.images is None else f"{info.images:,}",
        f"{info.references:,}" if info.references else "",
        scale_text(scale) if scale else "",
    ]


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _console() -> Any:
    from rich.console import Console

    # Redirected output has no width; 80 columns would cut the names.
    return Console(width=None if sys.stdout.isatty() else 160)

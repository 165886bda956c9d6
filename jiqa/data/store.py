"""Prepared data sets: made once, opened many times, read a record at a time."""

from __future__ import annotations

import difflib
import functools
import importlib
import os
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jiqa.data.builder import QualityDataset
from jiqa.data.dataset import Dataset, Records, StoredImage, matching
from jiqa.data.preparing import is_prepared, write
from jiqa.places import cache_folder

__all__ = [
    "Dataset",
    "Records",
    "StoredImage",
    "all_datasets",
    "builder",
    "default_data_dir",
    "list_datasets",
    "matching",
    "open_dataset",
    "prepare",
    "split_name",
]


@functools.cache
def all_datasets() -> Mapping[str, type[QualityDataset]]:
    """Every builder found in ``jiqa.data.sets``, by name, in alphabetical order."""
    package = importlib.import_module("jiqa.data.sets")
    found: dict[str, type[QualityDataset]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"jiqa.data.sets.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                if issubclass(value, QualityDataset):
                    found[value.name] = value
    return MappingProxyType(dict(sorted(found.items())))


def list_datasets() -> list[str]:
    """Names of the data sets; a set with several kinds of score once for each."""
    return [
        f"{name}/{config}" if config else name
        for name, dataset in all_datasets().items()
        for config in dataset.INFO.scales or [""]
    ]


def split_name(name: str) -> tuple[type[QualityDataset], str]:
    """A data set's builder and configuration from ``NAME`` or ``NAME/CONFIG``.

    Raises:
        ValueError: no such data set or configuration; names the closest.
    """
    head, _, config = name.partition("/")
    datasets = all_datasets()
    if head not in datasets:
        near = head.lower().replace("-", "_").replace(":", "_")
        close = difflib.get_close_matches(near, datasets, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"no data set {head!r}{hint} (jiqa data list lists all)")
    known = [c for c in datasets[head].INFO.scales if c]
    if config and config not in known:
        raise ValueError(
            f"{head} has no scores {config!r}; it has {', '.join(known) or 'one kind'}"
        )
    return datasets[head], config or (known[0] if known else "")


def default_data_dir() -> Path:
    """Where prepared sets are kept: ``JIQA_DATA``, or ``data`` in jiqa's cache."""
    named = os.environ.get("JIQA_DATA")
    return Path(named) if named else cache_folder() / "data"


def builder(name: str, data_dir: Path | str | None = None) -> QualityDataset:
    """The TFDS builder of ``NAME`` or ``NAME/CONFIG``.

    Raises:
        ValueError: no such data set.
    """
    found, config = split_name(name)
    kind: Any = found
    folder = str(data_dir or default_data_dir())
    # TFDS takes a configuration only where a builder has some.
    return kind(data_dir=folder, **({"config": config} if config else {}))


def prepare(
    name: str,
    manual_dir: Path | str,
    data_dir: Path | str | None = None,
    *,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> Dataset:
    """Read a data set's official archive and keep it in one form.

    Does nothing if it is prepared already. The result is written whole or not at all.

    Args:
        name: ``NAME`` or ``NAME/CONFIG``.
        manual_dir: the unpacked archive.
        data_dir: where to write; ``JIQA_DATA`` or jiqa's cache by default.
        workers: threads that read files ahead.
        advance: called after each record.

    Raises:
        ValueError: no such data set.
        jiqa.data.folder.LayoutError: what is missing, and where it was looked for.
    """
    made = builder(name, data_dir)
    if not is_prepared(made):
        write(made, manual_dir, workers=workers, advance=advance)
    return open_dataset(name, data_dir)


def open_dataset(name: str, data_dir: Path | str | None = None) -> Dataset:
    """Open a prepared data set.

    Raises:
        ValueError: no such data set.
        FileNotFoundError: it is not prepared; says how to.
    """
    made = builder(name, data_dir)
    if not is_prepared(made):
        raise FileNotFoundError(
            f"{name} is not prepared in {data_dir or default_data_dir()}: "
            f"jiqa data prepare {name} --manual-dir DIR, where DIR holds\n"
            f"{made.INFO.layout}"
        )
    return Dataset(name, made)

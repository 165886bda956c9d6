"""Prepared data sets: made once, opened many times, read a record at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jiqa.checks import unknown
from jiqa.data.builder import QualityDataset
from jiqa.data.dataset import Dataset, Records, StoredImage
from jiqa.data.prepare.write import is_prepared, write
from jiqa.data.sets import all_datasets
from jiqa.data.user_tables.names import check_name, check_same, default_name, named_sets
from jiqa.io.cache import data_folder
from jiqa.io.download import Progress

__all__ = [
    "Dataset",
    "Records",
    "StoredImage",
    "all_datasets",
    "archive_of",
    "builder",
    "full_name",
    "list_datasets",
    "open_dataset",
    "prepare",
    "split_name",
    "to_prepare",
]


def list_datasets() -> list[str]:
    """Names of the data sets; a set with several kinds of score once for each."""
    return [
        f"{name}/{config}" if config else name
        for name, dataset in all_datasets().items()
        for config in dataset.INFO.scales or [""]
    ]


def split_name(
    name: str, data_dir: Path | str | None = None
) -> tuple[type[QualityDataset], str]:
    """A data set's builder and configuration from ``NAME`` or ``NAME/CONFIG``.

    A set that the user has named (``table/mine``) goes by that name alone as well
    (``mine``) once it is prepared.

    Raises:
        ValueError: no such data set or configuration; names the closest.
    """
    head, _, config = name.partition("/")
    datasets = all_datasets()
    if head not in datasets:
        named = named_sets(datasets, data_folder(data_dir))
        if len(named.get(name, [])) > 1:
            raise ValueError(
                f"{name!r} is ambiguous: expected one of {', '.join(named[name])}"
            )
        if name in named:
            return split_name(named[name][0])
        hint = "jiqa data list lists them all"
        raise ValueError(unknown("data set", head, [*datasets, *named], hint))
    if datasets[head].NAMED:
        if config:
            check_name(head, config)
        return datasets[head], config
    known = [c for c in datasets[head].INFO.scales if c]
    if config and config not in known:
        raise ValueError(
            f"{head} has no scores {config!r} (scores: "
            f"{', '.join(known) or 'one kind only'})"
        )
    return datasets[head], config or (known[0] if known else "")


def builder(name: str, data_dir: Path | str | None = None) -> QualityDataset:
    """The TFDS builder of ``NAME`` or ``NAME/CONFIG``.

    Raises:
        ValueError: no such data set.
    """
    found, config = split_name(name, data_dir)
    kind: Any = found
    folder = str(data_folder(data_dir))
    # TFDS takes a configuration only where a builder has some.
    return kind(data_dir=folder, **({"config": config} if config else {}))


def prepare(
    name: str,
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    *,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
    beam: Sequence[str] | None = None,
    options: Mapping[str, str] | None = None,
    progress: Progress = lambda done, total: None,
) -> Dataset:
    """Read a data set's official archive and keep it in one form.

    Does nothing if it is prepared already. The result is written whole or not at all.

    Args:
        name: ``NAME`` or ``NAME/CONFIG``. A user table or folder gets the name after
            the slash; without one, that of its file or folder.
        manual_dir: the unpacked archive. Without it a set that may be had unasked is
            downloaded (``jiqa.data.downloads``).
        data_dir: where to write; ``JIQA_DATA`` or jiqa's cache by default.
        workers: threads that read files ahead, or processes that compute images.
        advance: called after each record.
        beam: flags for Apache Beam, which then does the work, see
            ``jiqa.data.prepare.beam``.
        options: those of the builder's ``OPTIONS``, for what no file says.
        progress: called for each block of a download.

    Raises:
        ValueError: no such data set or option; the set needs ``manual_dir``; or other
            files are prepared under the name already.
        jiqa.errors.LayoutError: what is missing, and where it was looked for.
        jiqa.io.download.DownloadError: the download failed.
        ModuleNotFoundError: Beam is wanted and not installed.
    """
    made = to_prepare(name, manual_dir, data_dir, options or {})
    if not is_prepared(made):
        archive = archive_of(made, manual_dir, progress)
        write(made, archive, workers=workers, advance=advance, beam=beam)
    elif made.NAMED and manual_dir is not None:
        check_same(made, Path(manual_dir))
    return Dataset(full_name(name, made), made)


def to_prepare(
    name: str,
    manual_dir: Path | str | None,
    data_dir: Path | str | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> QualityDataset:
    """The builder of a set that is to be prepared; arguments as ``prepare``'s.

    Raises:
        ValueError: no such data set or option.
    """
    found, config = split_name(name, data_dir)
    if found.NAMED and not config and manual_dir is not None:
        name = f"{name}/{default_name(Path(manual_dir))}"
    made = builder(name, data_dir)
    for key, value in options.items():
        if key not in made.OPTIONS:
            known = ", ".join(f"{k} ({v})" for k, v in made.OPTIONS.items())
            raise ValueError(
                f"{made.name} has no option {key!r} (options: {known or 'none'})"
            )
        made.options[key] = value
    return made


def archive_of(
    made: QualityDataset,
    manual_dir: Path | str | None,
    progress: Progress = lambda done, total: None,
) -> Path:
    """The folder to prepare a set from, downloaded if none is named.

    Raises:
        jiqa.data.downloads.NotDownloaded: it is fetched by hand; the message says where
            to get it.
        jiqa.io.download.DownloadError: the download failed.
    """
    if manual_dir is not None:
        return Path(manual_dir)
    from jiqa.data.downloads import fetch

    return fetch(made.name, progress=progress)


def full_name(name: str, made: QualityDataset) -> str:
    """The name of an opened set: as requested, or in full if the user named it."""
    return f"{made.name}/{made.config}" if made.NAMED else name


def open_dataset(name: str, data_dir: Path | str | None = None) -> Dataset:
    """Open a prepared data set.

    Raises:
        ValueError: no such data set.
        FileNotFoundError: it is not prepared; the message says how to prepare it.
    """
    made = builder(name, data_dir)
    folder = data_folder(data_dir)
    if made.NAMED and not made.config:
        named = named_sets({made.name: type(made)}, folder)
        raise FileNotFoundError(
            f"{name}: expected {name}/NAME, the name of a prepared set "
            f"(prepared: {', '.join(named) or 'none'})"
        )
    if not is_prepared(made):
        raise FileNotFoundError(
            f"{name} is not prepared in {folder}. Prepare it with "
            f"jiqa data prepare {name} --manual-dir DIR, where DIR holds\n"
            f"{made.INFO.layout}"
        )
    return Dataset(full_name(name, made), made)

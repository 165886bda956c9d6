"""Prepared data sets: made once, opened many times, read a record at a time."""

from __future__ import annotations

import difflib
import functools
import importlib
import os
import pkgutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jiqa.data.builder import QualityDataset
from jiqa.data.index import INDEX, Entry, read_index, write_index
from jiqa.data.schema import REFERENCES, Info, Scale
from jiqa.decode import Shape
from jiqa.places import cache_folder


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
    name: str, manual_dir: Path | str, data_dir: Path | str | None = None
) -> Dataset:
    """Read a data set's official archive and keep it in one form.

    Does nothing if it is prepared already. The result is written whole or not at all.

    Args:
        name: ``NAME`` or ``NAME/CONFIG``.
        manual_dir: the unpacked archive.
        data_dir: where to write; ``JIQA_DATA`` or jiqa's cache by default.

    Raises:
        ValueError: no such data set.
        jiqa.data.folder.LayoutError: what is missing, and where it was looked for.
    """
    import tensorflow_datasets as tfds

    made = builder(name, data_dir)
    folder = Path(str(made.data_dir))
    if not (folder / INDEX).is_file():
        made.read(Path(manual_dir))  # says what is missing before anything is written
        made.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=str(manual_dir))
        )
        write_index(made, folder)
    return open_dataset(name, data_dir)


def open_dataset(name: str, data_dir: Path | str | None = None) -> Dataset:
    """Open a prepared data set.

    Raises:
        ValueError: no such data set.
        FileNotFoundError: it is not prepared; says how to.
    """
    made = builder(name, data_dir)
    folder = Path(str(made.data_dir))
    if not (folder / INDEX).is_file():
        raise FileNotFoundError(
            f"{name} is not prepared in {data_dir or default_data_dir()}: "
            f"jiqa data prepare {name} --manual-dir DIR, where DIR holds\n"
            f"{made.INFO.layout}"
        )
    return Dataset(name, made)


@dataclass(frozen=True)
class StoredImage:
    """One image of a prepared set; read when it is asked for.

    Attributes:
        dataset: the set's name.
        split: its split.
        position: its place in the split.
        name: what the set calls it.
        shape: its size and type once decoded, ``None`` if it cannot be decoded.
        records: the split's records, shared.
    """

    dataset: str
    split: str
    position: int
    name: str
    shape: Shape | None
    records: Records

    def read_bytes(self) -> bytes:
        """The image file as it was in the archive."""
        return self.records.read(self.position)["image"]

    def __str__(self) -> str:
        """The set's own name of the image."""
        return self.name

    def __hash__(self) -> int:
        """By what identifies it."""
        return hash((self.dataset, self.split, self.position))

    def __eq__(self, other: object) -> bool:
        """By what identifies it."""
        return isinstance(other, StoredImage) and (
            (self.dataset, self.split, self.position)
            == (other.dataset, other.split, other.position)
        )


class Records:
    """The records of one split, any of them at a time, from any thread."""

    def __init__(self, made: Any, split: str) -> None:
        """Open ``split`` of a prepared builder."""
        import tensorflow_datasets as tfds

        decode: Any = tfds.decode
        self.source = made.as_data_source(
            split, decoders={"image": decode.SkipDecoding()}
        )
        self._lock = threading.Lock()

    def read(self, position: int) -> dict[str, Any]:
        """One record, the image undecoded."""
        with self._lock:
            return self.source[position]


class Dataset:
    """A prepared data set: its facts, its index, its images."""

    def __init__(self, name: str, made: QualityDataset) -> None:
        """Open what ``made`` has written."""
        self.name, self._made = name, made
        self.folder = Path(str(made.data_dir))
        self._entries = read_index(self.folder)
        self._records: dict[str, Records] = {}

    @property
    def info(self) -> Info:
        """What its authors say of it."""
        return self._made.INFO

    @property
    def scale(self) -> Scale | None:
        """What its scores are; ``None`` if it has none."""
        return self.info.scales.get(self._made.config)

    @property
    def splits(self) -> list[str]:
        """The splits of rated or distorted images, without the references."""
        return [
            s for s in dict.fromkeys(e.split for e in self._entries) if s != REFERENCES
        ]

    def entries(self, split: str = "") -> list[Entry]:
        """What is known of the images of a split, of all but the references if empty.

        Raises:
            ValueError: no such split.
        """
        if split and split not in [*self.splits, REFERENCES]:
            raise ValueError(
                f"{self.name} has no split {split!r}; it has {', '.join(self.splits)}"
            )
        wanted = [split] if split else self.splits
        return [e for e in self._entries if e.split in wanted]

    @functools.cached_property
    def references(self) -> dict[str, Entry]:
        """The references by key."""
        return {e.name: e for e in self._entries if e.split == REFERENCES}

    def records(self, split: str) -> Records:
        """The records of one split."""
        if split not in self._records:
            self._records[split] = Records(self._made, split)
        return self._records[split]

    def image(self, entry: Entry) -> StoredImage:
        """The image of an entry."""
        return StoredImage(
            self.name,
            entry.split,
            entry.position,
            entry.name,
            entry.shape,
            self.records(entry.split),
        )

    def reference(self, entry: Entry) -> StoredImage | None:
        """The image that an entry's image is to be compared with."""
        if not entry.reference:
            return None
        return self.image(self.references[entry.reference])


def matching(entries: Sequence[Entry], **wanted: Any) -> list[Entry]:
    """The entries whose fields have the values asked for."""
    return [e for e in entries if all(getattr(e, k) == v for k, v in wanted.items())]

"""A prepared data set: its facts, its table, its images one at a time."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiqa.data.builder import QualityDataset
from jiqa.data.facts import Facts
from jiqa.data.index import Entry, read_facts, read_index
from jiqa.data.schema import REFERENCES, Info, Scale
from jiqa.io.decode import Shape


@dataclass(frozen=True)
class StoredImage:
    """One image of a prepared set; read when it is asked for.

    Attributes:
        dataset: the set's name.
        split: its split.
        position: its index in the split.
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
        """The name of the image in the set."""
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
    """The records of one split, any of them at a time, from any thread or process.

    Threads read side by side: the file's reader keeps no place in it. Only its opening
    is one thread's.
    """

    def __init__(self, made: QualityDataset, split: str) -> None:
        """Point at ``split`` of a prepared builder; opened when first read."""
        self._made, self._split = made, split
        self._lock = threading.Lock()

    @functools.cached_property
    def source(self) -> Any:
        """TFDS's data source, images undecoded."""
        import tensorflow_datasets as tfds

        decode: Any = tfds.decode
        made: Any = self._made
        return made.as_data_source(
            self._split, decoders={"image": decode.SkipDecoding()}
        )

    def read(self, position: int) -> dict[str, Any]:
        """One record, the image undecoded."""
        with self._lock:
            source = self.source
        return source[position]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the files itself."""
        return Records, (self._made, self._split)


class Dataset:
    """A prepared data set: its facts, its index, its images."""

    def __init__(self, name: str, made: QualityDataset) -> None:
        """Open what ``made`` has written."""
        self.name, self._made = name, made
        self.folder = Path(str(made.data_dir))
        self._entries, self.notes = read_index(self.folder)
        self.facts: Facts = read_facts(self.folder)
        self._records: dict[str, Records] = {}

    @property
    def info(self) -> Info:
        """Its description by its authors, or by its files where there is no other."""
        return self.facts.info or self._made.INFO

    @property
    def scale(self) -> Scale | None:
        """What its scores are; ``None`` if it has none."""
        scales = self.info.scales
        return scales.get(self._made.config, scales.get(""))

    @property
    def splits(self) -> list[str]:
        """The splits of rated or distorted images, without the references."""
        return [
            s for s in dict.fromkeys(e.split for e in self._entries) if s != REFERENCES
        ]

    def entries(self, split: str = "") -> list[Entry]:
        """The entries of the images of a split; of all but the references if empty.

        Raises:
            ValueError: no such split.
        """
        if split and split not in [*self.splits, REFERENCES]:
            raise ValueError(
                f"{self.name} has no split {split!r} (splits: {', '.join(self.splits)})"
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

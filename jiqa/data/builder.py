"""The TFDS builder behind every data set: files found, records written."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from jiqa.data.index import Entry, examine
from jiqa.data.schema import IMAGES, REFERENCES, Contents, Info, Record
from jiqa.errors import LayoutError
from jiqa.io.cache import expanded
from jiqa.io.read_ahead import in_order

#: ``level`` of an image whose strength of distortion is not known.
UNKNOWN_LEVEL = -1


class QualityDataset(tfds.core.GeneratorBasedBuilder):
    """A data set of image quality; a subclass describes it and finds its files.

    A subclass sets ``INFO`` and ``VERSION`` and writes ``read``. Its name in
    lower-case with underscores is the data set's, and its module's.

    Images are stored as the files' own bytes, undecoded; references once, in the
    split ``references``; the others in the official splits, or in ``images``. Records
    keep the order of ``read``.

    Attributes:
        root: the unpacked archive; TFDS's folder for manual downloads if ``None``.
        options: the user's options, for what no file says.
        workers: threads that read files ahead while records are written, or processes
            that compute them.
        collection: what makes a Beam transform of a split, where Beam does that.
        advance: called after each record.
        entries: the rows of the index, once the records are written.
    """

    INFO: ClassVar[Info]
    #: Whether the configurations are names that the user gives (a user table).
    NAMED: ClassVar[bool] = False
    #: Whether images are computed while the set is prepared, not only read.
    COMPUTED: ClassVar[bool] = False
    #: What ``options`` may hold, and what each means.
    OPTIONS: ClassVar[Mapping[str, str]] = {}
    VERSION: ClassVar[Any] = tfds.core.Version("1.0.0")
    # Not the public table of builders: two packages may both have a ``Csiq``.
    SKIP_REGISTRATION: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive what TFDS asks for from ``INFO``."""
        cls.MANUAL_DOWNLOAD_INSTRUCTIONS = cls.INFO.layout
        if "" not in cls.INFO.scales and cls.INFO.scales:
            cls.BUILDER_CONFIGS = [
                tfds.core.BuilderConfig(name=name, description=scale.note or name)
                for name, scale in cls.INFO.scales.items()
            ]
        super().__init_subclass__(skip_registration=True, **kwargs)

    def __init__(self, **kwargs: Any) -> None:
        """Write array_record, the format that needs no TensorFlow."""
        super().__init__(**{"file_format": "array_record", **kwargs})
        self.root: Path | None = None
        self.options: dict[str, Any] = {}
        self.workers = 1
        self.collection: Callable[[QualityDataset, str, int], Any] | None = None
        self.advance: Callable[[], None] = lambda: None
        self.entries: list[Entry] = []
        self._found: tuple[Path, Contents] | None = None

    def read(self, root: Path) -> Contents:
        """Find the files of the official layout under ``root``.

        Raises:
            jiqa.errors.LayoutError: what is missing, and where it was looked for.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define how it is read")

    def contents(self, root: Path | str) -> Contents:
        """As ``read``, which is asked once: a large set has many files to look up.

        Raises:
            jiqa.errors.LayoutError: as ``read``, or there is no image at all.
        """
        root = expanded(root)
        if self._found is None or self._found[0] != root:
            found = self.read(root)
            if not found.records and not found.references:
                raise LayoutError(
                    f"{root}: the labels of {self.INFO.title} name no images"
                )
            self._found = root, found
        return self._found[1]

    @classmethod
    def get_builder_config(cls, name: str, version: Any = None) -> Any:
        """A configuration by name; any name where the user gives them."""
        if cls.NAMED:
            return tfds.core.BuilderConfig(name=name)
        return super().get_builder_config(name, version)

    @property
    def config(self) -> str:
        """The configuration's name; empty for a set with one kind of score."""
        return self.builder_config.name if self.builder_config else ""

    def _info(self) -> tfds.core.DatasetInfo:
        text, number = tfds.features.Text(), tfds.features.Scalar(np.float32)
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.INFO.title,
            citation=self.INFO.citation,
            homepage=self.INFO.homepage,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, None)),
                    "reference": text,
                    "score": number,
                    "deviation": number,
                    "histogram": tfds.features.Sequence(np.float32),
                    "distortion": text,
                    "level": np.int32,
                    "name": text,
                }
            ),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        self.entries.clear()
        contents = self.contents(self.root or dl_manager.manual_dir)
        return {
            name: self._generate_examples(name, records)
            for name, records in by_split(contents).items()
        }

    def _generate_examples(self, split: str, records: Sequence[Record]) -> Any:
        if self.collection is not None:
            return self.collection(self, split, len(records))
        return self._examples(split, records)

    def _examples(
        self, split: str, records: Sequence[Record]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        processes = self.COMPUTED and self.workers > 1
        ahead = read_ahead(split, records, self.workers, processes=processes)
        for record, data, entry in ahead:
            self.entries.append(entry)
            yield entry.position, example(record, data)
            self.advance()

    # TFDS prints these two however it is asked to be quiet.
    def _log_download_bytes(self) -> None:
        pass

    def _log_download_done(self) -> None:
        pass


def by_split(contents: Contents) -> dict[str, list[Record]]:
    """The records by split, references in a split of their own."""
    splits: dict[str, list[Record]] = defaultdict(list)
    for record in contents.records:
        splits[record.split or IMAGES].append(record)
    for key, image in contents.references.items():
        splits[REFERENCES].append(Record(image, name=key, level=0))
    return dict(splits)


def read_ahead(
    split: str, records: Sequence[Record], workers: int, *, processes: bool = False
) -> Iterator[tuple[Record, bytes, Entry]]:
    """Records with their files' bytes and rows, in order, a few files ahead."""
    numbered = ((record, split, place) for place, record in enumerate(records))
    done = in_order(_examine, numbered, workers, processes=processes)
    for record, (data, entry) in zip(records, done, strict=True):
        yield record, data, entry


def _examine(item: tuple[Record, str, int]) -> tuple[bytes, Entry]:
    return examine(*item)


def example(record: Record, data: bytes) -> dict[str, Any]:
    """A record as TFDS stores it; what is not known is NaN, empty or -1."""
    return {
        "image": io.BytesIO(data),
        "reference": record.reference or "",
        "score": float("nan") if record.score is None else record.score,
        "deviation": float("nan") if record.deviation is None else record.deviation,
        "histogram": list(record.histogram),
        "distortion": record.distortion,
        "level": UNKNOWN_LEVEL if record.level is None else record.level,
        "name": record.name,
    }

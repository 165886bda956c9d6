"""A prepared set's table: everything about its images but the pixels."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jiqa.decode import DecodeError, Shape, peek
from jiqa.encoded import Encoded

#: The table's file, written last: a folder without it is not prepared.
INDEX = "index.parquet"


@dataclass(frozen=True)
class Entry:
    """One image of a prepared set, without its pixels.

    Attributes:
        split: the split that holds it.
        position: its place in the split.
        name: what the set calls it.
        reference: its reference's key, empty without one.
        score: subjective score, ``None`` if it was not rated.
        deviation: standard deviation, or ``None``.
        distortion: type of distortion, empty if there is none.
        level: strength, 0 for an undistorted image, ``None`` if unknown.
        height: rows, ``None`` if the file cannot be read.
        width: columns, likewise.
        channels: 1 or 3, likewise.
        dtype: sample type, likewise.
        digest: SHA-256 of the file.
        problem: why it cannot be read, or empty.
    """

    split: str
    position: int
    name: str
    reference: str
    score: float | None
    deviation: float | None
    distortion: str
    level: int | None
    height: int | None
    width: int | None
    channels: int | None
    dtype: str | None
    digest: str
    problem: str

    @property
    def shape(self) -> Shape | None:
        """Size and type once decoded; ``None`` if it cannot be."""
        if self.height is None or self.width is None or self.channels is None:
            return None
        return Shape(self.height, self.width, self.channels, self.dtype or "uint8")


def write_index(made: Any, folder: Path) -> None:
    """Write the table of a builder that has just been prepared."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [asdict(entry) for split in made.info.splits for entry in _scan(made, split)]
    draft = folder / f".{INDEX}.{os.getpid()}"
    pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), draft)
    draft.replace(folder / INDEX)


def read_index(folder: Path) -> list[Entry]:
    """The entries of a prepared set, in the order of its splits."""
    import pyarrow.parquet as pq

    return [Entry(**row) for row in pq.read_table(folder / INDEX).to_pylist()]


def _scan(made: Any, split: str) -> Iterator[Entry]:
    import hashlib

    import tensorflow_datasets as tfds

    decode: Any = tfds.decode
    source = made.as_data_source(split, decoders={"image": decode.SkipDecoding()})
    for position in range(len(source)):
        record = source[position]
        name, data = record["name"].decode(), record["image"]
        shape, problem = None, ""
        try:
            shape = peek(Encoded(name, data))
        except DecodeError as error:
            problem = str(error)
        score, deviation = float(record["score"]), float(record["deviation"])
        level = int(record["level"])
        yield Entry(
            split=split,
            position=position,
            name=name,
            reference=record["reference"].decode(),
            score=None if math.isnan(score) else score,
            deviation=None if math.isnan(deviation) else deviation,
            distortion=record["distortion"].decode(),
            level=None if level < 0 else level,
            height=shape.height if shape else None,
            width=shape.width if shape else None,
            channels=shape.channels if shape else None,
            dtype=shape.dtype if shape else None,
            digest=hashlib.sha256(data).hexdigest(),
            problem=problem,
        )


def _schema() -> Any:
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    types = {
        "split": text,
        "position": whole,
        "name": text,
        "reference": text,
        "score": real,
        "deviation": real,
        "distortion": text,
        "level": whole,
        "height": whole,
        "width": whole,
        "channels": whole,
        "dtype": text,
        "digest": text,
        "problem": text,
    }
    return pa.schema(list(types.items()))

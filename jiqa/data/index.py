"""A prepared set's table: everything about its images but the pixels.

It keeps scores as the label files give them; the records beside it, which TFDS writes
for anyone, hold them in single precision.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jiqa.data.facts import Facts, facts_from_json
from jiqa.data.schema import Record
from jiqa.io.decode import DecodeError, Shape, peek
from jiqa.io.sources import Encoded

#: The table's file, written last: a folder without it is not prepared.
INDEX = "index.parquet"


@dataclass(frozen=True)
class Entry:
    """One image of a prepared set, without its pixels.

    Attributes:
        split: the split that holds it.
        position: its index in the split.
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
        problem: why it cannot be read, or empty. Headers are looked at, not pixels.
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

    @property
    def hidden_reference(self) -> bool:
        """Whether it is a reference that was shown for rating among the others."""
        return self.level == 0 and bool(self.reference)


def examine(record: Record, split: str, position: int) -> tuple[bytes, Entry]:
    """Read a record's file: its bytes and its row of the table.

    A file that cannot be read is no error: the row records it, the bytes may be empty.
    """
    data, shape, problem = b"", None, ""
    file = record.image.name if isinstance(record.image, Path) else str(record.image)
    try:
        data = record.image.read_bytes()
        shape = peek(Encoded(file, data))
    except OSError as error:
        problem = f"{file}: {error.strerror or error}"
    except DecodeError as error:
        problem = str(error)
    return data, Entry(
        split=split,
        position=position,
        name=record.name,
        reference=record.reference or "",
        score=record.score,
        deviation=record.deviation,
        distortion=record.distortion,
        level=record.level,
        height=shape.height if shape else None,
        width=shape.width if shape else None,
        channels=shape.channels if shape else None,
        dtype=shape.dtype if shape else None,
        digest=hashlib.sha256(data).hexdigest(),
        problem=problem,
    )


def write_index(
    entries: Sequence[Entry],
    notes: Sequence[str],
    folder: Path,
    facts: Facts | None = None,
) -> None:
    """Write the table beside the records, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema().with_metadata(
        {"notes": json.dumps(list(notes)), "facts": (facts or Facts()).to_json()}
    )
    table = pa.Table.from_pylist([asdict(entry) for entry in entries], schema=schema)
    draft = folder / f".{INDEX}.{os.getpid()}"
    pq.write_table(table, draft)
    draft.replace(folder / INDEX)


def read_index(folder: Path) -> tuple[list[Entry], list[str]]:
    """The entries of a prepared set, as they were written, and its notes."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / INDEX)
    notes = json.loads((table.schema.metadata or {}).get(b"notes", b"[]"))
    return [Entry(**row) for row in table.to_pylist()], notes


def read_facts(folder: Path) -> Facts:
    """What a prepared set keeps that its builder does not say."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(folder / INDEX).metadata or {}
    return facts_from_json(metadata.get(b"facts", b"").decode())


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

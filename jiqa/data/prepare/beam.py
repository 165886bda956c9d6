"""Preparing a data set on Apache Beam, an extra: ``pip install 'jiqa[beam]'``.

Each worker reads the labels itself and then only its share of the images, so nothing
but numbers travels in the pipeline. The archive has to lie under one path for all
workers, and so has the folder that is written to.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jiqa.data.builder import QualityDataset, by_split, example
from jiqa.data.index import Entry, examine
from jiqa.data.schema import Contents
from jiqa.io.sources import Encoded

#: Images in one unit of work.
CHUNK = 64


def pipeline_options(flags: Sequence[str]) -> Any:
    """Beam's options.

    Args:
        flags: Beam's own, such as ``["--runner=DirectRunner",
            "--direct_num_workers=4"]``; its direct runner if there are none.

    Raises:
        ModuleNotFoundError: Beam is not installed; the message says how to install it.
    """
    try:
        from apache_beam.options.pipeline_options import (  # pyright: ignore
            PipelineOptions,
        )
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Apache Beam is not installed ({error}): pip install 'jiqa[beam]'"
        ) from error
    # An empty list would make Beam read this program's own arguments.
    return PipelineOptions(list(flags) or ["--runner=DirectRunner"])


def collection(made: QualityDataset, split: str, count: int) -> Any:
    """The records of a split as a Beam transform of ``(position, example)``.

    Args:
        made: the builder, its ``root`` set.
        split: the split.
        count: its number of records.
    """
    import apache_beam as beam  # pyright: ignore[reportMissingImports]

    share = functools.partial(
        examples_between,
        kind=type(made),
        config=made.config,
        options=tuple(sorted(made.options.items())),
        root=str(Path(str(made.root)).resolve()),
        split=split,
    )
    chunks = [(n, min(n + CHUNK, count)) for n in range(0, count, CHUNK)]
    return (
        f"Chunks of {split}" >> beam.Create(chunks)
        | f"Spread {split}" >> beam.Reshuffle()
        | f"Read {split}" >> beam.FlatMap(share)
    )


def entries(made: Any, contents: Contents) -> list[Entry]:
    """The rows of the index, from the records that Beam has written."""
    import tensorflow_datasets as tfds

    decode: Any = tfds.decode
    rows = []
    for split, records in by_split(contents).items():
        source = made.as_data_source(split, decoders={"image": decode.SkipDecoding()})
        for place, record in enumerate(records):
            written = Encoded(record.name, source[place]["image"])
            rows.append(examine(replace(record, image=written), split, place)[1])
    return rows


def examples_between(
    chunk: tuple[int, int],
    *,
    kind: type[QualityDataset],
    config: str,
    options: tuple[tuple[str, str], ...],
    root: str,
    split: str,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The examples of one unit of work, on whichever machine it runs.

    Args:
        chunk: first record and the one after the last.
        kind: the data set.
        config: its configuration.
        options: the user's options.
        root: the unpacked archive.
        split: the split.
    """
    records = _records(kind, config, options, root)[split]
    for position in range(*chunk):
        record = records[position]
        yield position, example(record, examine(record, split, position)[0])


@functools.lru_cache(maxsize=2)
def _records(
    kind: type[QualityDataset],
    config: str,
    options: tuple[tuple[str, str], ...],
    root: str,
) -> dict[str, Any]:
    """Everything that ``kind`` reads, once a process."""
    import tempfile

    make: Any = kind
    # Reading writes nothing, but a builder wants a folder.
    named = {"config": config} if config else {}
    made: QualityDataset = make(data_dir=tempfile.gettempdir(), **named)
    made.options = dict(options)
    return by_split(made.read(Path(root)))

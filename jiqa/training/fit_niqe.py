"""NIQE's model fitted to a folder of photographs, as a run's folder.

* ``config.json``, ``run.json``: settings, digest of the photographs, versions
* ``images.csv``: a row a photograph: how many of its blocks count, or what is wrong
* ``model.safetensors``: with the first two, a metric
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from jiqa import weights
from jiqa.data.splits import select
from jiqa.data.store import split_name
from jiqa.io.atomic import write_json
from jiqa.io.decode import SUFFIXES, DecodeError, read_image
from jiqa.io.read_ahead import in_order
from jiqa.io.sources import Encoded, Source
from jiqa.io.write_table import write_rows
from jiqa.models.niqe import INFO, Config, arrays_of
from jiqa.models.parts.niqe_fit import Blocks, Pristine, pristine_of, sharp_blocks
from jiqa.progress import Progress, silent
from jiqa.training.config import FILE
from jiqa.training.run_metric import FACTS, WEIGHTS

#: A row a photograph.
IMAGES = "images.csv"

_COLUMNS: tuple[str, ...] = ("image", "width", "height", "blocks", "error")
_THREADS = 4


@dataclass(frozen=True)
class Fitted:
    """What was found.

    Attributes:
        pristine: the model.
        rows: what ``images.csv`` holds.
    """

    pristine: Pristine
    rows: list[dict[str, Any]]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the photographs that were left out."""
        return tuple(row["image"] for row in self.rows if row["error"])


def fit(
    data: str,
    folder: Path | str,
    config: Config | None = None,
    *,
    data_dir: Path | str | None = None,
    progress: Progress = silent,
) -> Fitted:
    """Fit NIQE's model, and write the folder that ``run:FOLDER`` scores with.

    A photograph that cannot be read, or is too small, is a row that says so.

    Args:
        data: a folder of photographs, searched to any depth, or ``NAME[:SPLIT]`` of a
            prepared set, of which only the references count if it has some.
        folder: of the run.
        config: the settings; the paper's by default.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        progress: makes a progress bar.

    Raises:
        ValueError: neither a folder nor a set, no photographs, too few of them, or a
            folder that holds a run already.
        FileNotFoundError: the set is not prepared; says how to.
    """
    config, folder = config or Config(), Path(folder)
    if (folder / FACTS).exists():
        raise ValueError(f"{folder} already holds a run: choose another folder")
    found = photographs(data, data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot write the run into this folder: {error.strerror}"
        ) from None
    rows, blocks, digest = [], [], hashlib.sha256()
    with progress("fitting", len(found), 0) as advance:
        for row, own, sha256 in _looked_at(found, config):
            rows.append(row)
            digest.update(f"{row['image']} {sha256}\n".encode())
            if own is not None:
                blocks.append(own)
            advance()
    write_rows(folder / IMAGES, _COLUMNS, rows)
    pristine = pristine_of(blocks, flat=config.flat, luma=config.luma)
    _write_run(folder, data, config, Fitted(pristine, rows), digest.hexdigest())
    return Fitted(pristine, rows)


def photographs(
    data: str, data_dir: Path | str | None
) -> Sequence[tuple[str, Path | Source]]:
    """Names and files of a folder's photographs, or of a set's; see ``fit``."""
    root = Path(data).expanduser()
    try:
        split_name(data.partition(":")[0], data_dir)
    except ValueError as error:
        if not root.is_dir():
            raise ValueError(f"{error}; there is no folder {data} either") from None
        paths = (p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
        found = [(p.relative_to(root).as_posix(), p) for p in sorted(paths)]
        if not found:
            endings = ", ".join(sorted(SUFFIXES))
            raise ValueError(
                f"no photographs in {data} (looked for {endings})"
            ) from None
        return found
    dataset, entries = select(data, data_dir)
    keys = dict.fromkeys(e.reference for e in entries if e.reference)
    chosen = [dataset.references[key] for key in keys] if keys else entries
    return [(e.name, dataset.image(e)) for e in chosen]


def _looked_at(
    found: Sequence[tuple[str, Path | Source]], config: Config
) -> Iterator[tuple[dict[str, Any], Blocks | None, str]]:
    """The row of each photograph, its blocks unless it failed, and its digest."""
    options = dataclasses.asdict(config)
    for name, pixels, sha256, error in in_order(_decoded, found, _THREADS):
        row: dict[str, Any] = {**dict.fromkeys(_COLUMNS, ""), "image": name}
        row["error"] = error
        blocks = None
        if pixels is not None:
            row |= {"width": pixels.shape[1], "height": pixels.shape[0]}
            try:
                blocks = sharp_blocks(pixels, **options)
                row["blocks"] = len(blocks.values)
            except ValueError as problem:
                row["error"] = str(problem)
        yield row, blocks, sha256


def _decoded(
    item: tuple[str, Path | Source],
) -> tuple[str, np.ndarray | None, str, str]:
    name, source = item
    try:
        data = source.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        return name, read_image(Encoded(name, data)), sha256, ""
    except DecodeError as error:
        return name, None, "", str(error)
    except Exception as error:  # readers of records raise types of their own
        return name, None, "", f"{name}: cannot be read: {error}"


def _write_run(
    folder: Path, data: str, config: Config, fitted: Fitted, fingerprint: str
) -> None:
    pristine = fitted.pristine
    settings = {
        "model": INFO.name,
        "data": data,
        "stage": "photographs",
        "model_config": dataclasses.asdict(config),
    }
    source = {"spec": data, "images": pristine.images, "fingerprint": fingerprint}
    facts = {
        "data": {"training": {**source, "failed": len(fitted.failed)}},
        "blocks": pristine.blocks,
        "score": {"factor": 1.0, "summand": 0.0, "mapped": False, "scale": None},
        "versions": {name: version(name) for name in ("jiqa", "jax", "numpy")},
        "python": platform.python_version(),
    }
    write_json(folder / FILE, settings)
    write_json(folder / FACTS, facts)
    weights.write(
        folder / WEIGHTS,
        arrays_of(pristine),
        source=(
            f"niqe, fitted by jiqa to {pristine.blocks} sharp blocks of "
            f"{pristine.images} photographs of {data}"
        ),
        licence="its owner's, as far as the photographs allow",
        sha256=hashlib.sha256((folder / FILE).read_bytes()).hexdigest(),
    )

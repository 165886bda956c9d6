"""A model fitted to photographs in one pass, as a run's folder.

* ``config.json``, ``run.json``: settings, digest of the photographs, versions
* ``images.csv``: a row a photograph: its digest, what the model says of it, or what
  is wrong (``jiqa.data.learned_images`` reads it)
* ``model.safetensors``: with the first two, a metric
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.data.learned_images import FILE as IMAGES
from jiqa.data.splits import select
from jiqa.data.store import split_name
from jiqa.io.cache import expanded
from jiqa.io.decode import SUFFIXES, DecodeError, read_image
from jiqa.io.read_ahead import in_order
from jiqa.io.sources import Encoded, Source
from jiqa.io.walk import walk_images
from jiqa.io.write_table import write_rows
from jiqa.models.registry import get_model
from jiqa.progress import Progress, silent
from jiqa.training.config import TrainingConfig
from jiqa.training.run_folder import (
    claim,
    look_for_run,
    make_folder,
    where_computed,
    write_arrays,
)
from jiqa.training.score_scale import Affine
from jiqa.training.trained import Trained

_THREADS = 4

Row = dict[str, Any]

_log = logging.getLogger(__name__)


def fit_photographs(
    config: TrainingConfig,
    folder: Path | str,
    *,
    resume: bool = False,
    data_dir: Path | str | None = None,
    progress: Progress = silent,
) -> Trained:
    """Fit a model that has ``fit``, and write the folder that ``run:FOLDER`` is.

    A photograph that cannot be read, or is too small, is a row that says so.

    Args:
        config: the settings; ``data`` is a folder of photographs, searched to any
            depth, or ``NAME[:SPLIT]`` of a prepared set, of which only the references
            count if it has some.
        folder: of the run.
        resume: fit again where a run with the same settings and data is.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        progress: makes a progress bar.

    Raises:
        ValueError: no photographs, too few of use, a run in the folder, or several
            processes.
    """
    folder, model = Path(folder), get_model(config.model)
    options = model.options(config.stage, config.model_config)
    config = dataclasses.replace(config, model_config=dataclasses.asdict(options))
    if model.fit is None:
        raise ValueError(f"expected a model that is fitted, got {config.model}")
    if jax.process_count() > 1:
        raise ValueError(f"{config.model} is fitted by one process: run one")
    look_for_run(folder, config, resume=resume)
    found = photographs(config.data, data_dir)
    make_folder(folder)
    rows, every, digest = [], [], hashlib.sha256()
    measure = functools.partial(model.statistics, options)
    with progress("fitting", len(found), 0) as advance:
        for row, statistics, sha256 in _looked_at(found, measure):
            rows.append(row)
            named = f"{row['image']} {sha256}\n"
            digest.update(named.encode("utf-8", "surrogateescape"))
            if not row["error"]:
                every.append(statistics)
            advance()
    _write_rows(folder / IMAGES, rows)
    variables, figures = model.fit(options, every)
    failed = tuple(row["image"] for row in rows if row["error"])
    source = {"spec": config.data, "images": len(every)}
    source |= {"fingerprint": digest.hexdigest(), "failed": len(failed)}
    facts = {
        "data": {"training": source},
        **figures,
        "score": {**dataclasses.asdict(Affine()), "mapped": False, "scale": None},
        **where_computed(),
    }
    claim(folder, config, facts, resume=resume)
    counts = ", ".join(f"{value:g} {name}" for name, value in figures.items())
    write_arrays(
        folder,
        variables,
        source=(
            f"{config.model}, fitted by jiqa to {len(every)} photographs of "
            f"{config.data} ({counts})"
        ),
        licence="its owner's, as far as the photographs allow",
    )
    return Trained(
        folder=folder, figures={"images": len(every), **figures}, unread=failed
    )


def photographs(
    data: str, data_dir: Path | str | None
) -> Sequence[tuple[str, Path | Source]]:
    """Return names and files of a folder's photographs, or of a data set's.

    Args:
        data: see ``fit_photographs``.
        data_dir: where prepared sets are.

    Raises:
        ValueError: neither a set nor a folder with photographs.
    """
    root = expanded(data)
    try:
        split_name(data.partition(":")[0], data_dir)
    except ValueError as error:
        if not root.is_dir():
            raise ValueError(f"{error}; there is no folder {data} either") from None
        walk = walk_images(root)
        if walk.passed_over:
            _log.warning("%s", walk.note())
        found = [(p.relative_to(root).as_posix(), p) for p in walk.files]
        if not found:
            endings = ", ".join(sorted(SUFFIXES))
            raise ValueError(
                f"there are no photographs in {data} (looked for {endings})"
            ) from None
        return found
    dataset, entries = select(data, data_dir)
    keys = dict.fromkeys(e.reference for e in entries if e.reference)
    chosen = [dataset.references[key] for key in keys] if keys else entries
    return [(e.name, dataset.image(e)) for e in chosen]


def _looked_at(
    found: Sequence[tuple[str, Path | Source]], measure: Callable[..., Any]
) -> Iterator[tuple[Row, Any, str]]:
    """Return each photograph's row, digest, and statistics unless it failed."""
    for name, pixels, sha256, error in in_order(_decoded, found, _THREADS):
        row: Row = {"image": name, "sha256": sha256, "error": error}
        statistics = None
        if pixels is not None:
            row |= {"width": pixels.shape[1], "height": pixels.shape[0]}
            try:
                statistics, figures = measure(pixels)
                row |= figures
            except ValueError as problem:
                row["error"] = str(problem)
        yield row, statistics, sha256


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
    except Exception as error:  # readers of records raise various types
        return name, None, "", f"{name}: cannot be read: {error}"


def _write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV: the model's facts about an image, then its error."""
    first = ("image", "sha256", "width", "height")
    more = dict.fromkeys(k for row in rows for k in row if k not in (*first, "error"))
    write_rows(path, (*first, *more, "error"), rows)

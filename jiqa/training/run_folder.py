"""A run's folder: settings are written first, the model whenever it is better.

* ``config.json``: the settings (``jiqa.training.config``)
* ``run.json``: versions, devices, digests of data and first arrays, the scale
* ``images.csv``: the images that it learns from, and those that it is validated on
* ``checkpoints/``: the last and the best
* ``log.jsonl``: a line for each update and validation; ``tensorboard/``, ``curves.png``
* ``predictions.csv``: what the best arrays say of the images that they have not seen
* ``divisions.json``, ``divisions/``: of a small set, see ``jiqa.training.divisions``
* ``model.safetensors``: the best arrays so far; with the first two, a metric
"""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa import weights
from jiqa.data.learned_images import (
    TRAINING,
    VALIDATION,
    ImageFacts,
    facts_of_images,
    images_before,
)
from jiqa.distributed import barrier
from jiqa.io.atomic import write_text
from jiqa.io.digest import sha256_of_file
from jiqa.io.json_files import read_json, write_json
from jiqa.models.model import Variables
from jiqa.training.config import FILE, OF_RUNS, TrainingConfig, read_config
from jiqa.training.initial_weights import InitialWeights
from jiqa.training.run_data import Source
from jiqa.training.run_metric import FACTS, WEIGHTS
from jiqa.training.setup import Setup
from jiqa.weights.run_sets import RUN

_PACKAGES = ("jiqa", "jax", "jaxlib", "numpy", "optax", "orbax-checkpoint", "grain")

#: The folder of the checkpoints.
CHECKPOINTS = "checkpoints"

#: The folder of trainings without a part of the images, until all are finished.
DIVISIONS = "divisions"

#: What must be the same when a run goes on, beside its settings.
_DECISIVE = ("data", "start", "score")


def claim(
    folder: Path, config: TrainingConfig, facts: dict[str, Any], *, resume: bool
) -> dict[str, Any]:
    """Write down what decides a run, or check that it is unchanged.

    Args:
        folder: of the run.
        config: its settings.
        facts: see ``facts_of``.
        resume: whether to go on with what is there.

    Returns:
        The facts in ``run.json``.

    Raises:
        ValueError: a run is there and ``resume`` is not asked for, or it was begun
            with other settings, data or arrays.
    """
    there = look_for_run(folder, config, resume=resume)
    barrier("looked for a run")  # before the first process writes one
    if there:
        before = read_json(folder / FACTS)
        _need_same(
            folder,
            (
                f"{k} {before.get(k)}, not {facts.get(k)}"
                for k in _DECISIVE
                if before.get(k) != facts.get(k)
            ),
        )
        return before
    if jax.process_index() == 0:
        make_folder(folder)
        write_text(folder / FILE, config.to_json())
        write_json(folder / FACTS, facts)
    return facts


def look_for_run(folder: Path, config: TrainingConfig, *, resume: bool) -> bool:
    """Return whether a run with these settings was begun in a folder.

    Raises:
        ValueError: one was, and ``resume`` is not asked for or its settings differ.
    """
    if not is_begun(folder):
        return False
    if not resume:
        raise ValueError(
            f"{folder} already holds a run: add --resume to continue it, or choose "
            "another folder"
        )
    # Other arrays and data follow from other settings: these say it shorter.
    _need_same(folder, read_config(folder).differences(config))
    return True


def is_begun(folder: Path) -> bool:
    """Return whether a folder holds a run with something to continue from.

    Before the first checkpoint there is nothing: such a run may begin anew, with other
    settings, too.
    """
    saved = any(path.name.isdigit() for path in (folder / CHECKPOINTS).glob("*"))
    saved |= any(map(is_begun, (folder / DIVISIONS).glob("*")))
    return (saved or (folder / WEIGHTS).is_file()) and (folder / FACTS).is_file()


def decided_before(
    config: TrainingConfig, folder: Path, *, resume: bool
) -> TrainingConfig:
    """Return the settings with what a run that goes on has decided by itself.

    Raises:
        ValueError: the record of the run cannot be read.
    """
    if not (resume and is_begun(folder)):
        return config
    before = read_config(folder)
    return dataclasses.replace(
        config,
        frozen=before.frozen if config.frozen is None else config.frozen,
        accumulation=config.accumulation or before.accumulation,
        divisions=before.divisions if config.divisions is None else config.divisions,
    )


def _need_same(folder: Path, changes: Iterable[str]) -> None:
    if found := "; ".join(changes):
        raise ValueError(
            f"{folder} was started with {found}: use the same settings, or choose "
            "another folder"
        )


def make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        ValueError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot write the run into this folder: {error.strerror}"
        ) from None


def facts_of(setup: Setup, begun: InitialWeights) -> dict[str, Any]:
    """Return the facts that decide a run beside its settings, and where it is computed.

    Args:
        setup: of the run.
        begun: its first arrays.
    """
    config, stage, sources = setup.config, setup.stage, setup.sources
    scale = sources.training.dataset.scale if setup.stage.on_data_scale else None
    unmapped = stage.on_data_scale and not stage.predicts_scores
    facts = {
        "data": {
            "training": _source(sources.training),
            "validation": _source(sources.validation),
            **({"test": _source(sources.test)} if sources.test else {}),
        },
        "start": {
            "weights": config.weights,
            "source": begun.source,
            "licence": begun.licence,
            "sha256": begun.sha256,
        },
        # What a score of the model is: on which scale, and how it is got from it.
        "score": {
            **dataclasses.asdict(setup.affine(sources.training)),
            "mapped": config.scores == "mapped" and not unmapped,
            "scale": dataclasses.asdict(scale) if scale else None,
        },
        **where_computed(),
    }
    return json.loads(json.dumps(facts))


def images_of(setup: Setup) -> list[ImageFacts]:
    """Return the images that a run, or one that it goes on from, learns from."""
    sources = setup.sources
    parts = setup.config.weights.split(",")
    runs = [p for p in parts if p.startswith(OF_RUNS)]
    return [
        *(
            image
            for source, part in (
                (sources.training, TRAINING),
                (sources.validation, VALIDATION),
            )
            for image in facts_of_images(source.dataset, source.entries, part)
        ),
        *images_before(RUN + name.partition(":")[2] for name in runs),
    ]


def where_computed() -> dict[str, Any]:
    """Return versions and devices, as ``run.json`` has them."""
    return {
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "devices": [str(d) for d in jax.devices()],
        "processes": jax.process_count(),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "spec": source.spec,
        "images": len(source.entries),
        "fingerprint": source.fingerprint,
    }


def write_model(
    folder: Path,
    config: TrainingConfig,
    facts: Mapping[str, Any],
    variables: Variables,
    step: int,
) -> None:
    """Write the arrays of an update; see ``write_arrays``."""
    trained_on = facts["data"]["training"]["spec"]
    write_arrays(
        folder,
        variables,
        source=(
            f"{config.model}, trained by jiqa on {trained_on}, update {step}; begun "
            f"with: {facts['start']['source']}"
        ),
        licence=(
            f"its owner's, as far as the data allow; begun with: "
            f"{facts['start']['licence']}"
        ),
    )


def write_arrays(
    folder: Path, variables: Variables, *, source: str, licence: str
) -> None:
    """Write the arrays that make the run a metric, all or none.

    Args:
        folder: of the run, with its settings.
        variables: the arrays.
        source: where they come from, in words.
        licence: under which they may be used.
    """
    flat = {**variables.params, **variables.state}
    weights.write(
        folder / WEIGHTS,
        {k: np.asarray(v) for k, v in flat.items()},
        source=source,
        licence=licence,
        sha256=sha256_of_file(folder / FILE),
    )

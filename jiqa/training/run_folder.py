"""A run's folder: what decides it is written first, the model whenever it is better.

* ``config.json``: the settings (``jiqa.training.config``)
* ``run.json``: versions, devices, digests of data and first arrays, the scale
* ``checkpoints/``: the last and the best
* ``log.jsonl``: a line for each update and validation; ``tensorboard/``, ``curves.png``
* ``model.safetensors``: the best arrays so far; with the first two, a metric
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa import weights
from jiqa.distributed import barrier
from jiqa.io.atomic import write_json, write_text
from jiqa.models.model import Variables
from jiqa.training.config import FILE, TrainingConfig, read_config
from jiqa.training.initial_weights import InitialWeights
from jiqa.training.log import FILE as LOG
from jiqa.training.run_data import Source
from jiqa.training.run_metric import FACTS, WEIGHTS
from jiqa.training.setup import Setup

_PACKAGES = ("jiqa", "jax", "jaxlib", "numpy", "optax", "orbax-checkpoint", "grain")

#: What must be the same when a run goes on, beside its settings.
_DECISIVE = ("data", "start", "score")


def claim(
    folder: Path, setup: Setup, begun: InitialWeights, *, resume: bool
) -> dict[str, Any]:
    """Write down what decides a run, or check that it is as it was.

    Args:
        folder: of the run.
        setup: its settings, model and images.
        begun: its first arrays.
        resume: whether to go on with what is there.

    Returns:
        The facts in ``run.json``.

    Raises:
        ValueError: a run is there and ``resume`` is not asked for, or it was begun
            with other settings, data or arrays.
    """
    config, facts = setup.config, _facts(setup, begun)
    # Without a log it never began: what stopped it may have been a wrong setting.
    there = any((folder / name).is_file() for name in (LOG, WEIGHTS))
    there = there and (folder / FACTS).is_file()
    barrier("looked for a run")  # before the first process writes one
    if there:
        if not resume:
            raise ValueError(
                f"{folder} already holds a run: add --resume to continue it, or choose "
                "another folder"
            )
        before = json.loads((folder / FACTS).read_text("utf-8"))
        # Other arrays and data follow from other settings: these say it shorter.
        changes = read_config(folder).differences(config) or [
            f"{k} {before.get(k)}, not {facts[k]}"
            for k in _DECISIVE
            if before.get(k) != facts[k]
        ]
        if changes:
            raise ValueError(
                f"{folder} was started with {'; '.join(changes)}: use the same "
                "settings, or choose another folder"
            )
        return before
    if jax.process_index() == 0:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"{folder}: cannot write the run into this folder: {error.strerror}"
            ) from None
        write_text(folder / FILE, config.to_json())
        write_json(folder / FACTS, facts)
    return facts


def _facts(setup: Setup, begun: InitialWeights) -> dict[str, Any]:
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
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "devices": [str(d) for d in jax.devices()],
        "processes": jax.process_count(),
    }
    return json.loads(json.dumps(facts))


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
    """Write the arrays that make the run a metric, whole or not at all."""
    flat = {**variables.params, **variables.state}
    trained_on = facts["data"]["training"]["spec"]
    weights.write(
        folder / WEIGHTS,
        {k: np.asarray(v) for k, v in flat.items()},
        source=(
            f"{config.model}, trained by jiqa on {trained_on}, update {step}; begun "
            f"with: {facts['start']['source']}"
        ),
        licence=(
            f"its owner's, as far as the data allow; begun with: "
            f"{facts['start']['licence']}"
        ),
        sha256=hashlib.sha256((folder / FILE).read_bytes()).hexdigest(),
    )

"""Common code of the training recipes: a head on kept features, tested on a split."""

from __future__ import annotations

import functools
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from jiqa.cli.common.allocator import keep_memory
from jiqa.cli.common.progress import progress
from jiqa.data.splits import select
from jiqa.evaluation import evaluate
from jiqa.io.write_table import write_rows
from jiqa.models.model import Model, Variables
from jiqa.training import train_config
from jiqa.training.config import TrainingConfig, read_config
from jiqa.training.frozen_features import keep_features
from jiqa.training.run_data import Source
from jiqa.training.run_metric import open_run
from jiqa.training.setup import Setup
from jiqa.weights.safetensors_files import read

RESULTS = Path(__file__).parents[1] / "results"


def frozen(**settings: Any) -> TrainingConfig:
    """Settings of a run that trains a head on a backbone that stays as it is."""
    given = {
        "frozen": True,
        "optimiser": "adamw",
        "schedule": "cosine",
        "head_rate": 1e-3,
        "batch_size": 32,
        "epochs": 60,
        **settings,
    }
    return TrainingConfig(**given)


def tested(config: TrainingConfig, test: str) -> dict[str, Any]:
    """Train, then predict a split: its size, SRCC, PLCC and the update that was best.

    The folder of the run is removed; features of the backbone stay in jiqa's cache.
    """
    keep_memory()  # as jiqa train does
    folder = Path(tempfile.mkdtemp(prefix="jiqa-train-"))
    try:
        finished = train_config(config, folder, progress=progress)
        table = predicted(folder, test)
    finally:
        shutil.rmtree(folder)
    found = evaluate(
        table, directions={"run": "higher"}, score_direction={"": "higher"}, resamples=0
    ).summary[0]
    return {
        "images": len(table),
        "best_update": finished.best,
        "srcc": round(found["srcc"], 4),
        "plcc": round(found["plcc"], 4),
    }


def predicted(folder: Path, spec: str) -> list[dict[str, Any]]:
    """Rows of a run's scores of a split, from its kept features."""
    run = open_run(folder)
    arrays = read(folder / "model.safetensors")[0]
    variables = Variables(
        {k: arrays[k] for k in run.params}, {k: arrays[k] for k in run.state}
    )
    assert isinstance(run.model, Model), "a run of a network"
    dataset, entries = select(spec)
    sound = [e for e in entries if e.shape is not None and e.score is not None]
    setup = Setup(config=read_config(folder), model=run.model, options=run.options)
    kept = keep_features(
        setup, Source(spec, dataset, sound), variables, progress=progress
    )
    head = jax.jit(functools.partial(run.model.head, run.options))
    outputs, _ = head(variables, kept[:])
    return [
        {"image": e.name, "metric": "run", "value": float(value), "score": e.score}
        for e, value in zip(sound, np.asarray(outputs["score"]), strict=True)
    ]


def written(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """A table as CSV."""
    write_rows(path, list(rows[0]), rows)


def show_medians(rows: Sequence[dict[str, Any]], key: str, what: str) -> None:
    """Print the medians of SRCC and PLCC of the rows that are alike in ``key``."""
    for kind in dict.fromkeys(row[key] for row in rows):
        own = [row for row in rows if row[key] == kind]
        figures = {
            k: round(statistics.median(r[k] for r in own), 4) for k in ("srcc", "plcc")
        }
        Console().print(f"{kind}: median of {len(own)} {what} {figures}")

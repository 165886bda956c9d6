"""Small sets: every part is held out once, and all parts together decide.

A tenth of sixty images is two references, and a correlation on them is chance. So the
set is divided by reference into parts; each part is predicted by a training on all
others. All predictions are judged together, with an interval from resampled references,
and say after which share of the updates the training on all images stops.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.evaluation.statistics.bootstrap import draw_clusters, percentile_interval
from jiqa.io.json_files import read_json, write_json
from jiqa.training.config import TrainingConfig
from jiqa.training.log import Line, read_log
from jiqa.training.predictions import (
    Row,
    agreement,
    prediction_rows,
    write_predictions,
)
from jiqa.training.run_data import is_enough
from jiqa.training.run_folder import DIVISIONS
from jiqa.training.setup import Setup, set_up
from jiqa.training.validation import correlations

#: The file of what all parts say together.
FILE = "divisions.json"

#: The kind of a line of the log that holds the predictions of a validation.
PREDICTED = "predicted"

_RESAMPLES = 1000


@dataclass(frozen=True)
class Pooled:
    """What all parts say together.

    Attributes:
        share: of the updates, after which the figures were best.
        decided: whether that follows from the figures; otherwise the images are too
            few, and all updates are done.
        figures: at that share, over the images of all parts.
    """

    share: float
    decided: bool
    figures: dict[str, float]


@dataclass(frozen=True)
class Held:
    """A part that was held out: its images, and a line a validation."""

    setup: Setup
    lines: Sequence[Line]
    predicted: Sequence[Sequence[float]]
    steps: int


def train_divisions(
    config: TrainingConfig,
    folder: Path,
    data_dir: Path | str | None,
    train: Callable[[TrainingConfig, Path, str], Any],
    *,
    writer: bool,
) -> Pooled:
    """Train without each part in turn, unless that was done before.

    Args:
        config: of the run on all images.
        folder: of that run; gets ``divisions.json`` and ``predictions.csv``.
        data_dir: where prepared sets are.
        train: trains with other settings in another folder; it is told which part is
            held out, in words.
        writer: whether this process writes.
    """
    file = folder / FILE
    if file.is_file():
        found = read_json(file)
        return Pooled(found["share"], found["decided"], found["figures"])
    parts = []
    for number in range(1, (config.divisions or 0) + 1):
        fields: dict[str, Any] = {"held_part": number, "patience": 0, "test": ""}
        held = dataclasses.replace(config, **fields, baseline="")
        place = folder / DIVISIONS / str(number)
        steps = train(held, place, f"part {number} of {config.divisions}").steps
        lines = read_log(place)
        of_kind = {
            kind: [x for x in lines if x["kind"] == kind]
            for kind in ("validation", PREDICTED)
        }
        predicted = [x[PREDICTED] for x in of_kind[PREDICTED]]
        setup = set_up(held, data_dir)
        parts.append(Held(setup, of_kind["validation"], predicted, steps))
    pooled, rows = _pooled(parts)
    if writer:
        if rows:
            write_predictions(folder, rows)
        write_json(file, dataclasses.asdict(pooled))
        shutil.rmtree(folder / DIVISIONS, ignore_errors=True)
    return pooled


def _pooled(parts: Sequence[Held]) -> tuple[Pooled, list[Row]]:
    stage = parts[0].setup.stage
    entries = [e for p in parts for e in p.setup.sources.validation.entries]
    every = [_figures(parts, k) for k in range(min(len(p.lines) for p in parts))]

    def quality(number: int) -> tuple[float, float]:
        figure = every[number].get(stage.decides, math.nan)
        loss = every[number]["loss"]
        return (figure if math.isfinite(figure) else -math.inf, -loss)

    decided = is_enough(entries)
    best = max(range(len(every)), key=quality) if decided else len(every) - 1
    share = float(np.mean([p.lines[best]["step"] / p.steps for p in parts]))
    figures = every[best]
    rows: list[Row] = []
    if stage.predicts_scores:
        for number, part in enumerate(parts, 1):
            held = part.setup.sources.validation
            rows += prediction_rows(part.setup, held, part.predicted[best], number)
        figures |= agreement([row["predicted"] for row in rows], rows)
    else:
        figures |= _interval(parts, best, stage.decides)
    return Pooled(share, decided, figures), rows


def _figures(parts: Sequence[Held], number: int) -> dict[str, float]:
    """Return the figures of all parts together, at their validation of a number."""
    lines = [part.lines[number] for part in parts]
    counts = np.array([line["n"] for line in lines], np.float64)
    names = [k for k, v in lines[0].items() if isinstance(v, float)]
    figures = {
        k: float(np.average([line[k] for line in lines], weights=counts)) for k in names
    }
    figures["n"] = int(counts.sum())
    if parts[0].setup.stage.predicts_scores:
        columns = []
        for part in parts:
            held = part.setup.sources.validation
            scale = part.setup.affine(held)
            score = [e.score for e in held.entries]
            mapped = np.array(score, np.float64) * scale.factor + scale.summand
            columns.append((part.predicted[number], mapped))
        found, score = (np.concatenate(c) for c in zip(*columns, strict=True))
        figures |= correlations(found, score, np.isfinite(found))
    return figures


def _interval(parts: Sequence[Held], number: int, name: str) -> dict[str, float]:
    """Return an interval of a mean over parts, which are resampled."""
    lines = [part.lines[number] for part in parts]
    values, counts = (np.array([x[k] for x in lines], np.float64) for k in (name, "n"))
    drawn = draw_clusters(len(parts), _RESAMPLES, 0) * counts
    within = percentile_interval(drawn @ values / drawn.sum(1))
    return (
        {} if within is None else {f"{name}_low": within[0], f"{name}_high": within[1]}
    )

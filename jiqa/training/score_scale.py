"""From a data set's scale of scores to a model's own scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.data.schema import Scale
from jiqa.models.model import Model
from jiqa.training.config import TrainingConfig
from jiqa.training.run_data import Source


@dataclass(frozen=True)
class Affine:
    """``score * factor + summand``, and whether that turns the scale round."""

    factor: float = 1.0
    summand: float = 0.0


def mapping(
    scale: Scale | None, model: Model, options: Any, config: TrainingConfig
) -> Affine:
    """From a data set's scale to the model's span, higher is better."""
    if scale is None or config.scores == "own" or config.stage != "scores":
        return Affine()
    low, high = scale.low, scale.high
    if scale.direction == "lower":
        low, high = high, low
    if low == high:
        raise ValueError(f"scores from {low:g} to {high:g}: needed are several")
    bottom, top = model.span(options)
    factor = (top - bottom) / (high - low)
    return Affine(factor, bottom - low * factor)


def mean_opinion(
    source: Source, model: Model, options: Any, config: TrainingConfig
) -> float:
    """Of all images of a source that have a score, on the model's scale; or NaN."""
    scores = [e.score for e in source.entries if e.score is not None]
    if config.stage != "scores" or not scores:
        return math.nan
    affine = mapping(source.dataset.scale, model, options, config)
    return float(np.mean(scores)) * affine.factor + affine.summand

"""The arrays that a run begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa import weights
from jiqa.models.model import Model, Variables
from jiqa.models.runs import RUN
from jiqa.nn.parameters import check
from jiqa.training.config import TrainingConfig
from jiqa.training.optimiser import BACKBONE


@dataclass(frozen=True)
class Start:
    """Initial arrays and where they come from.

    Attributes:
        variables: all arrays of the model.
        source: of those that were not drawn at random, in words.
        licence: under which these are given.
        sha256: fingerprint of all arrays together.
    """

    variables: Variables
    source: str
    licence: str
    sha256: str


def start(
    model: Model,
    options: Any,
    config: TrainingConfig,
    weights_folder: Path | str | None = None,
) -> Start:
    """Draw the arrays, and put published or trained ones in their places.

    Args:
        model: whose arrays they are.
        options: its configuration.
        config: the run's settings.
        weights_folder: where published weights are looked for first.

    Raises:
        ValueError: weights that lack arrays of the model; names them all.
        jiqa.weights.WeightsNotFound: they are nowhere; says where to put what.
    """
    # One program: drawing array by array would compile for each of them.
    drawn = jax.jit(lambda key: model.init(key, options))(jax.random.key(config.seed))
    flat = {**drawn.params, **drawn.state}
    if config.weights == "random":
        found: dict[str, np.ndarray] = {}
        source, licence = "drawn at random", "none needed"
    elif config.weights.startswith(RUN):
        read = weights.load(config.weights)
        check(read.params, {k: v.shape for k, v in flat.items()}, config.weights)
        found, source, licence = read.params, read.source, read.licence
    else:
        if model.backbone(options) is None:
            raise ValueError(
                f"weights='imagenet': {model.info.name} has no published backbone; "
                "needed is weights=random or run:FOLDER"
            )
        read = weights.load(options.backbone, weights_folder)
        found = {
            k: v for key, v in read.params.items() if (k := f"{BACKBONE}{key}") in flat
        }
        needed = {k: v.shape for k, v in flat.items() if k.startswith(BACKBONE)}
        check(found, needed, f"weights {options.backbone!r} for {model.info.name}")
        source, licence = read.source, read.licence
    params, state = (
        {k: np.asarray(found.get(k, v)) for k, v in part.items()} for part in drawn
    )
    sha256 = weights.fingerprint({**params, **state})
    return Start(Variables(params, state), source, licence, sha256)

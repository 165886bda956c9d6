"""The arrays that a run begins with."""

from __future__ import annotations

from collections.abc import Mapping
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
        found, source, licence = _published(model, options, flat, weights_folder)
    params, state = (
        {k: np.asarray(found.get(k, v)) for k, v in part.items()} for part in drawn
    )
    sha256 = weights.fingerprint({**params, **state})
    return Start(Variables(params, state), source, licence, sha256)


def _published(
    model: Model, options: Any, flat: Mapping[str, Any], folder: Path | str | None
) -> tuple[dict[str, np.ndarray], str, str]:
    """Arrays of the backbone, and of what stands beside it; their source, licence."""
    sets = dict(model.companions(options))
    if model.backbone(options) is not None:
        sets = {BACKBONE: options.backbone, **sets}
    if not sets:
        raise ValueError(
            f"weights='imagenet': {model.info.name} has no published backbone; needed "
            "is weights=random or run:FOLDER"
        )
    found: dict[str, np.ndarray] = {}
    read = {}
    for opening, name in sets.items():
        mine = {k.removeprefix(opening) for k in flat if k.startswith(opening)}
        # A classifier is read where the model taps it, and not otherwise.
        tapped = weights.get_set(name).further.keys() & mine
        read[opening] = weights.load(name, folder, whole=bool(tapped))
    for opening, part in read.items():
        own = {f"{opening}{key}": value for key, value in part.params.items()}
        found |= {k: v for k, v in own.items() if k in flat}
    needed = {k: v.shape for k, v in flat.items() if k.startswith(tuple(sets))}
    names = ", ".join(sets.values())
    check(found, needed, f"weights {names} for {model.info.name}")
    parts = read.values()
    return (
        found,
        "; ".join(part.source for part in parts),
        "; ".join(dict.fromkeys(part.licence for part in parts)),
    )

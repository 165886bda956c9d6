"""The arrays that a run begins with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa import weights
from jiqa.models.model import Model, Variables
from jiqa.nn.parameters import check
from jiqa.training.config import ALONE, OF_RUNS, TrainingConfig
from jiqa.training.optimiser import BACKBONE
from jiqa.training.run_data import Sources
from jiqa.training.run_metric import RUN


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


def completed(
    config: TrainingConfig, model: Model, sources: Sources
) -> tuple[TrainingConfig, Any]:
    """The settings with all that files and images decide, and the model's options.

    Raises:
        ValueError: what the model is to be told by a file is not there.
    """
    options = model.options(config.stage, config.model_config)
    if not config.weights:
        known = "random" if model.backbone(options) is None else "imagenet"
        config = dataclasses.replace(config, weights=known)
    if model.complete is None:
        return config, options
    others = [*sources.validation.entries]
    others += [*sources.test.entries] if sources.test else []
    whole = model.complete(options, sources.training.entries, others)
    given, found = (dataclasses.asdict(each) for each in (options, whole))
    new = {k: v for k, v in found.items() if v != given[k]}
    return dataclasses.replace(
        config, model_config={**config.model_config, **new}
    ), whole


def start(
    model: Model,
    options: Any,
    config: TrainingConfig,
    weights_folder: Path | str | None = None,
    mean: float = math.nan,
) -> Start:
    """Draw the arrays, and put published or trained ones in their places.

    Args:
        model: whose arrays they are.
        options: its configuration.
        config: the run's settings.
        weights_folder: where published weights are looked for first.
        mean: of the opinions that will be learned, on the model's scale; what an
            untrained head says then. NaN if there are none.

    Raises:
        ValueError: weights that lack arrays of the backbone, or have some of another
            shape; names them all.
        jiqa.weights.WeightsNotFound: they are nowhere; says where to put what.
    """
    # One program: drawing array by array would compile for each of them.
    drawn = jax.jit(lambda key: model.init(key, options))(jax.random.key(config.seed))
    flat = {**drawn.params, **drawn.state}
    parts = config.weights.split(",")
    found: dict[str, np.ndarray] = {}
    read: list[weights.Weights] = []
    # The last named counts first; what a run has need not be published.
    for name in reversed([part for part in parts if part.startswith(OF_RUNS)]):
        wanted = BACKBONE if name.startswith(ALONE) else ""
        read.append(weights.load(RUN + name.partition(":")[2]))
        own = {
            k: v
            for k, v in read[-1].params.items()
            if k in flat and k.startswith(wanted)
        }
        check(own, {k: flat[k].shape for k in own}, name)
        found = {**own, **found}
    if "imagenet" in parts:
        for each, own in _published(model, options, flat, found, weights_folder):
            read.append(each)
            found = {**own, **found}
    if read:
        below = {k: v.shape for k, v in flat.items() if k.startswith(BACKBONE)}
        mine = {k: v for k, v in found.items() if k in below}
        check(mine, below, f"weights {config.weights} for {model.info.name}")
    params, state = (
        {k: np.asarray(found.get(k, v)) for k, v in part.items()} for part in drawn
    )
    if model.bias in params and model.bias not in found and math.isfinite(mean):
        raw = (mean - options.offset) / options.scale
        params[model.bias] = np.full_like(params[model.bias], raw)
    sources = dict.fromkeys(each.source for each in read)
    count = len(flat.keys() - found.keys())
    return Start(
        Variables(params, state),
        "; ".join([*sources, *([f"{count} arrays drawn at random"] if count else [])]),
        "; ".join(dict.fromkeys(each.licence for each in read)) or "none needed",
        weights.fingerprint({**params, **state}),
    )


def _published(
    model: Model,
    options: Any,
    flat: Mapping[str, Any],
    found: Mapping[str, Any],
    folder: Path | str | None,
) -> Iterator[tuple[weights.Weights, dict[str, np.ndarray]]]:
    """Sets for the backbone and for what stands beside it, with the model's keys."""
    sets = dict(model.companions(options))
    if model.backbone(options) is not None:
        sets = {BACKBONE: options.backbone, **sets}
    if not sets:
        raise ValueError(
            f"weights='imagenet': {model.info.name} has no published backbone; needed "
            "is weights=random or run:FOLDER"
        )
    for opening, name in sets.items():
        others = tuple(o for o in sets if o != opening and o.startswith(opening))
        mine = {
            k.removeprefix(opening)
            for k in flat
            if k.startswith(opening) and not (others and k.startswith(others))
        }
        if all(f"{opening}{k}" in found for k in mine):
            continue
        # A classifier is read where the model taps it, and not otherwise.
        tapped = weights.get_set(name).further.keys() & mine
        read = weights.load(name, folder, whole=bool(tapped))
        yield read, {f"{opening}{k}": v for k, v in read.params.items() if k in mine}

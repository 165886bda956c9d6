"""Initial weights: the arrays that a run begins with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa import weights
from jiqa.models.model import Variables
from jiqa.nn.parameters import check
from jiqa.training.config import ALONE, OF_RUNS
from jiqa.training.optimiser import BACKBONE
from jiqa.training.setup import Setup
from jiqa.weights.run_sets import RUN


@dataclass(frozen=True)
class InitialWeights:
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


def initial_weights(
    setup: Setup, weights_folder: Path | str | None = None
) -> InitialWeights:
    """Draw the arrays, and replace those that published or trained ones exist for.

    Args:
        setup: of the run. The mean of the scores that will be learned is what an
            untrained head says.
        weights_folder: where published weights are looked for first.

    Raises:
        ValueError: weights that lack arrays of the backbone, or have some of another
            shape; names them all.
        jiqa.weights.WeightsNotFound: they are nowhere; says where to put what.
    """
    model, options, config = setup.model, setup.options, setup.config
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
        run_shapes = {
            k: v
            for k, v in read[-1].params.items()
            if k in flat and k.startswith(wanted)
        }
        check(run_shapes, {k: flat[k].shape for k in run_shapes}, name)
        found = {**run_shapes, **found}
    if "imagenet" in parts:
        for each, run_shapes in _published(setup, flat, found, weights_folder):
            read.append(each)
            found = {**run_shapes, **found}
    if read:
        below = {k: v.shape for k, v in flat.items() if k.startswith(BACKBONE)}
        mine = {k: v for k, v in found.items() if k in below}
        check(mine, below, f"weights {config.weights} for {model.info.name}")
    params, state = (
        {k: np.asarray(found.get(k, v)) for k, v in part.items()} for part in drawn
    )
    mean = setup.mean_score
    if model.bias in params and model.bias not in found and math.isfinite(mean):
        raw = (mean - options.offset) / options.scale
        params[model.bias] = np.full_like(params[model.bias], raw)
    sources = dict.fromkeys(each.source for each in read)
    count = len(flat.keys() - found.keys())
    return InitialWeights(
        Variables(params, state),
        "; ".join([*sources, *([f"{count} arrays drawn at random"] if count else [])]),
        "; ".join(dict.fromkeys(each.licence for each in read)) or "none needed",
        weights.fingerprint({**params, **state}),
    )


def _published(
    setup: Setup,
    flat: Mapping[str, Any],
    found: Mapping[str, Any],
    folder: Path | str | None,
) -> Iterator[tuple[weights.Weights, dict[str, np.ndarray]]]:
    """Return weights of the backbone and its companions, with the model's keys."""
    model, options = setup.model, setup.options
    sets = dict(model.companions(options))
    if model.backbone(options) is not None:
        sets = {BACKBONE: options.backbone, **sets}
    if not sets:
        raise ValueError(
            f"weights='imagenet': {model.info.name} has no published backbone; use "
            "weights=random or weights=run:FOLDER"
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
        tapped = weights.get_set(name).extra.keys() & mine
        read = weights.load(name, folder, whole=bool(tapped))
        yield read, {f"{opening}{k}": v for k, v in read.params.items() if k in mine}

"""The set-up of a training run, decided once, before the first batch."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from jiqa.models.model import Model
from jiqa.models.registry import get_model
from jiqa.training.config import OF_RUNS, TrainingConfig, read_config
from jiqa.training.run_data import Source, Sources, open_sources
from jiqa.training.score_scale import Affine, mapping
from jiqa.training.stage import STAGES, Stage
from jiqa.weights.run_sets import RUN, run_folder

#: The axis of the devices.
AXIS = "data"


def all_devices() -> Mesh:
    """Return a mesh of the devices of all processes, on one axis."""
    return Mesh(np.array(jax.devices()), (AXIS,))


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A run's settings, model, images and devices, all of them decided.

    Attributes:
        config: the run's settings, with all that files and images decide.
        model: what is trained.
        options: the model's configuration, an instance of its ``config_class``.
        data: the images; ``None`` where batches come from elsewhere.
        mesh: the devices that share a batch.
    """

    config: TrainingConfig
    model: Model
    options: Any
    data: Sources | None = None
    mesh: Mesh = field(default_factory=all_devices)

    @property
    def stage(self) -> Stage:
        """The stage: what is learned from."""
        return STAGES[self.config.stage]

    @property
    def sources(self) -> Sources:
        """The images of the run.

        Raises:
            ValueError: there are none.
        """
        if self.data is None:
            raise ValueError("data: expected the images of a run, got None")
        return self.data

    def affine(self, source: Source) -> Affine:
        """Return the map from the scale of a source's scores to the model's span."""
        scale = source.dataset.scale
        mapped = self.config.scores == "mapped" and self.stage.predicts_scores
        if scale is None or not mapped:
            return Affine()
        return mapping(scale, self.model.span(self.options))

    @property
    def mean_score(self) -> float:
        """Mean training score on the model's scale; NaN if scores are not learned."""
        if self.data is None or not self.stage.predicts_scores:
            return math.nan
        entries = self.data.training.entries
        scores = [e.score for e in entries if e.score is not None]
        if not scores:
            return math.nan
        affine = self.affine(self.data.training)
        return float(np.mean(scores)) * affine.factor + affine.summand


def set_up(config: TrainingConfig, data_dir: Path | str | None = None) -> Setup:
    """Open the images of a run, and complete its settings from them.

    Args:
        config: the settings as they were given.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.

    Raises:
        ValueError: settings or data that do not fit; see ``open_sources``.
        FileNotFoundError: data that are not there.
    """
    model = get_model(config.model)
    config = with_earlier_network(config, model)
    sources = open_sources(config, data_dir)
    config = dataclasses.replace(config, divisions=sources.divisions)
    config, options = completed(config, model, sources)
    return Setup(config=config, model=model, options=options, data=sources)


#: The options that say which network the arrays of a backbone belong to.
_NETWORK = ("backbone", "levels")


def with_earlier_network(config: TrainingConfig, model: Model) -> TrainingConfig:
    """Return the settings with the network of the run whose weights they begin with.

    Args:
        config: the settings as they were given.
        model: what is trained.

    Raises:
        ValueError: a network was given that the run's arrays do not fit; says which
            does. Or there is no such run.
    """
    fields = {f.name for f in dataclasses.fields(model.config_class)}
    options = dict(config.model_config)
    begun = [part for part in config.weights.split(",") if part.startswith(OF_RUNS)]
    # The last one counts first.
    for part in reversed(begun):
        before = read_config(run_folder(RUN + part.partition(":")[2]))
        earlier = get_model(before.model)
        network = earlier.options(before.stage, before.model_config)
        for name in _NETWORK:
            if name not in fields or not hasattr(network, name):
                continue
            value = getattr(network, name)
            if options.setdefault(name, value) == value or len(begun) > 1:
                continue
            raise ValueError(
                f"weights={part}: that run has {name}={value}, got "
                f"{name}={options[name]}; add --set model.{name}={value}, or begin "
                "with weights=imagenet"
            )
    return dataclasses.replace(config, model_config=options)


def freezes_by_default(config: TrainingConfig, model: Model, options: Any) -> bool:
    """Return whether a backbone stays as it is where the settings do not say it.

    Without a GPU an update of all layers takes minutes and gigabytes. A random backbone
    has to learn all the same; and only one process keeps features.
    """
    learned = model.backbone(options) is not None and config.weights != "random"
    alone = jax.process_count() == 1
    return learned and alone and jax.default_backend() == "cpu"


def completed(
    config: TrainingConfig, model: Model, sources: Sources
) -> tuple[TrainingConfig, Any]:
    """Complete the settings and the model's options from files and images.

    Raises:
        ValueError: a file that the model's options come from is missing.
    """
    options = model.options(config.stage, config.model_config)
    if not config.weights:
        known = "random" if model.backbone(options) is None else "imagenet"
        config = dataclasses.replace(config, weights=known)
    if config.frozen is None:
        frozen = freezes_by_default(config, model, options)
        config = dataclasses.replace(config, frozen=frozen)
    if model.complete is None:
        return config, options
    others = [*sources.validation.entries]
    others += [*sources.test.entries] if sources.test else []
    whole = model.complete(options, sources.training.entries, others)
    given, found = (dataclasses.asdict(each) for each in (options, whole))
    new = {k: v for k, v in found.items() if v != given[k]}
    changed = {**config.model_config, **new}
    return dataclasses.replace(config, model_config=changed), whole

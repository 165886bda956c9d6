"""Network selectors: runs of ``jiqa train selector``, reported on as forests are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from jiqa.core.bound_metric import BoundMetric
from jiqa.registry import bound_metric
from jiqa.selectors.figures import picked
from jiqa.selectors.forest_selector import Choices
from jiqa.selectors.scenario import Direction, Scenario
from jiqa.selectors.score_mapping import Curves
from jiqa.training.run_metric import open_run, run_metric
from jiqa.weights.run_sets import run_folder


@dataclass(frozen=True)
class RunSelector:
    """A network that chooses a method for each image from its pixels.

    It is scored as its methods are, and gives the index of the one that it chooses.

    Attributes:
        kind: how it chooses, in words.
        methods: names of the methods [m], as the run has them.
        columns: what computes them, as tables call it [m], then the network's column.
        curves: from their scores to the subjective scale.
        order: numbers of the methods, best first on the images that it learned from.
        direction: which scores are better, on the subjective scale.
        facts: ``settings``: the options of the columns.
    """

    kind: str
    methods: tuple[str, ...]
    columns: tuple[BoundMetric, ...]
    curves: Curves
    order: np.ndarray
    direction: Direction
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run as a metric, ``run:FOLDER``."""
        return self.columns[-1].name

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have to score an image, by names for ``jiqa.load``."""
        return tuple(column.name for column in self.columns)

    def check(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the run's methods, and its choice as a feature.

        Raises:
            UsageError: a column that it lacks.
        """
        found = scenario.of_methods([column.label for column in self.columns])
        return replace(
            found,
            methods=self.methods,
            raw=found.raw[:, :-1],
            features=("choice",),
            extra_features=found.raw[:, -1:],
        )

    def on(self, scenario: Scenario) -> Choices:
        """Return the choices for the images of a scenario of ``check``.

        Choices are those of the run as a metric: it does not know which methods have
        failed on an image. So ``predicted`` is NaN where the chosen one has, and
        ``choice`` is -1 where the network itself has.
        """
        mapped = self.curves(scenario.raw)
        places = scenario.extra[:, 0]
        choice = np.where(np.isnan(places), -1, places).astype(np.int64)
        return Choices(mapped, choice, picked(mapped, choice))


def open_run_selector(name: str) -> RunSelector:
    """Open the selector ``run:FOLDER``.

    Raises:
        ValueError: no run, one of a model that chooses nothing, or one that gives no
            score, see ``jiqa.training.run_metric.Run.methods``.
    """
    run = open_run(run_folder(name))
    if run.methods is None:
        raise ValueError(f"{name}: {run.model.info.name} does not choose metrics")
    if not run.options.order:
        raise ValueError(
            f"{name} does not say which method was the best in training; train it again"
        )
    recipes = run.methods.recipes
    curves = np.array([recipe.curve for recipe in recipes], np.float64)
    columns = (
        *(bound_metric(recipe.metric, dict(recipe.options)) for recipe in recipes),
        bound_metric(name, {"output": "choice"}),
    )
    settings = [f"{c.name}.{k}={v}" for c in columns for k, v in c.options.items()]
    return RunSelector(
        f"network, {run.options.kind}",
        run.options.names,
        columns,
        Curves(curves[:, :5], curves[:, 5], curves[:, 6], ("",) * len(curves)),
        np.array(run.options.order),
        run_metric(name).info.direction,
        {"settings": settings},
    )

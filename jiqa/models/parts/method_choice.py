"""Metrics that a model chooses among: computed by name, mapped to one scale."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jiqa import metrics
from jiqa.checks import expected
from jiqa.core.metric import Metric, check_options
from jiqa.core.metric_group import merged
from jiqa.ops.logistic import logistic_curve
from jiqa.registry import identity, named_metric
from jiqa.weights.registry import get_set


class Recipe(NamedTuple):
    """How a method's score comes about; plain values, as a run records them.

    Attributes:
        metric: a name that ``jiqa.load`` takes.
        options: of the metric, as pairs of name and value.
        curve: ``(b1, b2, b3, b4, b5, low, high)``: a value x, cut to low and high,
            becomes b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5, the logistic of
            ``jiqa.evaluation.statistics.logistic``.
        digest: of the file that describes the metric, see ``digest_of``.
    """

    metric: str
    options: tuple[tuple[str, Any], ...]
    curve: tuple[float, ...]
    digest: str


def digest_of(described: str) -> str:
    """Of what ``jiqa.registry.identity`` says; empty for a metric without file."""
    return hashlib.sha256(described.encode()).hexdigest()[:16] if described else ""


@dataclass(frozen=True)
class Methods:
    """No-reference metrics, each with the curve to the scale of the opinions.

    Attributes:
        metrics: in the order in which they are numbered.
        recipes: theirs.
    """

    metrics: tuple[Metric, ...]
    recipes: tuple[Recipe, ...]

    @classmethod
    def of(cls, names: Sequence[str], recipes: Sequence[Sequence[Any]]) -> Methods:
        """Of methods by name.

        Raises:
            ValueError: no recipe, an unknown or a full-reference metric, or one that
                was made anew since.
        """
        if not recipes:
            raise ValueError(
                f"the scores of {', '.join(names)} were read from a table that does "
                "not say how they are computed; this model can choose a metric, but "
                "not score"
            )
        found = tuple(Recipe(*recipe) for recipe in recipes)
        return cls(tuple(map(_metric, found)), found)

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the sets of weights that they need."""
        wirings = [
            metric.learned.wiring(**dict(recipe.options))
            for metric, recipe in zip(self.metrics, self.recipes, strict=True)
            if metric.learned is not None
        ]
        return tuple(dict.fromkeys(name for w in wirings for name in w.weights))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all arrays, by ``SET/KEY``."""
        return {
            f"{name}/{key}": shape
            for name in self.weights
            for key, shape in get_set(name).shapes.items()
        }

    @property
    def min_side(self) -> int:
        """That all of them take."""
        return max(
            metric.min_side(**dict(recipe.options))
            for metric, recipe in zip(self.metrics, self.recipes, strict=True)
        )

    def score(self, index: Array, params: Mapping[str, Any], image: Array) -> Array:
        """The mapped value of one of them; the others are not computed.

        Args:
            index: its number, int32.
            params: all arrays, by ``SET/KEY``.
            image: ``[H, W, C]`` in [0, 1].
        """
        ways = [functools.partial(self._mapped, k) for k in range(len(self.metrics))]
        return lax.switch(index, ways, params, image)

    def _mapped(self, number: int, params: Mapping[str, Any], image: Array) -> Array:
        metric, recipe = self.metrics[number], self.recipes[number]
        given = dict(recipe.options)
        if metric.learned is None:
            value = metric.core(image, **given)
        else:
            options = metric.learned.chosen(given)
            sets = {name: _without(f"{name}/", params) for name in self.weights}
            own = merged(sets, metric.learned, options)
            value = metric.learned.score(own, options, image)
        *parameters, low, high = recipe.curve
        return logistic_curve(value, parameters, low, high, jnp)


def _without(opening: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(opening): value
        for key, value in params.items()
        if key.startswith(opening)
    }


def _metric(recipe: Recipe) -> Metric:
    name = recipe.metric
    found = named_metric(name) or getattr(metrics, name, None)
    if found is None or found.info.kind != "no-reference":
        kind = "an unknown name" if found is None else "a full-reference metric"
        raise ValueError(expected(f"method {name!r}", "a no-reference metric", kind))
    check_options(name, found.options, dict(recipe.options))
    if recipe.digest != digest_of(identity(name)):
        raise ValueError(f"method {name!r} has changed since its curve was fitted")
    return found

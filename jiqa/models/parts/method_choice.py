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
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.metric import Metric
from jiqa.core.metric_group import MetricGroup
from jiqa.ops.logistic import logistic_curve
from jiqa.registry import named_metric
from jiqa.weights.registry import get_set


class Recipe(NamedTuple):
    """How a method's score is computed; plain values, as a run records them.

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
    """Return the digest of ``jiqa.registry.identity``; empty without a file."""
    return hashlib.sha256(described.encode()).hexdigest()[:16] if described else ""


@dataclass(frozen=True)
class Methods:
    """No-reference metrics, each with the curve to the scale of the subjective scores.

    Attributes:
        members: in the order in which they are numbered.
        recipes: theirs.
    """

    members: tuple[BoundMetric, ...]
    recipes: tuple[Recipe, ...]

    @classmethod
    def of(cls, names: Sequence[str], recipes: Sequence[Sequence[Any]]) -> Methods:
        """Look up methods by name.

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
        return cls(tuple(map(_member, found)), found)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics, without their options."""
        return tuple(member.metric for member in self.members)

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of the sets of weights that they need."""
        return MetricGroup(self.members).weights

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
        """The smallest side that all of them take."""
        return max(member.min_side for member in self.members)

    def score(self, index: Array, params: Mapping[str, Any], image: Array) -> Array:
        """Compute the mapped value of one of them; the others are not computed.

        Args:
            index: its number, int32.
            params: all arrays, by ``SET/KEY``.
            image: ``[H, W, C]`` in [0, 1].
        """
        ways = [functools.partial(self._mapped, k) for k in range(len(self.members))]
        return lax.switch(index, ways, params, image)

    def _mapped(self, number: int, params: Mapping[str, Any], image: Array) -> Array:
        sets = {name: _without(f"{name}/", params) for name in self.weights}
        value = self.members[number].score(sets, image)
        *parameters, low, high = self.recipes[number].curve
        return logistic_curve(value, parameters, low, high, jnp)


def _without(opening: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(opening): value
        for key, value in params.items()
        if key.startswith(opening)
    }


def _member(recipe: Recipe) -> BoundMetric:
    name = recipe.metric
    found = named_metric(name) or getattr(metrics, name, None)
    if found is None or found.info.kind != "no-reference":
        kind = "an unknown name" if found is None else "a full-reference metric"
        raise ValueError(expected(f"method {name!r}", "a no-reference metric", kind))
    member = BoundMetric(found, dict(recipe.options))
    found.check_options(member.options)
    if recipe.digest != digest_of(found.digest):
        raise ValueError(f"method {name!r} has changed since its curve was fitted")
    return member

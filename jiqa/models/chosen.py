"""Metrics that a model chooses among: computed by name, mapped to one scale."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jiqa import metrics
from jiqa.contract import Metric
from jiqa.joint import merged
from jiqa.named_metrics import named_metric
from jiqa.weights.registry import get_set


@dataclass(frozen=True)
class Methods:
    """No-reference metrics, each with the curve to the scale of the opinions.

    Attributes:
        metrics: in the order in which they are numbered.
        curves: of each ``(b1, b2, b3, b4, b5, low, high)``: its value x, cut to low and
            high, becomes b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5, the
            logistic of ``jiqa.evaluation.logistic``.
    """

    metrics: tuple[Metric, ...]
    curves: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, names: Sequence[str], curves: Sequence[Sequence[float]]) -> Methods:
        """Of names that ``jiqa.load`` takes.

        Raises:
            ValueError: an unknown name, a full-reference metric, or no curves.
        """
        if len(curves) != len(names) or any(len(curve) != 7 for curve in curves):
            raise ValueError(
                f"{len(curves)} curves for {', '.join(names)}; to give a score, needed "
                "is one of seven numbers for each"
            )
        return cls(tuple(map(_metric, names)), tuple(map(tuple, curves)))

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the sets of weights that they need."""
        wirings = (m.learned.wiring() for m in self.metrics if m.learned is not None)
        return tuple(dict.fromkeys(name for w in wirings for name in w.weights))

    @property
    def openings(self) -> dict[str, str]:
        """What the keys of each set begin with here: two sets may have some alike."""
        return {name: f"{name}/" for name in self.weights}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Keys, with their openings, and shapes of all arrays."""
        return {
            f"{opening}{key}": shape
            for name, opening in self.openings.items()
            for key, shape in get_set(name).shapes.items()
        }

    @property
    def min_side(self) -> int:
        """That all of them take."""
        return max(metric.min_side() for metric in self.metrics)

    def score(self, index: Array, params: Mapping[str, Any], image: Array) -> Array:
        """The mapped value of one of them; the others are not computed.

        Args:
            index: its number, int32.
            params: all arrays, with their openings.
            image: ``[H, W, C]`` in [0, 1].
        """
        ways = [functools.partial(self._mapped, k) for k in range(len(self.metrics))]
        return lax.switch(index, ways, params, image)

    def _mapped(self, number: int, params: Mapping[str, Any], image: Array) -> Array:
        metric, curve = self.metrics[number], self.curves[number]
        if metric.learned is None:
            value = metric.core(image)
        else:
            learned, options = metric.learned, metric.learned.chosen({})
            own = merged(self._apart(params), learned, options)
            value = learned.score(own, options, image)
        b1, b2, b3, b4, b5, low, high = curve
        x = jnp.clip(value, low, high)
        return b1 / 2 * jnp.tanh(b2 * (x - b3) / 2) + b4 * x + b5

    def _apart(self, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The arrays of each set, without their openings."""
        return {
            name: {
                key.removeprefix(opening): value
                for key, value in params.items()
                if key.startswith(opening)
            }
            for name, opening in self.openings.items()
        }


def _metric(name: str) -> Metric:
    found = named_metric(name)
    if found is None:
        found = getattr(metrics, name, None)
    if found is None or found.info.kind != "no-reference":
        kind = "jiqa has none of that name" if found is None else "it is full-reference"
        raise ValueError(f"method {name!r}: {kind}; needed is a no-reference metric")
    return found

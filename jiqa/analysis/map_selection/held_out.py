"""Figures of chosen maps on images that they were not chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import rankdata

from jiqa.analysis.map_selection.combination import combined
from jiqa.analysis.map_selection.criteria import Criterion
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.evaluation.statistics.logistic_fit import STEEPEST
from jiqa.ops.logistic import logistic_about


class HeldOut:
    """A selection beside the images that it was not made on."""

    def __init__(
        self,
        values: np.ndarray,
        target: np.ndarray,
        held: np.ndarray,
        selection: Selection,
        options: Mapping[str, Any],
    ) -> None:
        """Prepare to judge.

        Args:
            values: the score of every map ``[images, maps]``.
            target: subjective scores ``[images]``.
            held: which images were held out ``[images]``; the selection was made on
                the others.
            selection: the selection.
            options: those of ``forward_select`` that it was made with.
        """
        self._values, self._held, self._selection = values, held, selection
        self._wanted = target[held]
        self._layers = options.get("layers")
        self._judge = Criterion(
            selection.criterion,
            target[~held],
            direction=selection.direction,
            steepest=options.get("steepest", STEEPEST),
        )

    def chosen(self, count: int | None = None) -> np.ndarray:
        """Combine scores ``[images]`` of the chosen maps, or of the first few."""
        return self._combined(self._selection.selected[:count])

    def every(self) -> np.ndarray:
        """Combine scores ``[images]`` of all maps that could be chosen."""
        left_out = self._selection.unusable
        return self._combined(
            [i for i in range(len(self._values.T)) if i not in left_out]
        )

    def _combined(self, columns: Any) -> np.ndarray:
        columns = list(columns)
        layers = self._layers and [self._layers[i] for i in columns]
        return combined(self._values[:, columns], self._selection.combine, layers)

    def predicted(self, scores: np.ndarray) -> np.ndarray:
        """The held-out part of ``scores``, mapped as fits the other images."""
        parameters, middle = self._judge.mapping(scores[~self._held])
        return logistic_about(scores[self._held], parameters, middle)

    def value(self, scores: np.ndarray) -> float:
        """The criterion of the held-out part of ``scores``."""
        name = self._judge.name
        if name != "srcc":
            return agreement(name, self.predicted(scores), self._wanted)
        sign = self._judge.sign(scores[~self._held])
        return agreement(name, sign * scores[self._held], self._wanted)

    def predicted_by_step(self) -> list[np.ndarray]:
        """What ``predicted`` gives after each step of the selection."""
        steps = range(1, len(self._selection.selected) + 1)
        return [self.predicted(self.chosen(count)) for count in steps]

    def curve(self) -> list[float]:
        """The criterion on the held-out images after each step of the selection."""
        steps = range(1, len(self._selection.selected) + 1)
        return [self.value(self.chosen(count)) for count in steps]


def agreement(criterion: str, predicted: np.ndarray, target: np.ndarray) -> float:
    """Pearson's correlation, or Spearman's for ``"srcc"``; NaN where undefined."""
    if criterion == "srcc" and np.isfinite(predicted).all():
        predicted, target = rankdata(predicted), rankdata(target)
    if len(target) < 2 or not (np.ptp(predicted) > 0 and np.ptp(target) > 0):
        return float("nan")
    return float(np.corrcoef(predicted, target)[0, 1])


def complete(map_scores: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, maps with any value that is not finite as NaN throughout.

    A map that breaks on some image then is out of every part's reach, not just of
    those that have that image.
    """
    values, target = np.array(map_scores), np.asarray(scores, np.float64)
    if np.issubdtype(values.dtype, np.floating) and values.ndim == 2:
        values[:, ~np.isfinite(values).all(0)] = np.nan
    return values, target

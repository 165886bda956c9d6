"""Rules that combine the scores of several feature maps into one score.

The rules: ``"mean"`` of the maps; ``"geometric"`` mean of their magnitudes; and
``"layer_balanced"``, the mean over layers of the mean over each layer's maps, so that a
layer with many maps counts no more than one with few. The paper on map selection names
none. The mean is the plainest; a geometric mean lets one bad map spoil the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jiqa.checks import expected, one_of

RULES = ("mean", "geometric", "layer_balanced")


def combined(
    values: Any, rule: str = "mean", layers: Sequence[Any] | None = None
) -> np.ndarray:
    """Combine the scores of several maps into one score.

    Args:
        values: scores ``[..., maps]``.
        rule: ``"mean"``, ``"geometric"`` or ``"layer_balanced"``.
        layers: the layer of each map, for ``"layer_balanced"``.

    Returns:
        Scores ``[...]``.
    """
    values = np.asarray(values, np.float64)
    codes = layer_codes(rule, layers, values.shape[-1])
    if rule == "mean":
        return values.mean(-1)
    if rule == "geometric":
        return np.exp(_log(values).mean(-1))
    means = [values[..., codes == code].mean(-1) for code in range(codes.max() + 1)]
    return np.mean(means, axis=0)


def layer_codes(rule: str, layers: Sequence[Any] | None, maps: int) -> np.ndarray:
    """Number each map's layer from 0; all 0 where the rule does not ask for it.

    Raises:
        ValueError: an unknown rule, or layers that are missing or not one per map.
    """
    one_of("combine", rule, *RULES)
    if layers is not None and len(layers) != maps:
        wanted = f"one for each of {maps} maps"
        raise ValueError(expected("layers", wanted, f"{len(layers)}"))
    if rule != "layer_balanced":
        return np.zeros(maps, np.int64)
    if layers is None:
        raise ValueError("combine='layer_balanced' needs layers, the layer of each map")
    known = {name: code for code, name in enumerate(dict.fromkeys(layers))}
    return np.array([known[name] for name in layers])


class Combination:
    """A growing set of maps; to try or add one more costs one sum."""

    def __init__(self, rows: np.ndarray, rule: str, codes: np.ndarray) -> None:
        """Start without maps.

        Args:
            rows: scores by map, ``[maps, images]``; logarithms of magnitudes for
                ``"geometric"`` (see ``prepared``).
            rule: how they are combined.
            codes: each map's layer (see ``layer_codes``).
        """
        self._rows, self._rule, self._codes = rows, rule, codes
        layers = int(codes.max()) + 1
        self._sums = np.zeros((layers, rows.shape[1]))
        self._counts = np.zeros(layers, np.int64)

    @staticmethod
    def prepared(values: np.ndarray, rule: str) -> np.ndarray:
        """Return scores ``[images, maps]`` by map, as the rule adds them up."""
        rows = np.ascontiguousarray(values.T)
        return _log(rows.astype(np.float64)) if rule == "geometric" else rows

    def with_each(self, indices: np.ndarray) -> np.ndarray:
        """Return the combined scores with each map in turn, ``[indices, images]``."""
        rows = self._rows[indices].astype(np.float64)
        means = self._sums / np.maximum(self._counts, 1)[:, None]
        others = means.sum(0)
        used = self._counts > 0
        for code in np.unique(self._codes[indices]):
            alike = self._codes[indices] == code
            rest = others - means[code]
            mean = (self._sums[code] + rows[alike]) / (self._counts[code] + 1)
            rows[alike] = (rest + mean) / (used.sum() + (not used[code]))
        return np.exp(rows) if self._rule == "geometric" else rows

    def add(self, index: int) -> None:
        """Take a map into the set."""
        self._sums[self._codes[index]] += self._rows[index]
        self._counts[self._codes[index]] += 1


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.abs(values))  # of 0: the product then is 0

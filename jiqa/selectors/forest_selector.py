"""A learned selector, and its folder.

``selector.json`` says all that decides the result but the forests' numbers, which are
in ``forests.safetensors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.errors import UsageError
from jiqa.io.json_files import read_json, write_json
from jiqa.models.parts.method_table import SELECTOR
from jiqa.selectors.forests import Forests, outputs
from jiqa.selectors.rules import chosen
from jiqa.selectors.scenario import Direction, Scenario
from jiqa.selectors.score_mapping import Curves
from jiqa.weights import safetensors_files as files
from jiqa.weights.run_sets import FORESTS
from jiqa.weights.run_sets import SELECTOR as SELECTED_BY

_FORMAT = 1


class Choices(NamedTuple):
    """A selector's choices for images.

    Attributes:
        mapped: the methods' scores on the subjective scale [n, m].
        choice: number of the method chosen for each image [n]; -1 where none has a
            score.
        predicted: the chosen methods' mapped scores [n]; NaN where there is none.
    """

    mapped: np.ndarray
    choice: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Selector:
    """Chooses a method for each image.

    Attributes:
        kind: how, see ``jiqa.selectors.rules``.
        methods: names of the methods [m], as they are scored or as a table has them.
        curves: from their scores to the subjective scale.
        order: numbers of the methods, best first.
        features: names of the extra features of an image [k].
        fill: what stands for a missing feature [m + k].
        forests: that decide.
        direction: which scores are better, on the subjective scale.
        facts: other facts about its origin.
        name: as a metric, ``selector:FOLDER``; empty for one that no folder has.
    """

    kind: str
    methods: tuple[str, ...]
    curves: Curves
    order: np.ndarray
    features: tuple[str, ...]
    fill: np.ndarray
    forests: Forests
    direction: Direction
    facts: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have to score an image, by names for ``jiqa.load``."""
        known = self.facts.get("methods", {})
        return tuple(known.get(m, {}).get("metric", m) for m in self.methods)

    def choose(
        self, arrays: Mapping[str, Any], raw: Array, extra_features: Array | None = None
    ) -> tuple[Array, Array]:
        """Choose for one image in a compiled program: the choice and its mapped score.

        Args:
            arrays: of the forests, see ``jiqa.selectors.forests.Forests``.
            raw: the methods' scores [m], NaN where one is missing.
            extra_features: the extra features [k], if there are any.

        Returns:
            The number of the method, -1 where none has a score, and its mapped score.
        """
        mapped = self.curves(raw, jnp)
        features = (
            mapped
            if extra_features is None
            else jnp.concatenate([mapped, extra_features])
        )
        how = self.kind, self.forests.depth
        choice = _choice(*how, arrays, self.fill, self.order, mapped, features)
        return choice, mapped[choice]

    def on(self, scenario: Scenario) -> Choices:
        """Choose for all images of a scenario with the same methods and features."""
        mapped = self.curves(scenario.raw)
        features = np.concatenate([mapped, scenario.extra], 1).astype(np.float32)
        arrays = {k: jnp.asarray(v) for k, v in self.forests.arrays.items()}
        how = self.kind, self.forests.depth
        choice = np.asarray(_choices(*how, arrays, self.fill, self.order, features))
        rows = np.arange(len(mapped))
        predicted = np.where(choice < 0, np.nan, mapped[rows, choice])
        return Choices(mapped, choice, predicted)

    def check(self, scenario: Scenario) -> Scenario:
        """Return the scenario with the methods in this selector's order.

        Raises:
            UsageError: a method or a feature that it lacks.
        """
        lacking = [name for name in self.features if name not in scenario.features]
        if lacking:
            raise UsageError(
                f"the selector needs the features {', '.join(lacking)} of each image "
                "(--features TABLE)"
            )
        found = scenario.of_methods(self.methods)
        columns = [scenario.features.index(name) for name in self.features]
        extra = scenario.extra[:, columns]
        return replace(found, features=self.features, extra_features=extra)

    def save(self, folder: Path | str) -> None:
        """Write ``selector.json`` and ``forests.safetensors``."""
        folder = Path(folder)
        fingerprint = files.fingerprint(self.forests.arrays)
        record = {
            "format": _FORMAT,
            "kind": self.kind,
            "direction": self.direction,
            "methods": [
                {"name": name, **curve}
                for name, curve in zip(self.methods, self.curves.to_json(), strict=True)
            ],
            "order": [int(k) for k in self.order],
            "features": list(self.features),
            "fill": [float(v) for v in self.fill],
            "depth": self.forests.depth,
            "forests": fingerprint,
            "facts": dict(self.facts),
        }
        files.write(
            folder / FORESTS,
            self.forests.arrays,
            source=f"jiqa select learn, {self.kind} of {', '.join(self.methods)}",
            licence="that of the scores it was learned from",
            sha256=fingerprint,
        )
        write_json(folder / SELECTOR, record, allow_nan=False)


def _choice(
    kind: str,
    depth: int,
    arrays: Mapping[str, Any],
    fill: Any,
    order: Any,
    mapped: Array,
    features: Array,
) -> Array:
    """Return the number of the method chosen for one image, -1 without a score."""
    fill = jnp.asarray(fill).astype(features.dtype)
    filled = jnp.where(jnp.isnan(features), fill, features)
    number = chosen(kind, outputs(arrays, depth, filled), mapped, order)
    return jnp.where(jnp.isnan(mapped).all(), -1, number)


@jax.jit(static_argnums=(0, 1))
def _choices(
    kind: str, depth: int, arrays: Any, fill: Any, order: Any, features: Any
) -> Array:
    """Apply ``_choice`` to each row of mapped scores and extra features."""

    def one(row: Array) -> Array:
        return _choice(kind, depth, arrays, fill, order, row[: len(order)], row)

    return jax.lax.map(one, jnp.asarray(features), batch_size=256)


def open_selector(folder: Path | str) -> Selector:
    """Open what ``Selector.save`` has written.

    Raises:
        ValueError: no such folder, one of another version, or a file that does not
            belong to the other.
    """
    record = read_record(folder)
    arrays, _ = files.read(Path(folder) / FORESTS)
    if files.fingerprint(arrays) != record["forests"]:
        raise ValueError(f"{folder}: {FORESTS} does not belong to this {SELECTOR}")
    return replace(selector_of(record, arrays), name=f"{SELECTED_BY}{folder}")


def read_record(folder: Path | str) -> dict[str, Any]:
    """Read ``selector.json``.

    Raises:
        ValueError: see ``open_selector``.
    """
    folder = Path(folder)
    missing = [name for name in (SELECTOR, FORESTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{folder} is not a selector of jiqa select learn: "
            f"it lacks {', '.join(missing)}"
        )
    try:
        record = read_json(folder / SELECTOR)
        known = record["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / SELECTOR} is not the record of a selector ({error})"
        ) from None
    if known != _FORMAT:
        where = f"{folder / SELECTOR}"
        raise ValueError(expected(where, f"format {_FORMAT}", f"{known}"))
    return record


def selector_of(record: Mapping[str, Any], arrays: Mapping[str, Any]) -> Selector:
    """Make a selector from its record and its forests' arrays, if there are any."""
    return Selector(
        record["kind"],
        tuple(method["name"] for method in record["methods"]),
        Curves.from_json(record["methods"]),
        np.array(record["order"]),
        tuple(record["features"]),
        np.array(record["fill"], np.float64),
        Forests(arrays, record["depth"]),
        record["direction"],
        record["facts"],
    )

"""The sets of weights that jiqa knows, by name."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from jiqa.checks import unknown
from jiqa.weights import heads
from jiqa.weights import networks as published
from jiqa.weights.run_sets import is_folder, run_set
from jiqa.weights.weight_set import WeightSet


@functools.cache
def all_sets() -> Mapping[str, WeightSet]:
    """Every set by name."""
    sets = (*published.networks(), *heads.heads())
    return MappingProxyType({s.name: s for s in sets})


def get_set(name: str) -> WeightSet:
    """One set; ``run:FOLDER`` and ``selector:FOLDER`` name that of a folder.

    Raises:
        ValueError: no such set; names the closest.
    """
    if is_folder(name):
        return run_set(name)
    sets = all_sets()
    if name in sets:
        return sets[name]
    raise ValueError(unknown("weights", name, sets, f"sets: {', '.join(sets)}"))

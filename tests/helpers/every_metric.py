"""Every metric with small images, deep ones with random parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import jiqa
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.loaded import Loaded
from jiqa.registry import get_metric
from jiqa.weights import Weights
from tests.helpers.deep_cases import CASES, random_params

CLASSICAL = jiqa.list_metrics(classical=True)
NAMES = (*CLASSICAL, *(case for case in CASES if case != "alexnet"))


class Case(NamedTuple):
    """A metric, its options, the parameters that come first, and its images."""

    member: BoundMetric
    params: tuple[Any, ...]
    images: tuple[jax.ShapeDtypeStruct, ...]

    @property
    def score(self) -> Callable[..., Any]:
        """The function ``(*params, *images)``."""
        return functools.partial(self.member.metric, **self.member.options)

    def noise(self) -> tuple[np.ndarray, ...]:
        """Images of these shapes."""
        rng = np.random.default_rng(7)
        return tuple(rng.random(x.shape, np.float32) for x in self.images)


def case_of(name: str, batch: tuple[int, ...] = ()) -> Case:
    """A metric by name, or one of ``deep_cases`` by its own."""
    known, options = CASES.get(name, (name, {}))
    member = BoundMetric(get_metric(known), options)
    side = max(member.min_side, 32)
    image = jax.ShapeDtypeStruct((*batch, side, side, 3), np.float32)
    params = (random_params(name),) if name in CASES else ()
    return Case(member, params, (image,) * (1 + member.needs_reference))


def loaded_of(name: str) -> Loaded[Any, Any]:
    """What ``jiqa.load`` returns, with random parameters in their first set."""
    case, sets = case_of(name), {}
    if case.member.spec is not None:
        for number, each in enumerate(case.member.spec.weights):
            params = (
                {} if number else {k: np.asarray(v) for k, v in case.params[0].items()}
            )
            sets[each] = Weights(each, params, "folder", Path(), "", "", "", None)
    return Loaded([case.member], single=True, weights=sets)

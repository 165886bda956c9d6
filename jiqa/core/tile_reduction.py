"""A comparison cut up, so that parts of an image can be summed up.

Every step goes over all parts: it summarises each, the summaries are merged, and what
they become together is known to the steps that follow. A whole image is one part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

_ALL = slice(None)


class Mean(NamedTuple):
    """A mean over the places of a part, and how many these are."""

    value: Array
    count: Array

    def then(self, linear: Callable[[Array], Array]) -> Mean:
        """The mean of a linear function of what this is the mean of."""
        return Mean(linear(self.value), self.count)


class Place(NamedTuple):
    """Where a part lies in the whole of one map; rows, then columns.

    Attributes:
        size: samples of the whole map.
        origin: the whole map's indices of the part's first own sample.
        own: its own samples among those that it has; the rest is rim.
    """

    size: tuple[int, int]
    origin: tuple[Any, Any] = (0, 0)
    own: tuple[slice, slice] = (_ALL, _ALL)


class Part(NamedTuple):
    """Feature maps ``[h, w, maps]`` of a pair in one part of the image.

    Attributes:
        reference: maps by the name of the layer, and ``"image"``.
        distorted: the same of the other image.
        places: where they lie.
        known: what all parts together became in each of the steps before.
    """

    reference: Mapping[str, Array]
    distorted: Mapping[str, Array]
    places: Mapping[str, Place]
    known: tuple[Any, ...] = ()

    def pair(self, name: str) -> tuple[Array, Array]:
        """One layer's maps, with their rim."""
        return self.reference[name], self.distorted[name]

    def own(self, name: str, values: Array) -> Array:
        """Values at each place of a layer, those of the rim left out."""
        return values[self.places[name].own]

    def mean(self, name: str, values: Array) -> Mean:
        """The mean of ``[h, w, ...]`` over its own places, ``[...]``.

        Rows first: float32 rounds less than in one long sum.
        """
        own = self.own(name, values)
        count = jnp.asarray(own.shape[0] * own.shape[1], own.dtype)
        return Mean(own.mean(0).mean(0), count)


def together(a: Any, b: Any) -> Any:
    """Trees of means and sums of two parts as that of both."""

    def merged(a: Any, b: Any) -> Any:
        if not isinstance(a, Mean):
            return a + b
        # Equal means stay exactly what they are.
        count = a.count + b.count
        return Mean(a.value + (b.value - a.value) * (b.count / count), count)

    return jax.tree.map(merged, a, b, is_leaf=_is_mean)


def settled(tree: Any) -> Any:
    """What all parts became, means as plain arrays."""
    return jax.tree.map(lambda v: v.value if _is_mean(v) else v, tree, is_leaf=_is_mean)


def _is_mean(value: Any) -> bool:
    return isinstance(value, Mean)


class Step(NamedTuple):
    """One way over all parts.

    Attributes:
        summarise: ``(params, options, part)``: a tree of arrays and means.
        merge: of the trees of two parts without common own samples, that of both.
    """

    summarise: Callable[..., Any]
    merge: Callable[[Any, Any], Any] = together


@dataclass(frozen=True)
class Pieces:
    """A comparison in steps.

    Attributes:
        steps: in order.
        finish: ``(params, options, *known)``, what each step led to: the score.
        rim: samples that a step must see around those that it answers for.
        work: memory of a step, in maps of the largest layer.
    """

    steps: tuple[Step, ...]
    finish: Callable[..., Any]
    rim: int = 0
    work: int = 0


def in_one_piece(
    pieces: Pieces,
    params: Any,
    options: Any,
    reference: Mapping[str, Array],
    distorted: Mapping[str, Array],
) -> Any:
    """The score of whole maps."""
    places = {
        name: Place((maps.shape[0], maps.shape[1])) for name, maps in reference.items()
    }
    known: tuple[Any, ...] = ()
    for step in pieces.steps:
        part = Part(reference, distorted, places, known)
        known = (*known, settled(step.summarise(params, options, part)))
    return pieces.finish(params, options, *known)

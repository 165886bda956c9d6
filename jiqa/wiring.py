"""What a metric with learned parameters is made of, and what it needs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jax import Array

from jiqa.nn.layers import Node
from jiqa.nn.preprocessing import Preprocessing, standardise
from jiqa.options import hashable

Shapes = Mapping[str, tuple[int, ...]]
#: Learned parameters by flat key.
Params = Mapping[str, Any]
#: Feature maps ``[h, w, maps]`` by the name of the layer, and ``"image"``.
Maps = Mapping[str, Array]
#: A metric's options as attributes: a frozen dataclass made of its signature.
Options = Any


@dataclass(frozen=True)
class Wiring:
    """What a metric with learned parameters needs, with certain options.

    Attributes:
        weights: names of the sets of weights.
        shapes: key and shape of every parameter in them.
        min_side: the smallest shorter side.
        nodes: the network that is tapped.
        taps: names of the nodes whose output is compared.
        preprocess: from an image in [0, 1] to what the network takes.
    """

    weights: tuple[str, ...]
    shapes: Shapes
    min_side: int
    nodes: tuple[Node, ...]
    taps: tuple[str, ...]
    preprocess: Preprocessing = standardise


@dataclass(frozen=True)
class Pieces:
    """A comparison cut in two, so that parts of an image can be summed up.

    Attributes:
        summarise: ``(params, options, features, features)``: a tree of arrays.
        merge: of the summaries of two parts without common samples, that of both.
        finish: ``(params, options, summary)``: the score.
        applies: whether it does with certain options.
    """

    summarise: Callable[..., Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[..., Any]
    applies: Callable[[Options], bool] = lambda options: True


@dataclass(frozen=True)
class Learned:
    """What a metric with learned parameters is made of.

    Attributes:
        options: the dataclass of its options.
        wire: ``(options)``: what they need; refuses wrong ones.
        features: ``(params, options, image)`` of one image ``[H, W, C]``.
        compare: ``(params, options, features, features)`` of one pair.
        pieces: the same in pieces, where it can be.
    """

    options: Callable[..., Options]
    wire: Callable[[Options], Wiring]
    features: Callable[..., Any]
    compare: Callable[..., Any]
    pieces: Pieces | None = None

    def chosen(self, given: Mapping[str, Any]) -> Options:
        """All options, those that are not ``given`` at their defaults.

        Raises:
            TypeError: an option that it does not have, or a value that cannot be part
                of a compiled program's name.
        """
        options = self.options(**{k: hashable(v) for k, v in given.items()})
        try:
            hash(options)
        except TypeError as error:
            raise TypeError(f"{options}: needed are plain values ({error})") from None
        return options

    def wiring(self, **given: Any) -> Wiring:
        """What certain options need; the others are at their defaults.

        Raises:
            ValueError: a value that an option does not take.
        """
        return self.wire(self.chosen(given))

    def score(
        self, params: Params, options: Options, reference: Array, distorted: Array
    ) -> Any:
        """``compare`` after ``features``, of one pair ``[H, W, C]``."""
        self.wire(options)  # refuses wrong options
        pair = (self.features(params, options, x) for x in (reference, distorted))
        return self.compare(params, options, *pair)


def options_of(declared: Callable[..., Any]) -> Callable[..., Options]:
    """A frozen dataclass with the keyword options of a function as its fields."""
    fields = [
        (p.name, p.annotation, dataclasses.field(default=p.default))
        for p in inspect.signature(declared).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    return dataclasses.make_dataclass(declared.__name__, fields, frozen=True)

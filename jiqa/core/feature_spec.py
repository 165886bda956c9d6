"""What a metric with learned parameters is made of, and what it needs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jax import Array

from jiqa.checks import expected, hashable
from jiqa.core.tile_reduction import Pieces
from jiqa.nn.graph import Node
from jiqa.nn.preprocessing import Preprocessing, standardise

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
        resize: side of the square that the network sees instead of the image.
        whole: whether the network's classifier is needed too.
        apart: whether the sets are those of several networks, whose keys may be alike:
            then each key is ``SET/KEY``, in ``shapes`` too.
    """

    weights: tuple[str, ...]
    shapes: Shapes
    min_side: int
    nodes: tuple[Node, ...]
    taps: tuple[str, ...]
    preprocess: Preprocessing = standardise
    resize: int | None = None
    whole: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Learned:
    """What a metric with learned parameters is made of.

    Attributes:
        options: the dataclass of its options.
        wire: ``(options)``: what they need; refuses wrong ones.
        features: ``(params, options, image)`` of one image ``[H, W, C]``.
        compare: ``(params, options, features, features)`` of one pair; without a
            reference, ``(params, options, features)``.
        cut: ``(options)``: the same in pieces, of maps as they come; refuses options
            with which it cannot be cut.
    """

    options: Callable[..., Options]
    wire: Callable[[Options], Wiring]
    features: Callable[..., Any]
    compare: Callable[..., Any]
    cut: Callable[[Options], Pieces] | None = None

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
            wanted = "values that can be hashed"
            raise TypeError(
                expected("options", wanted, f"{options}", str(error))
            ) from None
        return options

    def wiring(self, **given: Any) -> Wiring:
        """What certain options need; the others are at their defaults.

        Raises:
            ValueError: a value that an option does not take.
        """
        return self.wire(self.chosen(given))

    def pieces(self, options: Options) -> Pieces:
        """How two sets of maps are compared by parts of the image.

        Raises:
            ValueError: this cannot be; says why.
        """
        name = type(options).__name__
        if self.cut is None:
            raise ValueError(f"{name} cannot be computed in tiles")
        if self.wire(options).resize is not None:
            raise ValueError(
                f"{name} cannot be computed in tiles: with "
                f"resize={options.resize} the network sees one small image"
            )
        try:
            return self.cut(options)
        except ValueError as error:
            raise ValueError(f"{name} cannot be computed in tiles: {error}") from None

    def score(self, params: Params, options: Options, *images: Array) -> Any:
        """``compare`` after ``features``, of one image or pair ``[H, W, C]``."""
        self.wire(options)  # refuses wrong options
        found = (self.features(params, options, x) for x in images)
        return self.compare(params, options, *found)


def options_of(declared: Callable[..., Any]) -> Callable[..., Options]:
    """A frozen dataclass with the keyword options of a function as its fields."""
    fields = [
        (p.name, p.annotation, dataclasses.field(default=p.default))
        for p in inspect.signature(declared).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    return dataclasses.make_dataclass(declared.__name__, fields, frozen=True)

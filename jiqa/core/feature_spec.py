"""What a deep metric is made of, and which features and parameters it needs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jax import Array

from jiqa.checks import expected, hashable
from jiqa.core.tile_reduction import TileReduction
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
class FeatureSpec:
    """What a deep metric needs, with certain options.

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
class DeepSteps:
    """The two steps of a deep metric, and what they need.

    Attributes:
        options: the dataclass of its options.
        spec: ``(options)``: what they need; refuses wrong ones.
        features: ``(params, options, image)`` of one image ``[H, W, C]``.
        compare: ``(params, options, features, features)`` of one pair; without a
            reference, ``(params, options, features)``.
        tiles: ``(options)``: the comparison as sums over tiles of the maps; refuses
            options with which it cannot be cut.
    """

    options: Callable[..., Options]
    spec: Callable[[Options], FeatureSpec]
    features: Callable[..., Any]
    compare: Callable[..., Any]
    tiles: Callable[[Options], TileReduction] | None = None

    def with_defaults(self, given: Mapping[str, Any]) -> Options:
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

    def spec_for(self, **given: Any) -> FeatureSpec:
        """What certain options need; the others are at their defaults.

        Raises:
            ValueError: a value that an option does not take.
        """
        return self.spec(self.with_defaults(given))

    def tile_reduction(self, options: Options) -> TileReduction:
        """How two sets of maps are compared by tiles of the image.

        Raises:
            ValueError: this cannot be; says why.
        """
        name = type(options).__name__
        if self.tiles is None:
            raise ValueError(f"{name} cannot be computed in tiles")
        if self.spec(options).resize is not None:
            raise ValueError(
                f"{name} cannot be computed in tiles: with resize="
                f"{self.spec(options).resize} the network sees one small image"
            )
        try:
            return self.tiles(options)
        except ValueError as error:
            raise ValueError(f"{name} cannot be computed in tiles: {error}") from None

    def score(self, params: Params, options: Options, *images: Array) -> Any:
        """``compare`` after ``features``, of one image or pair ``[H, W, C]``."""
        self.spec(options)  # refuses wrong options
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

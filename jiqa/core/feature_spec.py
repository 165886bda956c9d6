"""The steps of a deep metric, and the features and parameters that it needs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jax import Array

from jiqa.checks import expected, hashable
from jiqa.core.tile_reduction import Extents, TileReduction
from jiqa.nn.any_size import map_extents
from jiqa.nn.graph import Node, fits
from jiqa.nn.preprocessing import Preprocessing, standardise
from jiqa.ops.extent import Extent

Shapes = Mapping[str, tuple[int, ...]]
#: Learned parameters by flat key.
Params = Mapping[str, Any]
#: Feature maps ``[h, w, maps]`` by the name of the layer, and ``"image"``.
Maps = Mapping[str, Array]
#: A metric's options as attributes: a frozen dataclass made from its signature.
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
        whole: whether the network's classifier is required too.
        apart: whether the sets belong to several networks, whose keys may coincide:
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

    def fits(self, height: int, width: int) -> bool:
        """Whether the network takes images of that size.

        Where branches halve the maps in different ways, some sizes above ``min_side``
        do not fit.
        """
        if self.resize is not None or not self.nodes:
            return True
        return fits(self.nodes, self.taps, height, width)

    def extents(self, extent: Extent) -> Extents:
        """What of the image and of each tapped map belongs to an image in ``extent``.

        A network that sees a resized image has whole maps; without one there are none.
        """
        found = {"image": extent}
        if self.resize is None and self.nodes:
            maps = map_extents(self.nodes, self.taps, extent)
            found |= {tap: maps[tap] for tap in self.taps}
        return found


@dataclass(frozen=True)
class DeepSteps:
    """The two steps of a deep metric, and what they require.

    Attributes:
        options: the dataclass of its options.
        spec: ``(options)``: what they need; rejects wrong ones.
        features: ``(params, options, image)`` of one image ``[H, W, C]``.
        compare: ``(params, options, features, features)`` of one pair; without a
            reference, ``(params, options, features)``.
        any_size: ``(options)``: whether one program can score images of many sizes. If
            so ``features`` takes ``extent``, what of its array is the image, and
            ``compare`` takes ``extents`` by the names of the maps.
        tiles: ``(options)``: the comparison as sums over tiles of the maps; rejects
            options with which it cannot be tiled.
    """

    options: Callable[..., Options]
    spec: Callable[[Options], FeatureSpec]
    features: Callable[..., Any]
    compare: Callable[..., Any]
    tiles: Callable[[Options], TileReduction] | None = None
    any_size: Callable[[Options], bool] = lambda options: False

    def with_defaults(self, given: Mapping[str, Any]) -> Options:
        """All options, with defaults for those that are not ``given``.

        Raises:
            TypeError: an unknown option, or a value that cannot be part of a compiled
                program's name.
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
        """The feature spec for some options; the others have their defaults.

        Raises:
            ValueError: an option has a value that it does not accept.
        """
        return self.spec(self.with_defaults(given))

    def tile_reduction(self, options: Options) -> TileReduction:
        """How two sets of maps are compared, tile by tile of the image.

        Raises:
            ValueError: these options cannot be tiled; the message gives the reason.
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

    def score(
        self,
        params: Params,
        options: Options,
        *images: Array,
        extent: Extent | None = None,
    ) -> Any:
        """Apply ``compare`` after ``features`` to one image or pair ``[H, W, C]``.

        Raises:
            ValueError: an ``extent`` for options that are not ``any_size``.
        """
        spec = self.spec(options)  # rejects wrong options
        if extent is None:
            found = (self.features(params, options, x) for x in images)
            return self.compare(params, options, *found)
        if not self.any_size(options):
            raise ValueError(f"{options} has no program for images of any size")
        found = (self.features(params, options, x, extent=extent) for x in images)
        return self.compare(params, options, *found, extents=spec.extents(extent))


def options_of(declared: Callable[..., Any]) -> Callable[..., Options]:
    """Make a frozen dataclass whose fields are the keyword options of a function."""
    fields = [
        (p.name, p.annotation, dataclasses.field(default=p.default))
        for p in inspect.signature(declared).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    return dataclasses.make_dataclass(declared.__name__, fields, frozen=True)

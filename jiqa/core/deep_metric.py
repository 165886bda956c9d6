"""Metrics that compare features of networks with learned parameters.

Such a metric is written as two pure functions of single images: ``features`` of one
image, and ``compare`` of two sets of features. So the features of one reference serve
all its distorted versions, and one pass through a network serves every metric that
taps it: jiqa gives all of them the same parameters, and the compiler computes what they
share once. The public function is only a declaration: its signature lists the options
and its docstring explains them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.batching import over_batch, over_features
from jiqa.core.feature_spec import (
    DeepSteps,
    FeatureSpec,
    Maps,
    Options,
    Params,
    Shapes,
    options_of,
)
from jiqa.core.images import as_image, check_min_side, check_range
from jiqa.core.metric import Arguments, Info, Metric
from jiqa.core.tile_reduction import Extents, TileReduction, over_whole_maps
from jiqa.nn.any_size import run_within
from jiqa.nn.graph import Node, run, shapes, until
from jiqa.nn.graph import min_side as smallest
from jiqa.nn.parameters import check
from jiqa.nn.preprocessing import Preprocessing, standardise
from jiqa.ops.extent import Extent
from jiqa.ops.padded_resize import padded_imresize
from jiqa.ops.resize import imresize


class DeepMetric(Metric[Arguments]):
    """A metric with parameters: ``metric(params, reference, distorted)``.

    ``params`` is one flat dictionary of arrays (``jiqa.weights.load_together``).
    ``features`` and ``compare`` are its two steps; they take any leading dimensions,
    and one reference's features may be compared with those of many images.
    """

    deep: DeepSteps

    def __init__(
        self,
        declared: Callable[Arguments, Any],
        info: Info,
        steps: DeepSteps,
        *,
        digest: str = "",
    ) -> None:
        """Make a metric from its steps; see ``Metric``."""
        super().__init__(declared, info, deep=steps, digest=digest)
        usual = steps.with_defaults({})
        self.any_size = steps.any_size(usual)

        @functools.partial(jax.jit, static_argnames="options")
        def compiled(params: Any, *images: Any, options: Options = usual) -> Any:
            def one(params: Any, *pair: Array) -> Any:
                return steps.score(params, options, *pair)

            return over_batch(one, images, {}, whole=(params,))

        @functools.partial(jax.jit, static_argnames="options")
        def features(params: Any, images: Any, options: Options) -> Any:
            def one(params: Any, image: Array) -> Any:
                return steps.features(params, options, image)

            return over_batch(one, (images,), {}, whole=(params,))

        @functools.partial(jax.jit, static_argnames="options")
        def compare(params: Any, *found: Any, options: Options) -> Any:
            def one(params: Any, *pair: Any) -> Any:
                return steps.compare(params, options, *pair)

            return over_features(one, *found, whole=params)

        @functools.wraps(declared)
        def core(
            params: Any, *images: Any, extent: Extent | None = None, **given: Any
        ) -> Any:
            options = steps.with_defaults(given)
            return steps.score(params, options, *images, extent=extent)

        self.core, self.compiled = core, compiled
        self._features, self._compare = features, compare

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Array:
        """Score images ``[..., H, W, C]``, the parameters first."""
        named = dict(kwargs)
        params, *rest = args if args else (named.pop("params", None),)
        if not isinstance(params, Mapping):
            self._checked_options(params, {})  # says how to get them
        images, given = self.sorted_arguments(tuple(rest), named)
        checked = self.checked_images(images, given)
        return self.compiled(
            params, *checked, options=self._checked_options(params, given)
        )

    def features(self, params: Params, images: Any, **options: Any) -> Any:
        """Compute the features of images ``[..., H, W, C]``.

        Args:
            params: flat dictionary of parameters.
            images: in [0, 1].
            **options: the metric's options.

        Returns:
            A tree of arrays with the images' leading dimensions.

        Raises:
            TypeError: an unknown option, or ``params`` is no dictionary of parameters.
            ValueError: a wrong option, parameters that do not fit, or an image that is
                invalid or too small.
        """
        self.check_options(options)
        images = as_image(images, "images")
        check_range(images, "images")
        check_min_side(images.shape, self.min_side(**options), self.info.name)
        chosen = self._checked_options(params, options)
        return self._features(params, images, options=chosen)

    def compare(
        self, params: Params, reference: Any, distorted: Any, **options: Any
    ) -> Any:
        """Score features, image by image.

        Args:
            params: flat dictionary of parameters.
            reference: ``features`` of one reference, or of as many as ``distorted``.
            distorted: ``features`` of the distorted images.
            **options: the options that the features were computed with.

        Returns:
            Scores with the leading dimensions of the distorted images.

        Raises:
            TypeError: an unknown option, or ``params`` is no dictionary of parameters.
            ValueError: a wrong option, parameters that do not fit, or leading
                dimensions that do not match.
        """
        self.check_options(options)
        chosen = self._checked_options(params, options)
        return self._compare(params, reference, distorted, options=chosen)

    def _checked_options(self, params: Any, given: Mapping[str, Any]) -> Options:
        """All options, after a check that ``params`` is flat and has what they need."""
        name, options = self.info.name, self.deep.with_defaults(given)
        spec = self.deep.spec(options)
        hint = (
            f"params = jiqa.weights.load_together({spec.weights!r}"
            f"{', whole=True' if spec.whole else ''})[0]"
        )
        if not isinstance(params, Mapping):
            took = ", ".join(("params", *self.images))
            raise TypeError(
                expected(
                    f"{name}({took})",
                    "parameters (a flat dictionary) before the images",
                    "none" if params is None else type(params).__name__,
                    f"{hint}; jiqa.load({name!r}) has them bound",
                )
            )
        check(params, spec.shapes, f"params of {name} (published: {hint})", others=True)
        return options


def deep_metric(
    *,
    spec: Callable[[Options], FeatureSpec],
    tiles: Callable[[Options], TileReduction] | None = None,
    compare: Callable[..., Any] | None = None,
    features: Callable[..., Any] | None = None,
    any_size: Callable[[Options], bool] | None = None,
    digest: str = "",
    **fields: Any,
) -> Callable[[Callable[Arguments, Any]], DeepMetric[Arguments]]:
    """Make a metric from a declaration ``(params, reference, distorted, *, options)``.

    The declaration has a signature and a docstring but no body: the metric is
    ``compare`` after ``features``. Both take all options as the attributes of one
    frozen object, made from the signature.

    Args:
        spec: ``(options)``: what they need; rejects wrong ones.
        tiles: ``(options)``: the comparison of two sets of maps as sums over tiles;
            rejects options with which that is not possible.
        compare: ``(params, options, features, features)`` of one pair, where this is
            more than ``tiles`` over the whole image.
        features: ``(params, options, image)``: a tree of arrays, one of which,
            ``"image"``, is the image ``[H, W, C]``; by default that and the maps of the
            layers that are tapped.
        any_size: ``(options)``: whether one program can score images of many sizes with
            them (see ``DeepSteps``); by default yes, if ``compare`` and ``features``
            are the usual ones.
        digest: digest of the file that describes the metric, if there is one.
        **fields: the fields of ``Info`` that do not follow from the other arguments;
            ``kind`` where there is no reference.
    """
    # Deriving it anew would take up to a millisecond of every call.
    cached = functools.lru_cache(maxsize=64)(spec)

    def maps(
        params: Params, options: Options, image: Array, extent: Extent | None = None
    ) -> dict[str, Array]:
        return tapped_features(cached(options), params, image, extent)

    def scores(
        params: Params,
        options: Options,
        *pair: Maps,
        extents: Extents = MappingProxyType({}),
    ) -> Any:
        assert tiles is not None
        return over_whole_maps(tiles(options), params, options, *pair, extents=extents)

    plain = features is None and compare is None

    def made(declared: Callable[Arguments, Any]) -> DeepMetric[Arguments]:
        steps = DeepSteps(
            options_of(declared),
            cached,
            features or maps,
            compare or scores,
            tiles,
            any_size or (lambda options: plain),
        )
        usual = cached(steps.with_defaults({}))
        info = Info(
            name=declared.__name__,
            min_side=usual.min_side,
            weights=usual.weights,
            **{"kind": "full-reference", **fields},
        )
        return DeepMetric(declared, info, steps, digest=digest)

    return made


def tapped(
    weights: Sequence[str],
    layers: Sequence[Node],
    taps: Sequence[str],
    *,
    heads: Shapes = MappingProxyType({}),
    min_side: int | None = None,
    samples: int = 1,
    preprocess: Preprocessing = standardise,
    resize: int | None = None,
    whole: bool = False,
) -> FeatureSpec:
    """The feature spec of a metric that taps one network.

    Args:
        weights: names of the sets of weights, the network's first.
        layers: the network.
        taps: names of the layers whose output is used.
        heads: keys and shapes of parameters beside the network's.
        min_side: smallest shorter side; by default, the side that leaves ``samples``
            along a side at every tap.
        samples: see ``min_side``.
        preprocess: from an image in [0, 1] to what the network takes.
        resize: side of the square that images are resized to after that.
        whole: whether ``taps`` are in the network's classifier too.
    """
    needed = dict(shapes(until(layers, taps)))
    if min_side is None:
        min_side = 1 if resize else smallest(layers, taps, samples)
    return FeatureSpec(
        tuple(weights),
        needed | dict(heads),
        min_side,
        tuple(layers),
        tuple(taps),
        preprocess,
        resize,
        whole,
    )


def tapped_features(
    spec: FeatureSpec, params: Params, image: Array, extent: Extent | None = None
) -> dict[str, Array]:
    """An image ``[H, W, C]`` in [0, 1] and its tapped feature maps, by name.

    With an ``extent``, of the image in it; ``spec.extents`` says what of the maps then
    counts.
    """
    ready = spec.preprocess(image)
    if spec.resize is not None:
        planes = _square(jnp.moveaxis(ready, -1, 0), spec.resize, extent)
        ready = jnp.moveaxis(planes, 0, -1)
    elif extent is not None:
        found = run_within(spec.nodes, params, ready, spec.taps, extent)
        return {"image": image, **found}
    return {"image": image, **run(spec.nodes, params, ready, spec.taps)}


def _square(planes: Array, side: int, extent: Extent | None) -> Array:
    """Planes ``[C, H, W]``, or the image in them, bicubically resized to a square."""
    if extent is None:
        return imresize(planes, size=(side, side))
    return padded_imresize(planes, (side, side), "bicubic", source=extent)

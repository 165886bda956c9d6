"""The door of metrics that compare features of networks with learned parameters.

Such a metric is written as two pure functions of single images: ``features`` of one
image, and ``compare`` of two sets of features. So the features of one reference serve
all its distorted versions, and one pass through a network serves every metric that
taps it: jiqa gives all of them the same parameters, and the compiler computes what is
alike once. The public function only declares: its signature says which options there
are, once, and its docstring what they mean.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.batching import over_batch, over_features
from jiqa.core.feature_spec import (
    Learned,
    Maps,
    Options,
    Params,
    Shapes,
    Wiring,
    options_of,
)
from jiqa.core.images import as_image, check_min_side, check_range
from jiqa.core.metric import Info, Metric, bind, check_options, checked_images
from jiqa.core.tile_reduction import Pieces, in_one_piece
from jiqa.nn.graph import Node, run, shapes, until
from jiqa.nn.graph import min_side as smallest
from jiqa.nn.parameters import check
from jiqa.nn.preprocessing import Preprocessing, standardise
from jiqa.ops.resize import imresize

_IMAGES = ("reference", "distorted")


class LearnedMetric(Metric, Protocol):
    """A public metric with parameters: ``metric(params, reference, distorted)``.

    ``params`` is one flat dictionary of arrays (``jiqa.weights.load_together``).
    ``features(params, images, **options)`` and
    ``compare(params, reference's, distorted's, **options)`` are its two steps, which
    take any leading dimensions; one reference's features may meet many images'.
    """

    features: Callable[..., Any]
    compare: Callable[..., Any]


def learned_reference(
    *,
    wiring: Callable[[Options], Wiring],
    pieces: Callable[[Options], Pieces] | None = None,
    compare: Callable[..., Any] | None = None,
    features: Callable[..., Any] | None = None,
    **fields: Any,
) -> Callable[[Callable[..., Any]], LearnedMetric]:
    """Make a metric of a declaration ``(params, reference, distorted, *, options)``.

    What is declared has a signature and a docstring, and no body of its own: the
    metric is ``compare`` after ``features``. These take all options as the attributes
    of one frozen object, made of the signature.

    Args:
        wiring: ``(options)``: what they need; refuses wrong ones.
        pieces: ``(options)``: how two sets of maps are compared, by parts; refuses
            options with which that is not possible.
        compare: ``(params, options, features, features)`` of one pair, where there is
            more to it than ``pieces`` of the whole.
        features: ``(params, options, image)``: a tree of arrays, one of which,
            ``"image"``, is the image ``[H, W, C]``; by default that and the maps of the
            layers that are tapped.
        **fields: those of ``Info`` that follow from nothing here.
    """

    def wrap(declared: Callable[..., Any]) -> LearnedMetric:
        # To derive it anew would take up to a millisecond of every call.
        wire = functools.lru_cache(maxsize=64)(wiring)

        def maps(params: Params, options: Options, image: Array) -> dict[str, Array]:
            return tapped_features(wire(options), params, image)

        def scores(params: Params, options: Options, *pair: Maps) -> Any:
            assert pieces is not None
            return in_one_piece(pieces(options), params, options, *pair)

        learned = Learned(
            options_of(declared), wire, features or maps, compare or scores, pieces
        )
        usual = learned.chosen({})
        options = tuple(field.name for field in dataclasses.fields(usual))
        info = Info(
            name=declared.__name__,
            kind="full-reference",
            min_side=wire(usual).min_side,
            weights=wire(usual).weights,
            **fields,
        )

        @functools.wraps(declared)
        def core(params: Any, *images: Any, **given: Any) -> Any:
            return learned.score(params, learned.chosen(given), *images)

        @functools.partial(jax.jit, static_argnames="chosen")
        def compiled(params: Any, *images: Any, chosen: Any = usual) -> Any:
            one = functools.partial(learned.score, params, chosen)
            return over_batch(one, images, {})

        @functools.wraps(declared)
        def metric(params: Any, *images: Any, **given: Any) -> Any:
            images, given = bind(info.name, _IMAGES, options, images, given)
            checked = checked_images(images, [(public, given)])
            chosen = _checked_options(public, params, given)
            return compiled(params, *checked, chosen=chosen)

        public = cast(Any, metric)
        public.info, public.core, public.compiled = info, core, compiled
        public.images, public.options, public.arrays = _IMAGES, options, ()
        public.min_side = lambda **given: learned.wiring(**given).min_side
        public.learned = learned
        public.features, public.compare = _features(public), _compare(public)
        return cast(LearnedMetric, public)

    return wrap


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
) -> Wiring:
    """The wiring of a metric that taps one network.

    Args:
        weights: names of the sets, the network's first.
        layers: the network.
        taps: names of the layers whose output is used.
        heads: keys and shapes of further parameters.
        min_side: by default, what leaves ``samples`` along a side at every tap.
        samples: see ``min_side``.
        preprocess: from an image in [0, 1] to what the network takes.
        resize: side of the square that images are resized to after that.
        whole: whether ``taps`` are in the network's classifier too.
    """
    needed = dict(shapes(until(layers, taps)))
    if min_side is None:
        min_side = 1 if resize else smallest(layers, taps, samples)
    return Wiring(
        tuple(weights),
        needed | dict(heads),
        min_side,
        tuple(layers),
        tuple(taps),
        preprocess,
        resize,
        whole,
    )


def tapped_features(wiring: Wiring, params: Params, image: Array) -> dict[str, Array]:
    """An image ``[H, W, C]`` in [0, 1] with the maps that are tapped, by name."""
    ready = wiring.preprocess(image)
    if wiring.resize is not None:
        size = (wiring.resize, wiring.resize)
        planes = imresize(jnp.moveaxis(ready, -1, 0), size=size)
        ready = jnp.moveaxis(planes, 0, -1)
    return {"image": image, **run(wiring.nodes, params, ready, wiring.taps)}


def _features(metric: LearnedMetric) -> Callable[..., Any]:
    learned = cast(Learned, metric.learned)

    @functools.partial(jax.jit, static_argnames="chosen")
    def compiled(params: Any, images: Any, chosen: Options) -> Any:
        one = functools.partial(learned.features, params, chosen)
        return over_batch(one, (images,), {})

    def features(params: Params, images: Any, **given: Any) -> Any:
        check_options(metric.info.name, metric.options, given)
        images = as_image(images, "images")
        check_range(images, "images")
        check_min_side(images.shape, metric.min_side(**given), metric.info.name)
        return compiled(params, images, _checked_options(metric, params, given))

    return features


def _compare(metric: LearnedMetric) -> Callable[..., Any]:
    learned = cast(Learned, metric.learned)

    @functools.partial(jax.jit, static_argnames="chosen")
    def compiled(params: Any, reference: Any, distorted: Any, chosen: Options) -> Any:
        one = functools.partial(learned.compare, params, chosen)
        return over_features(one, reference, distorted)

    def compare(params: Params, reference: Any, distorted: Any, **given: Any) -> Any:
        check_options(metric.info.name, metric.options, given)
        chosen = _checked_options(metric, params, given)
        return compiled(params, reference, distorted, chosen)

    return compare


def _checked_options(
    metric: LearnedMetric, params: Any, given: Mapping[str, Any]
) -> Options:
    """The options, once ``params`` is a flat dictionary with all that they need."""
    name, learned = metric.info.name, cast(Learned, metric.learned)
    options = learned.chosen(given)
    wiring = learned.wire(options)
    hint = (
        f"params = jiqa.weights.load_together({wiring.weights!r}"
        f"{', whole=True' if wiring.whole else ''})[0]"
    )
    if not isinstance(params, Mapping):
        raise TypeError(
            expected(
                f"{name}()",
                "parameters (a flat dictionary) before the images",
                type(params).__name__,
                hint,
            )
        )
    where = f"params of {name} (published: {hint})"
    check(params, wiring.shapes, where, others=True)
    return options

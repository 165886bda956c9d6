"""The door of metrics that compare features of networks with learned parameters.

Such a metric is written as two pure functions of single images: ``features`` of one
image, and ``compare`` of two sets of features. So the features of one reference serve
all its distorted versions, and one pass through a network serves every metric that
taps it: jiqa gives all of them the same parameters, and the compiler computes what is
alike once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

import jax

from jiqa.batches import over_batch, over_features
from jiqa.contract import (
    Info,
    Metric,
    bind,
    check_options,
    checked_images,
    hashable,
)
from jiqa.images import as_image, check_min_side, check_range
from jiqa.nn.layers import Node, shapes, until
from jiqa.nn.layers import min_side as smallest
from jiqa.nn.parameters import check
from jiqa.wiring import Learned, Pieces, Shapes, Wiring

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
    features: Callable[..., Any],
    compare: Callable[..., Any],
    pieces: Pieces | None = None,
    wiring: Callable[..., Wiring],
    **fields: Any,
) -> Callable[[Callable[..., Any]], LearnedMetric]:
    """Make a metric of a function ``(params, reference, distorted, *, options)``.

    Args:
        features: ``(params, image, *, some of the options)``: a tree of arrays, one of
            which, ``"image"``, is the image ``[H, W, C]``.
        compare: ``(params, features, features, *, some of the options)``.
        pieces: the comparison cut in two, where parts of an image can be summed up.
        wiring: what the options need; takes them by keyword and refuses wrong ones.
        **fields: those of ``Info`` that follow from nothing here.
    """

    def wrap(core: Callable[..., Any]) -> LearnedMetric:
        usual = wiring()
        info = Info(
            name=core.__name__,
            kind="full-reference",
            min_side=usual.min_side,
            weights=usual.weights,
            **fields,
        )
        options = tuple(inspect.signature(core).parameters)[1 + len(_IMAGES) :]
        learned = Learned(wiring, features, compare, pieces)

        @functools.partial(jax.jit, static_argnames=options)
        def compiled(params: Any, *images: Any, **given: Any) -> Any:
            return over_batch(functools.partial(core, params, **given), images, {})

        @functools.wraps(core)
        def metric(params: Any, *images: Any, **given: Any) -> Any:
            images, given = bind(info.name, _IMAGES, options, images, given)
            checked = checked_images(images, [(public, given)])
            _check_params(public, params, given)
            given = {k: hashable(v) for k, v in given.items()}
            return compiled(params, *checked, **given)

        public = cast(Any, metric)
        public.info, public.core, public.compiled = info, core, compiled
        public.images, public.options, public.arrays = _IMAGES, options, ()
        public.min_side = lambda **given: wiring(**given).min_side
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
) -> Wiring:
    """The wiring of a metric that taps one network.

    Args:
        weights: names of the sets, the network's first.
        layers: the network.
        taps: names of the layers whose output is used.
        heads: keys and shapes of further parameters.
        min_side: by default, what leaves ``samples`` along a side at every tap.
        samples: see ``min_side``.
    """
    needed = dict(shapes(until(layers, taps)))
    side = smallest(layers, taps, samples) if min_side is None else min_side
    shape = needed | dict(heads)
    return Wiring(tuple(weights), shape, side, tuple(layers), tuple(taps))


def _features(metric: LearnedMetric) -> Callable[..., Any]:
    learned = cast(Learned, metric.learned)

    @functools.partial(jax.jit, static_argnames=metric.options)
    def compiled(params: Any, images: Any, **given: Any) -> Any:
        one = functools.partial(learned.features_of, params, given)
        return over_batch(one, (images,), {})

    def features(params: Mapping[str, Any], images: Any, **given: Any) -> Any:
        check_options(metric.info.name, metric.options, given)
        images = as_image(images, "images")
        check_range(images, "images")
        check_min_side(images.shape, metric.min_side(**given), metric.info.name)
        _check_params(metric, params, given)
        given = {k: hashable(v) for k, v in given.items()}
        return compiled(params, images, **given)

    return features


def _compare(metric: LearnedMetric) -> Callable[..., Any]:
    learned = cast(Learned, metric.learned)

    @functools.partial(jax.jit, static_argnames=metric.options)
    def compiled(params: Any, reference: Any, distorted: Any, **given: Any) -> Any:
        one = functools.partial(learned.compared, params, given)
        return over_features(one, reference, distorted)

    def compare(
        params: Mapping[str, Any], reference: Any, distorted: Any, **given: Any
    ) -> Any:
        check_options(metric.info.name, metric.options, given)
        _check_params(metric, params, given)
        given = {k: hashable(v) for k, v in given.items()}
        return compiled(params, reference, distorted, **given)

    return compare


def _check_params(
    metric: LearnedMetric, params: Any, options: Mapping[str, Any]
) -> None:
    """Raise unless ``params`` is a flat dictionary with all that the options need."""
    name, wiring = metric.info.name, cast(Learned, metric.learned).wiring(**options)
    hint = f"params = jiqa.weights.load_together({wiring.weights!r})[0]"
    if not isinstance(params, Mapping):
        raise TypeError(
            f"{name}() takes its parameters first, a flat dictionary, then the "
            f"images; {type(params).__name__} came ({hint})"
        )
    where = f"params of {name} (published: {hint})"
    check(params, wiring.shapes, where, others=True)

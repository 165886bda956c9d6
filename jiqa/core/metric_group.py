"""Several metrics in one program, so that what they share is computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import hashable
from jiqa.core.batching import over_batch
from jiqa.core.feature_spec import Learned, Options
from jiqa.core.images import to_float
from jiqa.core.metric import Metric, check_options

#: Arrays by flat key, by the name of their set.
Params = Mapping[str, Mapping[str, Any]]


class Prepared(NamedTuple):
    """One reference ``[H, W, C]`` and what the learned metrics make of it."""

    reference: Array
    features: list[Any]


class Joint:
    """Metrics with their options. Its functions are to be traced inside ``jit``.

    All metrics see an image (pair) before the next one is touched, inside one loop, so
    that the compiler computes once what they share: luma and filtered fields, and the
    passes of the same networks. Checks the options, not the images.
    """

    def __init__(self, entries: Sequence[tuple[Metric, Mapping[str, Any]]]) -> None:
        """Take ``(metric, options)`` for each column."""
        for metric, options in entries:
            check_options(metric.info.name, metric.options, options)
        self._metrics = [metric for metric, _ in entries]
        #: Of a learned metric the frozen object of its options.
        self._options: list[Any] = []
        self._masks: dict[str, Any] = {}
        for k, (metric, options) in enumerate(entries):
            if metric.learned is not None:
                self._options.append(metric.learned.chosen(options))
                continue
            arrays = [n for n in metric.arrays if options.get(n) is not None]
            self._masks |= {f"{k} {n}": options[n] for n in arrays}
            self._options.append(
                {n: hashable(v) for n, v in options.items() if n not in arrays}
            )

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the sets of weights that ``params`` must have."""
        return tuple(
            dict.fromkeys(
                name
                for _, options, learned in self._learned()
                for name in learned.wire(options).weights
            )
        )

    @property
    def whole(self) -> frozenset[str]:
        """Names of those sets that must have their network's classifier."""
        wirings = (learned.wire(options) for _, options, learned in self._learned())
        return frozenset(
            name for wiring in wirings if wiring.whole for name in wiring.weights
        )

    def scores(self, params: Params, reference: Any, image: Any) -> list[Any]:
        """Every metric of an image, or of a pair, with any leading dimensions.

        A reference without the image's leading dimensions is one for all images.
        """
        if reference is None or reference.ndim == image.ndim:
            images = (image,) if reference is None else (reference, image)
            return over_batch(self._one(params), images, self._masks)
        if self._masks:
            reference = jnp.broadcast_to(
                reference, (*image.shape[:-3], *reference.shape)
            )
            return self.scores(params, reference, image)
        return self.against(params, self.prepare(params, reference), image)

    def prepare(self, params: Params, reference: Any) -> Prepared:
        """What can be computed of one reference ``[H, W, C]`` once for all images."""
        reference = to_float(reference)
        features: list[Any] = [None] * len(self._metrics)
        for k, options, learned in self._learned():
            if self._metrics[k].info.kind == "no-reference":
                continue
            own = merged(params, learned, options)
            features[k] = learned.features(own, options, reference)
        return Prepared(reference, features)

    def against(self, params: Params, prepared: Prepared, image: Any) -> list[Any]:
        """Every metric of images ``[..., H, W, C]`` beside one prepared reference."""
        dtype = jnp.promote_types(to_float(image).dtype, prepared.reference.dtype)
        prepared = jax.tree.map(lambda v: v.astype(dtype), prepared)

        def one(image: Array) -> list[Any]:
            image = image.astype(dtype)
            out = []
            for k, (metric, options) in enumerate(
                zip(self._metrics, self._options, strict=True)
            ):
                if metric.learned is None:
                    full = metric.info.kind == "full-reference"
                    pair = (prepared.reference, image) if full else (image,)
                    out.append(metric.core(*pair, **options))
                    continue
                own = merged(params, metric.learned, options)
                found = metric.learned.features(own, options, image)
                pair = [prepared.features[k], found]
                if metric.info.kind == "no-reference":
                    pair = [found]
                out.append(metric.learned.compare(own, options, *pair))
            return out

        return over_batch(one, (image,), {})

    def _one(self, params: Params) -> Any:
        def one(*parts: Array, **masks: Array) -> list[Any]:
            out = []
            for k, (metric, options) in enumerate(
                zip(self._metrics, self._options, strict=True)
            ):
                full = metric.info.kind == "full-reference"
                images = parts if full else parts[-1:]
                if metric.learned is not None:
                    own = merged(params, metric.learned, options)
                    out.append(metric.learned.score(own, options, *images))
                    continue
                own = {
                    n: masks[f"{k} {n}"] for n in metric.arrays if f"{k} {n}" in masks
                }
                out.append(metric.core(*images, **options, **own))
            return out

        return one

    def _learned(self) -> list[tuple[int, Options, Learned]]:
        return [
            (k, self._options[k], metric.learned)
            for k, metric in enumerate(self._metrics)
            if metric.learned is not None
        ]


def merged(params: Params, learned: Learned, options: Options) -> dict[str, Any]:
    """The sets that a metric needs with these options, as one flat dictionary."""
    wiring = learned.wire(options)
    found: dict[str, Any] = {}
    for name in wiring.weights:
        start = f"{name}/" if wiring.apart else ""
        found |= {f"{start}{key}": value for key, value in params[name].items()}
    return found

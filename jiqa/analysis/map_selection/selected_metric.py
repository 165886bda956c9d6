"""Chosen feature maps as a metric: ``selected:maps.json``.

It computes the network only as deep as the deepest chosen map lies, of that layer only
the chosen maps, and compares only these.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.map_selection.combination import layer_codes
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.analysis.map_selection.study import LOWER_IS_BETTER
from jiqa.checks import one_of
from jiqa.core.deep_metric import deep_metric
from jiqa.core.feature_spec import DeepSteps, FeatureSpec, Maps, Options, Params
from jiqa.core.metric import Metric
from jiqa.core.tile_reduction import Extents
from jiqa.metrics.deep.cnn_iqm import cnn_iqm
from jiqa.nn.any_size import run_within
from jiqa.nn.graph import Node, run, until
from jiqa.nn.operations import Conv
from jiqa.ops.extent import Extent
from jiqa.ops.logistic import logistic_about

_RANGES = {"ssim": (-1.0, 1.0), "uqi": (-1.0, 1.0)}
_IDENTITIES = {"ssim": 1.0, "uqi": 1.0, "psnr": float("inf")}


def make(name: str, file: str) -> Metric:
    """Make the metric that a file of ``Selection.to_json`` describes.

    Its options are ``output``: ``"score"``, ``"maps"`` for each chosen map's, or
    ``"predicted"`` for the score on the scale of the subjective ones that the maps were
    chosen with.

    Raises:
        ValueError: no such file, another file, or a selection without its network.
    """
    return _made(name, _read(file))


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ValueError(
            f"selected:{file} is not a file of jiqa analyse select ({error})"
        ) from None


@functools.lru_cache(maxsize=16)
def _made(name: str, text: str) -> Metric:
    try:
        selection = Selection.from_json(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        found = as_metric(selection, name, digest)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None
    return found


def as_metric(
    selection: Selection, name: str = "selected_maps", digest: str = ""
) -> Metric:
    """The metric of a selection: ``metric(params, reference, distorted, *, output)``.

    Raises:
        ValueError: the network or the layers of the maps are not known.
    """
    if selection.network is None or selection.metric is None:
        raise ValueError("the network of the maps is unknown: see .described")
    parts = _Parts(selection)

    def declared(
        params: Params,
        reference: Array,
        distorted: Array,
        *,
        output: str = "score",
    ) -> Any:
        """A metric on chosen feature maps.

        Args:
            params: flat; the set of weights of the network.
            reference: image ``[..., H, W, C]`` in [0, 1].
            distorted: image of the same shape.
            output: ``"score"``; ``"maps"``, each chosen map's; or ``"predicted"``, on
                the scale of the subjective scores that the maps were chosen with.

        Returns:
            ``[...]``, of ``"maps"`` ``[..., maps]`` in the order of the choice.
        """

    declared.__name__ = declared.__qualname__ = name
    metric = selection.metric
    lower = metric in LOWER_IS_BETTER
    return deep_metric(
        title=f"{metric} on {len(selection.selected)} chosen maps of "
        f"{selection.network}",
        direction="lower" if lower else "higher",
        range=_RANGES.get(metric, (0.0, float("inf"))),
        identity=_IDENTITIES.get(metric, 0.0),
        symmetric=True,
        colour="rgb",
        citation="maps chosen after T. D. T. Nguyen and S. A. Amirshahi",
        fidelity="paper",
        fidelity_note=f"chosen on {selection.images} images by {selection.criterion}: "
        f"{selection.value:.4f} in-sample",
        spec=parts.spec,
        features=parts.features,
        compare=parts.compare,
        any_size=parts.any_size,
        digest=digest,
    )(declared)


class _Parts:
    """The feature spec of a selection."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        chosen = selection.by_layer()
        given = {
            **selection.options,
            "net": selection.network,
            "metric": selection.metric,
            "per_map": True,
        }
        self._base: DeepSteps = cast(DeepSteps, cnn_iqm.deep)
        whole = self._base.spec_for(**{**given, "layers": tuple(chosen)})
        order = [node.name for node in whole.nodes if node.name in chosen]
        self._numbers = {layer: np.array(chosen[layer]) for layer in order}
        self._options = self._base.with_defaults({**given, "layers": tuple(order)})
        self._spec = self._base.spec(self._options)
        self._last = order[-1]
        self._nodes = _narrowed(self._spec, self._last, len(chosen[self._last]))
        # Where the choice's maps lie among the compared ones, layer after layer.
        lying = [(layer, n) for layer in order for n in chosen[layer]]
        names = zip(selection.layers or (), selection.numbers or (), strict=True)
        self._order = np.array([lying.index(pair) for pair in names])
        self._codes = layer_codes(
            selection.combine, selection.layers, len(selection.selected)
        )

    def spec(self, options: Options) -> FeatureSpec:
        one_of("output", options.output, "score", "maps", "predicted")
        return self._spec

    def any_size(self, options: Options) -> bool:
        """Whether the maps are compared by a metric that can leave out their border."""
        return self._base.any_size(self._options)

    def features(
        self,
        params: Params,
        options: Options,
        image: Array,
        extent: Extent | None = None,
    ) -> Maps:
        """Compute the chosen maps of each layer."""
        last, numbers = self._last, self._numbers
        parameters = {
            key: value[..., numbers[last]] if key.rpartition(".")[0] == last else value
            for key, value in params.items()
        }
        given = parameters, self._spec.preprocess(image), tuple(numbers)
        if extent is None:
            found = run(self._nodes, *given)
        else:
            found = run_within(self._nodes, *given, extent)
        kept = {k: v if k == last else v[..., numbers[k]] for k, v in found.items()}
        return {"image": image, **kept}

    def compare(
        self,
        params: Params,
        options: Options,
        reference: Mapping[str, Array],
        distorted: Mapping[str, Array],
        extents: Extents = MappingProxyType({}),
    ) -> Array:
        pair = reference, distorted
        values = self._base.compare(params, self._options, *pair, extents=extents)
        values = values[self._order]
        if options.output == "maps":
            return values
        score = self._together(values)
        return score if options.output == "score" else self._predicted(score)

    def _together(self, values: Array) -> Array:
        rule = self._selection.combine
        if rule == "geometric":
            magnitude = jnp.abs(values)
            seen = magnitude > 0
            logs = jnp.log(jnp.where(seen, magnitude, 1))
            return jnp.where(seen.all(), jnp.exp(logs.mean()), 0)
        if rule == "mean":
            return values.mean()
        layers = range(int(self._codes.max()) + 1)
        means = [values[np.flatnonzero(self._codes == code)].mean() for code in layers]
        return jnp.stack(means).mean()

    def _predicted(self, score: Array) -> Array:
        mapping, middle = self._selection.mapping, self._selection.middle
        return logistic_about(score, mapping, middle, jnp)


def _narrowed(spec: FeatureSpec, last: str, maps: int) -> tuple[Node, ...]:
    """Cut the network at its deepest tapped layer, narrowed to the chosen maps."""
    nodes = until(spec.nodes, spec.taps)
    assert isinstance(nodes[-1].op, Conv) and nodes[-1].name == last
    op = dataclasses.replace(nodes[-1].op, features=maps)
    return (*nodes[:-1], dataclasses.replace(nodes[-1], op=op))

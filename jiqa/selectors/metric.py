"""Selectors as metrics: ``selector:FOLDER`` wherever a name is taken.

All methods score an image, the selector chooses one, and its score is given on the
scale of the subjective scores that the selector has learned from.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.deep_metric import DeepMetric
from jiqa.core.feature_spec import (
    DeepSteps,
    FeatureSpec,
    Options,
    Params,
    options_of,
)
from jiqa.core.metric import Info, Metric
from jiqa.core.metric_group import MetricGroup
from jiqa.models.parts.method_table import SELECTOR
from jiqa.registry import get_metric, identity
from jiqa.selectors.forest_selector import Selector, read_record, selector_of
from jiqa.weights.registry import get_set
from jiqa.weights.run_sets import FORESTS, run_folder

_OUTPUTS = ("score", "choice")


def make(name: str, file: str) -> Metric:
    """Make the metric of the selector in the folder ``file``.

    Its option is ``output``: ``"score"``, or ``"choice"`` for the number of the chosen
    method, in the order of ``selector.json``.

    Raises:
        ValueError: no selector, one of methods that jiqa does not know or that need a
            reference, one of features that are no method's score, or one whose methods
            have changed since.
    """
    folder = run_folder(name)
    changed = tuple(
        path.stat().st_mtime_ns if path.is_file() else 0
        for path in (folder / SELECTOR, folder / FORESTS)
    )
    current = tuple(map(identity, _metrics_of(read_record(folder))))
    return _metric(name, changed, current)


def _metrics_of(record: Mapping[str, Any]) -> list[str]:
    """Return the metric of each method, without its options."""
    known = record["facts"].get("methods", {})
    labels = [method["name"] for method in record["methods"]]
    return [known.get(label, {}).get("metric", label) for label in labels]


@functools.lru_cache(maxsize=16)
def _metric(name: str, changed: tuple[int, ...], current: tuple[str, ...]) -> Metric:
    """Return a metric, the same until its files, or its methods', are rewritten."""
    record = read_record(run_folder(name))
    selector = selector_of(record, {})
    members = [
        _member(name, label, record["facts"].get("methods", {}).get(label, {}), now)
        for label, now in zip(selector.methods, current, strict=True)
    ]
    if selector.features:
        raise ValueError(
            f"{name} cannot score images: it also chooses by "
            f"{', '.join(selector.features)}, which came from a table"
        )
    scoring = _Scoring(name, selector, members)

    def declared(params: Params, image: Array, *, output: str = "score") -> Any:
        """Score images ``[..., H, W, C]``; keys of ``params`` are ``SET/KEY``."""

    declared.__name__ = declared.__qualname__ = name
    digest = hashlib.sha256((run_folder(name) / SELECTOR).read_bytes())
    for method in current:
        digest.update(method.encode())
    return DeepMetric(
        declared,
        _info(name, record, selector, members, scoring),
        DeepSteps(
            options_of(declared),
            scoring.checked_spec,
            lambda params, options, image: {"image": image},
            lambda params, options, found: scoring.score(
                params, options, found["image"]
            ),
        ),
        digest=digest.hexdigest(),
    )


class _Scoring:
    """All methods, the choice, and the score of the method that is chosen."""

    def __init__(
        self,
        name: str,
        selector: Selector,
        members: list[BoundMetric],
    ) -> None:
        self._name, self._selector = name, selector
        self._group = MetricGroup(members)
        self.min_side = max(member.min_side for member in members)
        #: Keys and shapes by set.
        self._sets = {
            set_name: get_set(set_name).shapes
            for set_name in (*self._group.weights, name)
        }
        self.spec = FeatureSpec(
            weights=tuple(self._sets),
            shapes={
                f"{set_name}/{key}": shape
                for set_name, shapes in self._sets.items()
                for key, shape in shapes.items()
            },
            min_side=self.min_side,
            nodes=(),
            taps=(),
            whole=bool(self._group.whole),
            apart=True,
        )

    def checked_spec(self, options: Options) -> FeatureSpec:
        """Return the feature spec, whatever its options; refuse wrong ones."""
        one_of("output", options.output, *_OUTPUTS)
        return self.spec

    def score(self, params: Mapping[str, Any], options: Options, image: Any) -> Any:
        """Score one image ``[H, W, C]``."""
        sets = {
            set_name: {key: params[f"{set_name}/{key}"] for key in keys}
            for set_name, keys in self._sets.items()
        }
        image = jnp.asarray(image)
        raw = [v.astype(image.dtype) for v in self._group.scores(sets, None, image)]
        choice, score = self._selector.choose(sets[self._name], jnp.stack(raw))
        return score if options.output == "score" else choice.astype(image.dtype)


def _member(
    name: str, label: str, method: Mapping[str, Any], current: str
) -> BoundMetric:
    """Resolve a method with its options; ``method`` is its record."""
    try:
        metric = get_metric(method.get("metric", label))
    except ValueError as error:
        raise ValueError(
            f"{name} cannot score images: it chooses among the methods of a table, of "
            f"which jiqa does not know {label} ({error})"
        ) from None
    if metric.info.kind != "no-reference":
        raise ValueError(
            f"{name} cannot score images without a reference: {label} needs one"
        )
    if method.get("identity", current) != current:
        raise ValueError(
            f"{label} has changed since {name} was learned; learn the selector again"
        )
    return BoundMetric(metric, method.get("options", {}))


def _info(
    name: str,
    record: Mapping[str, Any],
    selector: Selector,
    members: list[BoundMetric],
    scoring: _Scoring,
) -> Info:
    facts = record["facts"]
    colours = {member.metric.info.colour for member in members}
    return Info(
        name=name,
        title=f"the best method for the image, of {', '.join(selector.methods)}",
        kind="no-reference",
        direction=selector.direction,
        range=selector.curves.ends(),
        identity=None,
        symmetric=False,
        min_side=scoring.min_side,
        colour="luma" if colours == {"luma"} else "rgb",
        citation="M. Wagner, H. Lin, S. Li, D. Saupe, Algorithm selection for image "
        "quality assessment, COSEAL workshop 2019, arXiv:1908.06911",
        fidelity="reconstruction",
        fidelity_note=f"{selector.kind}, learned from {facts.get('data', 'a table')} "
        f"({facts.get('images', '?')} images); forests {record['forests'][:16]}",
        weights=scoring.spec.weights,
    )

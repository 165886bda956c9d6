"""Selectors as metrics: ``selector:FOLDER`` wherever a name is taken.

All methods score an image, the selector chooses one, and its score is given on the
scale of people's scores that the selector has learned from.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp

from jiqa.checks import one_of
from jiqa.core.batching import over_batch
from jiqa.core.feature_spec import Learned, Wiring
from jiqa.core.metric import Info, Metric, bind, checked_images
from jiqa.core.metric_group import Joint
from jiqa.models.parts.method_table import SELECTOR
from jiqa.nn.parameters import check
from jiqa.registry import get_metric
from jiqa.registry import identity as identity_of
from jiqa.selectors.forest_selector import Selector, read_record, selector_of
from jiqa.weights.registry import get_set
from jiqa.weights.run_sets import FORESTS, run_folder

_OUTPUTS = ("score", "choice")


def make(name: str, place: str) -> Metric:
    """The metric of the selector in a folder.

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
    current = tuple(map(identity_of, _metrics_of(read_record(folder))))
    return _metric(name, changed, current)


def identity(place: str) -> str:
    """A digest of all that decides the selector's scores."""
    folder = Path(place).expanduser()
    record = read_record(folder)
    digest = hashlib.sha256((folder / SELECTOR).read_bytes())
    for method in _metrics_of(record):
        digest.update(identity_of(method).encode())
    return digest.hexdigest()


def _metrics_of(record: Mapping[str, Any]) -> list[str]:
    """What computes each method, without its options."""
    known = record["facts"].get("methods", {})
    labels = [method["name"] for method in record["methods"]]
    return [known.get(label, {}).get("metric", label) for label in labels]


@dataclass(frozen=True)
class _Options:
    """Of a call."""

    output: str = "score"


@functools.lru_cache(maxsize=16)
def _metric(name: str, changed: tuple[int, ...], current: tuple[str, ...]) -> Metric:
    """The same until its files, or those of its methods, are written anew."""
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
    learned = Learned(
        _Options,
        scoring.wiring,
        lambda params, options, image: {"image": image},
        lambda params, options, found: scoring.score(params, options, found["image"]),
    )
    info = _info(name, record, selector, members, scoring)

    @functools.partial(jax.jit, static_argnames="options")
    def compiled(params: Any, image: Any, options: _Options) -> Any:
        one = functools.partial(scoring.score, params, options)
        return over_batch(one, (image,), {})

    def core(params: Any, image: Any, output: str = "score") -> Any:
        return scoring.score(params, _Options(output), image)

    def metric(params: Any, *images: Any, **given: Any) -> Any:
        """Score images ``[..., H, W, C]``; keys of ``params`` are ``SET/KEY``."""
        images, given = bind(name, ("image",), ("output",), images, given)
        options = _Options(**given)
        wiring = scoring.wiring(options)
        check(params, wiring.shapes, f"params of {name}", others=True)
        return compiled(params, *checked_images(images, [(public, given)]), options)

    public = cast(Any, metric)
    public.info, public.compiled, public.core = info, compiled, core
    public.images, public.options, public.arrays = ("image",), ("output",), ()
    public.min_side, public.learned = lambda **_: info.min_side, learned
    public.__name__ = name
    return cast(Metric, public)


class _Scoring:
    """All methods, the choice, and the score of the method that is chosen."""

    def __init__(
        self,
        name: str,
        selector: Selector,
        members: list[tuple[Metric, Mapping[str, Any]]],
    ) -> None:
        self._name, self._selector = name, selector
        self._joint = Joint(members)
        self.min_side = max(metric.min_side(**given) for metric, given in members)
        #: Keys and shapes by set.
        self._sets = {own: get_set(own).shapes for own in (*self._joint.weights, name)}
        self._wiring = Wiring(
            weights=tuple(self._sets),
            shapes={
                f"{own}/{key}": shape
                for own, shapes in self._sets.items()
                for key, shape in shapes.items()
            },
            min_side=self.min_side,
            nodes=(),
            taps=(),
            whole=bool(self._joint.whole),
            apart=True,
        )

    def wiring(self, options: _Options) -> Wiring:
        one_of("output", options.output, *_OUTPUTS)
        return self._wiring

    def score(self, params: Mapping[str, Any], options: _Options, image: Any) -> Any:
        """Of one image ``[H, W, C]``."""
        sets = {
            own: {key: params[f"{own}/{key}"] for key in keys}
            for own, keys in self._sets.items()
        }
        image = jnp.asarray(image)
        raw = [v.astype(image.dtype) for v in self._joint.scores(sets, None, image)]
        choice, score = self._selector.choose(sets[self._name], jnp.stack(raw))
        return score if options.output == "score" else choice.astype(image.dtype)


def _member(
    name: str, label: str, method: Mapping[str, Any], current: str
) -> tuple[Metric, Mapping[str, Any]]:
    """A method with its options; ``method`` is what was written down of it."""
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
    return metric, method.get("options", {})


def _info(
    name: str,
    record: Mapping[str, Any],
    selector: Selector,
    members: list[tuple[Metric, Mapping[str, Any]]],
    scoring: _Scoring,
) -> Info:
    facts = record["facts"]
    colours = {metric.info.colour for metric, _ in members}
    return Info(
        name=name,
        title=f"the method that fits the image, of {', '.join(selector.methods)}",
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
        weights=scoring.wiring(_Options()).weights,
    )

"""Finding what jiqa has: discovery by module, ``list_metrics`` and ``load``."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax

from jiqa.contract import Info, Metric, checked_images, together


@functools.cache
def all_metrics() -> Mapping[str, Metric]:
    """Every metric found in ``jiqa.metrics``, by name, in alphabetical order.

    A module joins by being there: each public function in it that carries an
    ``info`` is a metric. A module whose name starts with an underscore is a draft
    that its goldens do not hold yet; it stays out.
    """
    package = importlib.import_module("jiqa.metrics")
    found: dict[str, Metric] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"jiqa.metrics.{module_info.name}")
        for value in vars(module).values():
            if isinstance(getattr(value, "info", None), Info):
                found[value.info.name] = value
    return MappingProxyType(dict(sorted(found.items())))


def get_metric(name: str) -> Metric:
    """The public function of one metric.

    Raises:
        ValueError: no such metric; names the closest ones.
    """
    metrics = all_metrics()
    if name in metrics:
        return metrics[name]
    close = difflib.get_close_matches(name.lower().replace("-", "_"), metrics, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise ValueError(f"no metric {name!r}{hint} (jiqa metrics lists all)")


def list_metrics(
    *, kind: str | None = None, classical: bool | None = None
) -> list[str]:
    """Names of the metrics.

    Args:
        kind: only ``"full-reference"`` or ``"no-reference"`` ones.
        classical: ``True`` for those that need no learned weights, ``False`` for
            those that do.
    """
    return [
        name
        for name, metric in all_metrics().items()
        if (kind is None or metric.info.kind == kind)
        and (classical is None or classical == (not metric.info.weights))
    ]


class Loaded:
    """One metric, or several in one compiled pass, with options bound.

    Call it with ``(reference, distorted)``, or ``(image)`` for no-reference metrics.
    One metric returns an array with the leading dimensions of the images, several a
    dictionary of such arrays by name. ``info`` is the metric's ``Info``, or a
    dictionary of them.
    """

    def __init__(
        self, metrics: Mapping[str, Metric], options: Mapping[str, Any], single: bool
    ) -> None:
        """Bind ``options``; use ``jiqa.load`` instead."""
        self.options, self._single = dict(options), single
        self._entries = [(metric, self.options) for metric in metrics.values()]
        infos = {name: metric.info for name, metric in metrics.items()}
        self.info: Any = next(iter(infos.values())) if single else infos
        compute = together(self._entries)

        def scores(*images: Any) -> Any:
            reference = images[0] if len(images) == 2 else None
            values = compute(reference, images[-1])
            return values[0] if single else dict(zip(metrics, values, strict=True))

        self._compiled = jax.jit(scores)

    def __call__(self, *images: Any) -> Any:
        """Score images ``[..., H, W, C]``; see ``jiqa.images`` for what may come."""
        if self._single:  # it has the same checks, and knows when to make them
            metric, options = self._entries[0]
            return metric(*images, **options)
        return self._compiled(*checked_images(images, self._entries))

    def __repr__(self) -> str:
        """Names and options, as they would be typed."""
        names = [metric.info.name for metric, _ in self._entries]
        shown = repr(names[0] if self._single else names)
        extra = "".join(f", {k}={v!r}" for k, v in self.options.items())
        return f"jiqa.load({shown}{extra})"


def load(name: str | Sequence[str], **options: Any) -> Loaded:
    """Return a compiled callable for one metric or for several in one pass.

    Args:
        name: a metric's name, or a sequence of names; several full-reference metrics
            share what they compute alike (luma, pyramids, filtered fields).
        **options: the metric's keyword options; not with several names.

    Raises:
        ValueError: unknown name, or names of different kinds.
        TypeError: options together with several names.

    Example:
        >>> import jiqa, numpy as np
        >>> image = np.zeros((64, 64, 3), np.uint8)
        >>> float(jiqa.load("ssim")(image, image))
        1.0
    """
    if isinstance(name, str):
        return Loaded({name: get_metric(name)}, options, single=True)
    if options:
        raise TypeError(
            "options belong to one metric; load metrics with options one by one"
        )
    metrics = {n: get_metric(n) for n in name}
    kinds = sorted({m.info.kind for m in metrics.values()})
    if len(kinds) != 1:
        raise ValueError(
            f"jiqa.load takes names of one kind; {list(name)} has "
            f"{' and '.join(kinds) or 'none'}"
        )
    return Loaded(metrics, {}, single=False)

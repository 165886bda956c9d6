"""What a metric with learned parameters is made of, and what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jiqa.nn.layers import Node

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Wiring:
    """What a metric with learned parameters needs, with certain options.

    Attributes:
        weights: names of the sets of weights.
        shapes: key and shape of every parameter in them.
        min_side: the smallest shorter side.
        nodes: the network that is tapped.
        taps: names of the nodes whose output is compared.
    """

    weights: tuple[str, ...]
    shapes: Shapes
    min_side: int
    nodes: tuple[Node, ...]
    taps: tuple[str, ...]


@dataclass(frozen=True)
class Pieces:
    """A comparison cut in two, so that parts of an image can be summed up.

    Attributes:
        summarise: ``(params, features, features, *, own options)``: a tree of arrays.
        merge: of the summaries of two parts without common samples, that of both.
        finish: ``(params, summary, *, own options)``: the score.
        applies: whether it does with certain options.
    """

    summarise: Callable[..., Any]
    merge: Callable[[Any, Any], Any]
    finish: Callable[..., Any]
    applies: Callable[[Mapping[str, Any]], bool] = lambda options: True


@dataclass(frozen=True)
class Learned:
    """What a metric with learned parameters is made of.

    Attributes:
        wiring: what it needs, for its options.
        features: ``(params, image, *, own options)`` of one image ``[H, W, C]``.
        compare: ``(params, features, features, *, own options)`` of one pair.
        pieces: the same in pieces, where it can be.
    """

    wiring: Callable[..., Wiring]
    features: Callable[..., Any]
    compare: Callable[..., Any]
    pieces: Pieces | None = None

    def features_of(self, params: Any, options: Mapping[str, Any], image: Any) -> Any:
        """``features`` with those of the metric's options that it knows."""
        return self.features(params, image, **_own(self.features, options))

    def compared(
        self, params: Any, options: Mapping[str, Any], reference: Any, distorted: Any
    ) -> Any:
        """``compare`` with those of the metric's options that it knows."""
        own = _own(self.compare, options)
        return self.compare(params, reference, distorted, **own)

    def of_pieces(
        self,
        step: Callable[..., Any],
        params: Any,
        options: Mapping[str, Any],
        *given: Any,
    ) -> Any:
        """A step of ``pieces`` with those of the metric's options that it knows."""
        return step(params, *given, **_own(step, options))


def _own(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    known = inspect.signature(function).parameters
    return {k: v for k, v in options.items() if k in known}

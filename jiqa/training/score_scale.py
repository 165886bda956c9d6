"""The map from a data set's scale of scores to a model's scale."""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.checks import expected
from jiqa.data.schema import Scale


@dataclass(frozen=True)
class Affine:
    """``score * factor + summand``; a negative factor reverses the scale."""

    factor: float = 1.0
    summand: float = 0.0


def mapping(scale: Scale, span: tuple[float, float]) -> Affine:
    """Map a data set's scale to a model's span, on which higher is better.

    Args:
        scale: of the data set.
        span: lowest and highest score of the model.

    Raises:
        ValueError: all scores of the data set are the same.
    """
    low, high = scale.low, scale.high
    if scale.direction == "lower":
        low, high = high, low
    if low == high:
        raise ValueError(expected("scores", "more than one value", f"all at {low:g}"))
    bottom, top = span
    factor = (top - bottom) / (high - low)
    return Affine(factor, bottom - low * factor)

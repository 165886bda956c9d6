"""Checks of flat dictionaries of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check(
    params: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    where: str,
    *,
    others: bool = False,
) -> None:
    """Raise one ``ValueError`` with every missing, unexpected or wrong key.

    Args:
        params: arrays by flat key.
        shapes: the required keys, with shapes.
        where: what ``params`` are, for the start of the message.
        others: whether other keys are allowed.
    """
    came = {key: tuple(value.shape) for key, value in params.items()}
    missing = [f"{k} {shape}" for k, shape in shapes.items() if k not in came]
    unexpected = [f"{k} {came[k]}" for k in came if k not in shapes and not others]
    misshapen = [
        f"{k}: expected shape {shape}, got {came[k]}"
        for k, shape in shapes.items()
        if k in came and came[k] != shape
    ]
    # JAX would take the bytes for the machine's own order.
    foreign = [k for k, v in params.items() if not getattr(v.dtype, "isnative", True)]
    parts = [
        f"{len(found)} {what}: {'; '.join(found)}"
        for what, found in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
            ("in another byte order than this machine's", foreign),
        )
        if found
    ]
    if parts:
        raise ValueError(f"{where}: " + ". ".join(parts))

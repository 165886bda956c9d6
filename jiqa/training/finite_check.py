"""The finite check: it ends a run whose numbers are NaN or infinite, and says why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from jiqa.training.step import Report

#: Names that a message lists.
_SHOWN = 3


class NotFinite(ArithmeticError):
    """A loss, a gradient or a parameter is NaN or infinite."""


def check(step: int, report: Report, images: Sequence[str] = ()) -> dict[str, float]:
    """Return the figures of an update, once all of it is finite.

    Args:
        step: number of the update, from 1.
        report: the figures of the update.
        images: names of the images that it saw.

    Returns:
        ``loss``, ``norm`` and what else the model logs.

    Raises:
        NotFinite: names the step, the part of the loss and the first parameters and
            gradients that are not finite.
    """
    sums = {"loss": report.loss, **report.logs}
    sums, norm, sound = jax.device_get((sums, report.norm, report.sound))
    means = {k: float(s.total) / max(float(s.count), 1.0) for k, s in sums.items()}
    if not sound:
        params, slopes = _unsound(report.sound_params), _unsound(report.sound_gradients)
        parts = [k for k, v in means.items() if not math.isfinite(v)]
        problems = [
            *([f"{', '.join(parts)} not finite"] if parts else []),
            *([f"parameters {_few(params)} before it"] if params else []),
            *([f"gradients of {_few(slopes)}"] if slopes else []),
            *([f"images {_few([n for n in images if n])}"] if len(images) else []),
        ]
        raise NotFinite(
            f"step {step}: {'; '.join(problems)}. A lower learning rate, clip, or "
            "float32 instead of bfloat16 may help; the last checkpoint is intact"
        )
    return {**means, "norm": float(norm)}


def _unsound(found: Mapping[str, Any]) -> list[str]:
    return [k for k, sound in found.items() if not bool(sound)]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

"""Validation: the quality of a state on images that are not trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

from jiqa.models.model import Variables
from jiqa.training.feed import Feed, on_devices
from jiqa.training.setup import Setup


@dataclass(frozen=True)
class Figures:
    """Figures of a validation.

    Attributes:
        all: figures by name.
        ordered: the share of ordered pairs by kind of distortion, where levels are
            ranked.
        predicted: scores of the images in their order, on the scale that the model is
            trained on; NaN for those that could not be read. Empty where levels are
            ranked.
    """

    all: dict[str, float]
    ordered: dict[str, float]
    predicted: Sequence[float] = ()


def validate(setup: Setup, feed: Feed, program: Any, variables: Variables) -> Figures:
    """Compute the figures over all images of a feed.

    Args:
        setup: of the run.
        feed: each image once, fixed crops.
        program: ``evaluation_step`` on the mesh.
        variables: of the model.

    Returns:
        ``loss`` and what else the model logs, ``n``, the number of images; with scores
        also ``srcc``, ``plcc`` and ``rmse`` (on the scale that the model is trained
        on), with groups ``ordered``: the share of the pairs of levels that the scores
        have in order. ``likelihood``
        is the loss's negative. What cannot be computed, such as the SRCC of constant
        scores, is NaN.
    """
    kinds = {kind: number for number, kind in enumerate(feed.kinds)}
    totals: dict[str, np.ndarray] = {}
    columns: dict[str, list[np.ndarray]] = {"found": []}
    for batch in feed.loader:
        rows = feed.finish(batch)
        found, sums = jax.device_get(program(variables, on_devices(rows, setup.mesh)))
        for key, part in sums.items():
            totals[key] = totals.get(key, np.zeros(2)) + np.array(part, np.float64)
        columns["found"].append(found)
        for key in ("score", "level", "mask", "group"):
            if key in rows:
                columns.setdefault(key, []).append(_everyones(rows[key]))
        numbers = [kinds.get(str(kind), -1) for kind in batch["distortion"]]
        columns.setdefault("kind", []).append(_everyones(np.array(numbers, np.int32)))
    table = {k: np.concatenate(v) for k, v in columns.items()}
    figures: dict[str, float] = {
        k: float(total / count) if count else math.nan
        for k, (total, count) in totals.items()
    }
    figures["n"] = int(table["mask"].sum())
    predicted: list[float] = []
    by_kind: dict[str, float] = {}
    if feed.levels:
        figures["ordered"] = ordered(table, feed.levels)
        # A reference has no kind: it competes in that of the others of its group.
        group = table["kind"].reshape(-1, feed.levels).max(1).repeat(feed.levels)
        for kind, number in kinds.items():
            group_rows = {k: v[group == number] for k, v in table.items()}
            by_kind[kind] = ordered(group_rows, feed.levels)
    else:
        figures |= correlations(table["found"], table["score"], table["mask"])
        known = np.where(table["mask"], table["found"].astype(np.float64), np.nan)
        predicted = known[: feed.images].tolist()
    return Figures({**figures, "likelihood": -figures["loss"]}, by_kind, predicted)


def correlations(
    found: np.ndarray, score: np.ndarray, mask: np.ndarray
) -> dict[str, float]:
    """Return SRCC, PLCC (no mapping before it) and RMSE of the images that count."""
    from scipy import stats

    known = mask & np.isfinite(score)
    x, y = (v[known].astype(np.float64) for v in (found, score))
    several = len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0 and np.isfinite(x).all()
    rmse = float(np.sqrt(np.mean((x - y) ** 2))) if len(x) else math.nan
    if not several:
        return {"srcc": math.nan, "plcc": math.nan, "rmse": rmse}
    return {
        "srcc": float(cast(Any, stats.spearmanr(x, y))[0]),
        "plcc": float(np.corrcoef(x, y)[0, 1]),
        "rmse": rmse,
    }


def ordered(table: dict[str, np.ndarray], levels: int) -> float:
    """Return the share of pairs of a group's levels whose weaker one scores higher."""
    score, level, mask = (
        table[k].reshape(-1, levels) for k in ("found", "level", "mask")
    )
    pairs = level[:, :, None] < level[:, None, :]
    pairs &= mask[:, :, None] & mask[:, None, :]
    right = score[:, :, None] > score[:, None, :]
    return float(right[pairs].mean()) if pairs.any() else math.nan


def _everyones(rows: Any) -> np.ndarray:
    """Gather the rows of all processes, in their order."""
    if jax.process_count() == 1:
        return np.asarray(rows)
    return np.asarray(multihost_utils.process_allgather(rows, tiled=True))

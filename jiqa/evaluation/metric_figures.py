"""The figures of one metric on one set of images, and why some are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.evaluation.rows import Block
from jiqa.evaluation.statistics.bootstrap import (
    Interval,
    Intervals,
    bootstrap_intervals,
)
from jiqa.evaluation.statistics.correlations import (
    FEWEST_ROWS,
    krcc,
    outlier_ratio,
    plcc,
    replace_infinite,
    srcc,
)
from jiqa.evaluation.statistics.logistic import (
    Curve,
    Fit,
    FitError,
    fit_logistic,
    monotonic_beside,
)

#: Intervals from fewer clusters than this are marked as rough.
_FEW_CLUSTERS = 10


@dataclass(frozen=True)
class Settings:
    """How figures are computed; see ``jiqa.evaluation.evaluate``."""

    mapping: Curve = 5
    resamples: int = 1000
    seed: int = 0
    confidence: float = 0.95


def compute_figures(
    block: Block, metric: str, distortion: str, sign: int, settings: Settings
) -> tuple[dict[str, Any], Fit | None]:
    """Compute correlations, errors and their intervals.

    Args:
        block: the images and values.
        metric: one of the block's metrics.
        distortion: one of the block's distortions, or ``"all"``.
        sign: 1 if the metric should rise with the scores, -1 if it should fall; the
            signed figures are multiplied by it.
        settings: how.

    Returns:
        The figures of ``summary.COLUMNS`` from ``n`` on, the notes as a list; and the
        fitted curve, if there is one.
    """
    number = block.metrics.index(metric)
    chosen = np.ones(len(block.images), bool)
    if distortion != "all":
        chosen = block.distortions == distortion
    rows = np.flatnonzero(chosen & ~np.isnan(block.values[number]))
    x, y = block.values[number, rows], block.score[rows]
    fit, note = _fit(x, y, sign, settings)
    figures: dict[str, Any] = {
        "n": len(rows),
        "failed": int((block.failed[number] & chosen).sum()),
        "references": len({block.references[i] for i in rows} - {""}),
        "mapping": f"logistic-{settings.mapping}" if settings.mapping else "none",
        "parameters": list(fit.parameters) if fit else [],
        "note": note,
    }
    if block.unrated[number] and distortion == "all":
        note.append(f"{block.unrated[number]} rows without a score are left out")
    finite, infinite = replace_infinite(x)
    if infinite:
        note.append(
            f"{infinite} of {len(x)} values infinite, in the fit at the extreme finite "
            "value"
        )
    _, clusters = np.unique(block.clusters[rows], return_inverse=True)
    within = bootstrap_intervals(
        x,
        y,
        clusters,
        fit=fit,
        resamples=settings.resamples,
        seed=settings.seed,
        confidence=settings.confidence,
    )
    if settings.resamples and len(x) >= FEWEST_ROWS:
        note += _cluster_notes(len(set(clusters.tolist())))
    figures |= _with_intervals(x, y, fit, within, sign)
    figures["plcc_unfitted"] = _signed(plcc(finite, y), sign)
    figures["outlier_ratio"] = (
        outlier_ratio(fit(x), y, block.deviation[rows]) if fit else None
    )
    return figures, fit


def _fit(
    x: np.ndarray, y: np.ndarray, sign: int, settings: Settings
) -> tuple[Fit | None, list[str]]:
    """Fit the curve; return it with notes."""
    if len(x) < FEWEST_ROWS:
        return None, [f"no figures: expected {FEWEST_ROWS} rows, got {len(x)}"]
    try:
        fit = fit_logistic(x, y, mapping=settings.mapping)
    except FitError as error:
        return None, [f"no fit: {error}"]
    note = []
    if not fit.converged:
        note.append(f"fit did not converge: {fit.message}")
    if settings.mapping and fit.course == "bent":
        note.append("the fitted curve is not monotonic within the data")
        beside = monotonic_beside(fit, x, y)
        if beside is not None and beside.plcc is not None:
            note.append(
                f"{beside.kind}, which is, has PLCC {beside.plcc:.4f} and RMSE "
                f"{beside.rmse:.4g} (dashed in the plot)"
            )
    elif settings.mapping and fit.course == ("falling" if sign > 0 else "rising"):
        note.append("the fitted curve contradicts the declared direction")
    return fit, note


def _with_intervals(
    x: np.ndarray, y: np.ndarray, fit: Fit | None, within: Intervals, sign: int
) -> dict[str, Any]:
    # A curve may rise or fall; values as they are keep the sign of the metric.
    turn = sign if fit and fit.kind == "none" else 1
    found: dict[str, tuple[float | None, Interval | None]] = {
        "srcc": (_signed(srcc(x, y), sign), _turned(within.srcc, sign)),
        "krcc": (_signed(krcc(x, y), sign), _turned(within.krcc, sign)),
        "plcc": (_signed(fit.plcc if fit else None, turn), _turned(within.plcc, turn)),
        "rmse": (fit.rmse if fit else None, within.rmse),
    }
    figures = {}
    for name, (value, interval) in found.items():
        low, high = interval if interval and value is not None else (None, None)
        figures |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return figures


def _signed(value: float | None, sign: int) -> float | None:
    return None if value is None else sign * value + 0.0


def _turned(interval: Interval | None, sign: int) -> Interval | None:
    if interval is None or sign > 0:
        return interval
    return -interval[1], -interval[0]


def _cluster_notes(clusters: int) -> list[str]:
    if clusters < 2:
        return ["no intervals: a single reference"]
    if clusters < _FEW_CLUSTERS:
        return [f"rough intervals: only {clusters} references"]
    return []

"""A whole study of feature maps: select, validate, repeat, compare.

Every figure comes twice: in-sample, as published ones are, and held out, from nested
cross-validation by reference. A held-out figure is always that of all held-out scores
together, never a mean over folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.criteria import Criterion
from jiqa.analysis.map_selection.cross_validation import (
    FOLDS,
    CrossValidation,
    fold_count,
    nested_cross_validate,
)
from jiqa.analysis.map_selection.forward_selection import map_names
from jiqa.analysis.map_selection.map_scores import MapScores
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.analysis.map_selection.stability import Stability, bootstrap_stability
from jiqa.evaluation.statistics.logistic import fit_logistic, monotonic_beside
from jiqa.evaluation.statistics.logistic_fit import STEEPEST
from jiqa.progress import Progress, silent

#: Metrics on maps for which a lower value is better.
LOWER_IS_BETTER = ("mse", "mae", "gmsd")


@dataclass(frozen=True)
class Figures:
    """One line of the comparison; every value is an absolute correlation.

    Attributes:
        name: what was combined.
        maps: how many maps, ``None`` for a metric that has none.
        in_sample: the criterion on the pairs that maps and mapping were fitted on.
        held_out: the criterion on references that were not looked at, of the
            predictions of all folds together.
        srcc_in_sample: Spearman's correlation of the same scores.
        srcc_held_out: that of the same held-out predictions.
    """

    name: str
    maps: int | None
    in_sample: float
    held_out: float
    srcc_in_sample: float
    srcc_held_out: float


@dataclass(frozen=True)
class Study:
    """The results of a study.

    Attributes:
        validation: the selection, on all pairs and in the folds.
        stability: selections on resampled references; ``None`` without resamples.
        figures: chosen maps, all maps, then other metrics.
        used: which pairs were used ``[pairs]``; the others failed.
        names: of all maps.
        combined: scores of the chosen maps together ``[used pairs]``.
        notes: sentences on how the figures came about.
    """

    validation: CrossValidation
    stability: Stability | None
    figures: tuple[Figures, ...]
    used: np.ndarray
    names: tuple[str, ...]
    combined: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def selection(self) -> Selection:
        """The selection on all pairs."""
        return self.validation.selection

    def held_out_curve(self) -> list[float]:
        """The held-out criterion after each step of the selection on all pairs."""
        return list(self.validation.held_out_curve)


def natural_direction(metric: str, better: str) -> str:
    """Return which way a metric's scores on maps should run beside subjective ones.

    Args:
        metric: of ``cnn_iqm``.
        better: which subjective scores are better, ``"higher"`` or ``"lower"``.

    Returns:
        ``"same"`` or ``"opposite"``, for ``forward_select``.
    """
    own = "lower" if metric in LOWER_IS_BETTER else "higher"
    return "same" if own == better else "opposite"


def run_study(
    found: MapScores,
    scores: Any,
    references: Sequence[Any],
    *,
    against: Mapping[str, np.ndarray] | None = None,
    folds: int | str | None = "auto",
    inner_folds: int | None = None,
    resamples: int = 20,
    seed: int = 0,
    progress: Progress = silent,
    **options: Any,
) -> Study:
    """Select maps, and estimate what the selection is worth.

    Args:
        found: scores of maps.
        scores: subjective scores ``[pairs]``.
        references: of each pair.
        against: scores ``[pairs]`` of other metrics, by name; NaN where they failed.
        folds: parts of the cross-validation; ``None`` for one per reference;
            ``"auto"``: 5, or as many as there are references.
        inner_folds: see ``nested_cross_validate``.
        resamples: of the references, for the stability; 0 for none.
        seed: of folds and resamples.
        progress: see ``jiqa.progress``.
        **options: of ``forward_select``.

    Raises:
        ValueError: what ``nested_cross_validate`` refuses.
    """
    used = np.array([i not in found.errors for i in range(len(found.values))])
    for values in (against or {}).values():
        used &= ~np.isnan(values)
    values, target = found.values[used], np.asarray(scores, np.float64)[used]
    named = [r for r, use in zip(references, used, strict=True) if use]
    count = fold_count(named, folds)
    parts: Any = {"folds": count, "seed": seed}
    options["layers"] = found.layers
    total = 1 + (len(set(named)) if count is None else count)
    with progress("selecting maps", total) as advance:
        cross = nested_cross_validate(
            values,
            target,
            named,
            inner_folds=inner_folds,
            on_selection=lambda done: advance(),
            **parts,
            **options,
        )
    described = cross.selection.described(found.network, found.metric, **found.options)
    cross = CrossValidation(**{**vars(cross), "selection": described})
    stability = None
    if resamples:
        with progress("selecting on resamples", resamples) as advance:
            stability = bootstrap_stability(
                values,
                target,
                named,
                resamples=resamples,
                seed=seed,
                on_resample=lambda done: advance(),
                **options,
            )
    left_out = described.unusable
    usable = [i for i in range(values.shape[1]) if i not in left_out]
    combined = described.combined(values)
    lines = [
        _figures(
            "chosen maps",
            len(described.selected),
            (cross.in_sample, cross.out_of_sample),
            (combined, cross.predictions),
            target,
        ),
        _figures(
            "all maps",
            len(usable),
            (described.all_maps, cross.all_maps),
            (
                _all_combined(described, values, usable, found.layers),
                cross.all_predictions,
            ),
            target,
        ),
    ]
    criterion = {k: options[k] for k in ("criterion", "steepest") if k in options}
    for name, whole in (against or {}).items():
        column = whole[used]
        other = nested_cross_validate(
            column[:, None], target, named, **parts, **criterion
        )
        pair = other.in_sample, other.out_of_sample
        lines.append(_figures(name, None, pair, (column, other.predictions), target))
    return Study(
        cross,
        stability,
        tuple(lines),
        used,
        tuple(map_names(found.layers)),
        combined,
        tuple(_notes(cross, folds, combined, target)),
    )


def _notes(
    cross: CrossValidation,
    folds: int | str | None,
    combined: np.ndarray,
    target: np.ndarray,
) -> list[str]:
    """Say where there are fewer folds than usual, and where the curve turns round."""
    notes, used = [], len(cross.folds)
    if folds == "auto" and used < FOLDS:
        notes.append(
            f"The pairs have only {used} references: {used} folds instead of {FOLDS}."
        )
    sizes = [len(fold.selection.selected) for fold in cross.folds]
    steps = len(cross.selection.selected)
    if max(sizes) > steps:
        notes.append(
            f"The folds took {min(sizes)} to {max(sizes)} maps. Held out, the chosen "
            f"maps are all of these; the curve ends at {steps}."
        )
    if cross.selection.criterion == "nonlinear_plcc":
        fit = fit_logistic(combined, target)
        beside = monotonic_beside(fit, combined, target)
        if beside is not None and fit.plcc and beside.plcc:
            notes.append(
                "The curve from the score of the chosen maps to the subjective scores "
                f"turns round within the data (PLCC {fit.plcc:.4f}, in-sample). The "
                f"four-parameter logistic, which cannot, gives {beside.plcc:.4f}."
            )
    return notes


def _all_combined(
    selection: Selection, values: np.ndarray, usable: list[int], layers: Any
) -> np.ndarray:
    from jiqa.analysis.map_selection.combination import combined

    own = [layers[i] for i in usable]
    return combined(values[:, usable], selection.combine, own)


def _figures(
    name: str,
    maps: int | None,
    criterion: tuple[float, float],
    scores: tuple[np.ndarray, np.ndarray],
    target: np.ndarray,
) -> Figures:
    judge = Criterion("srcc", target, direction="either", steepest=STEEPEST)
    ranked = [float(judge.of(np.asarray(row)[None])[0]) for row in scores]
    return Figures(name, maps, *criterion, *ranked)

"""Cross-validation of a selection of feature maps, on unseen pictures.

Published figures of map selection are in-sample: maps are chosen among hundreds by the
scores that they are then judged by. Here the selection is repeated without some of the
references, all of whose versions are then scored by what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.analysis.map_selection.held_out import HeldOut, agreement, complete
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.checks import expected, one_of

#: Folds where nothing else is asked for, if there are as many references.
FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation.

    Attributes:
        references: those that were held out.
        selection: what was chosen on the others; its figures are in-sample.
        curve: the criterion on the versions of ``references`` after each step; for
            ``"nonlinear_plcc"`` Pearson's correlation with the logistic that was
            fitted on the other references. NaN where it is not defined.
        all_maps: the same figure of all usable maps combined.
    """

    references: tuple[Any, ...]
    selection: Selection
    curve: tuple[float, ...]
    all_maps: float

    @property
    def out_of_sample(self) -> float:
        """The criterion on the held-out references with all chosen maps."""
        return self.curve[-1]


@dataclass(frozen=True)
class CrossValidation:
    """Selection in-sample and out of sample.

    Every figure out of sample is of all held-out scores together, each mapped to the
    subjective scale as its fold's other references say. The mean of the figures of the
    folds is another number, commonly a higher one: it leaves out what lies between the
    folds.

    Attributes:
        selection: the selection on all images; its figures are in-sample, as those
            published are.
        folds: the parts.
        out_of_sample: the criterion with all maps that each fold chose.
        held_out_curve: the same figure after each step, as far as the selection on all
            images goes; a fold that took fewer maps goes on with those.
        all_maps: the same figure of all usable maps combined.
        predictions: the held-out scores, mapped ``[images]``.
        all_predictions: the same of all usable maps combined.
    """

    selection: Selection
    folds: tuple[Fold, ...]
    out_of_sample: float
    held_out_curve: tuple[float, ...]
    all_maps: float
    predictions: np.ndarray
    all_predictions: np.ndarray

    @property
    def in_sample(self) -> float:
        """The criterion of the selection on the images it was made on."""
        return self.selection.value

    @property
    def fold_values(self) -> np.ndarray:
        """The criterion out of sample by fold ``[folds]``."""
        return np.array([fold.out_of_sample for fold in self.folds])

    def __str__(self) -> str:
        """In-sample and out-of-sample figures side by side."""
        sizes = [len(fold.selection.selected) for fold in self.folds]
        rows = [
            ("in-sample", self.in_sample, self.selection.all_maps),
            (
                f"out of sample, {len(self.folds)} folds together",
                self.out_of_sample,
                self.all_maps,
            ),
        ]
        lines = [f"{self.selection.criterion:<34}{'chosen':>8}{'all maps':>10}"]
        lines += [f"{label:<34}{a:>8.4f}{b:>10.4f}" for label, a, b in rows]
        lines.append(
            f"maps: {len(self.selection.selected)} chosen on all images, {min(sizes)} "
            f"to {max(sizes)} in the folds"
        )
        return "\n".join(lines)


def nested_cross_validate(
    map_scores: Any,
    scores: Any,
    references: Sequence[Any],
    *,
    folds: int | None = FOLDS,
    inner_folds: int | None = None,
    seed: int = 0,
    on_selection: Callable[[int], None] | None = None,
    **options: Any,
) -> CrossValidation:
    """Select maps on some references, judge them on the others.

    Args:
        map_scores: the score of every map for every image ``[images, maps]``.
        scores: subjective scores ``[images]``.
        references: the reference of each image ``[images]``; versions of one reference
            are never on both sides.
        folds: parts; ``None`` for one per reference.
        inner_folds: limit how many maps to take by cross-validation of the training
            references, in so many parts. By default, ``stop`` alone decides.
        seed: of the division of the references.
        on_selection: called after each fold's selection, and after that on all images,
            with how many are done.
        **options: of ``forward_select``.

    Raises:
        ValueError: fewer references than parts, or what ``forward_select`` refuses.
    """
    values, target = complete(map_scores, scores)
    part = reference_folds(references, folds, seed)
    if len(part) != len(target):
        wanted = f"one for each of {len(target)} scores"
        raise ValueError(expected("references", wanted, f"{len(part)}"))
    named = np.fromiter(references, object, len(part))

    def select(rows: np.ndarray) -> Selection:
        data = values[rows], target[rows]
        if inner_folds is None:
            return forward_select(*data, **options)
        inner = reference_folds(
            named[rows].tolist(), inner_folds, seed, name="inner_folds"
        )
        tried = []
        for number in range(inner.max() + 1):
            chosen = forward_select(*(x[inner != number] for x in data), **options)
            tried.append(HeldOut(*data, inner == number, chosen, options).curve())
        return forward_select(*data, **{**options, "max_maps": best_count(tried)})

    done: list[Fold] = []
    by_step: list[tuple[np.ndarray, list[np.ndarray]]] = []
    predicted, predicted_all = np.full((2, len(target)), np.nan)
    for number in range(part.max() + 1):
        held = part == number
        chosen = select(~held)
        judged = HeldOut(values, target, held, chosen, options)
        predicted[held] = judged.predicted(judged.chosen())
        predicted_all[held] = judged.predicted(judged.every())
        by_step.append((held, judged.predicted_by_step()))
        done.append(
            Fold(
                references=tuple(dict.fromkeys(named[held].tolist())),
                selection=chosen,
                curve=tuple(judged.curve()),
                all_maps=judged.value(judged.every()),
            )
        )
        if on_selection is not None:
            on_selection(len(done))
    selection = select(np.ones(len(target), bool))
    if on_selection is not None:
        on_selection(len(done) + 1)
    curve = []
    for step in range(len(selection.selected)):
        together = np.empty(len(target))
        for held, parts in by_step:
            together[held] = parts[min(step, len(parts) - 1)]
        curve.append(agreement(selection.criterion, together, target))
    return CrossValidation(
        selection=selection,
        folds=tuple(done),
        out_of_sample=agreement(selection.criterion, predicted, target),
        held_out_curve=tuple(curve),
        all_maps=agreement(selection.criterion, predicted_all, target),
        predictions=predicted,
        all_predictions=predicted_all,
    )


def best_count(curves: Sequence[Sequence[float]]) -> int:
    """Return the number of maps with the highest mean over curves.

    A curve that ends goes on at its last value: its selection took no more maps. The
    least number of those that do equally well.
    """
    longest = max(len(curve) for curve in curves)
    table = np.array([[*c, *[c[-1]] * (longest - len(c))] for c in curves], float)
    defined = np.isfinite(table).all(1)
    if not defined.any():
        return 1
    return int(table[defined].mean(0).argmax()) + 1


def fold_count(references: Sequence[Any], folds: int | str | None) -> int | None:
    """Return how many folds ``"auto"`` stands for; any other number as it is.

    Args:
        references: the reference of each image.
        folds: ``"auto"`` for ``FOLDS``, or one for each reference if there are fewer.
    """
    if isinstance(folds, str):
        one_of("folds", folds, "auto")
        return min(FOLDS, len(set(references)))
    return folds


def reference_folds(
    references: Sequence[Any],
    folds: int | None,
    seed: int = 0,
    *,
    name: str = "folds",
) -> np.ndarray:
    """Deal references out at random: the fold of each image ``[images]``, from 0.

    Args:
        references: the reference of each image.
        folds: parts, of as many references each as can be; ``None`` for one each.
        seed: of the order.
        name: what messages call ``folds``.

    Raises:
        ValueError: fewer than two parts, or fewer references than parts.
    """
    known = {r: code for code, r in enumerate(dict.fromkeys(references))}
    if len(known) < 2:
        wanted = "2 or more, of which some can be held out"
        raise ValueError(expected("references", wanted, f"{len(known)}"))
    parts = len(known) if folds is None else folds
    if not 2 <= parts <= len(known):
        wanted = f"2 to {len(known)}, the number of references"
        raise ValueError(expected(name, wanted, f"{folds}"))
    order = np.random.default_rng(seed).permutation(len(known))
    part = np.empty(len(known), np.int64)
    part[order] = np.arange(len(known)) % parts
    return part[[known[r] for r in references]]

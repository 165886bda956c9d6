"""Greedy forward selection of the feature maps that carry quality.

After T. D. T. Nguyen and S. A. Amirshahi's study of feature maps: from the score of
every map, take the map that agrees best with the subjective scores, then again and
again the one that together with those taken agrees best, until none helps. What the
paper leaves open, how scores are combined and what "non-linear Pearson" is fitted
with, is an argument here; the defaults are the mean, and the five-parameter logistic
that such correlations are commonly given with.

The figure at the end is in-sample, as the published ones are: the maps are chosen by
the very scores that they are then judged by.
``jiqa.analysis.map_selection.cross_validation`` says what is left of it on references
that were not looked at.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.combination import Combination, combined, layer_codes
from jiqa.analysis.map_selection.criteria import Criterion
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.checks import expected, one_of
from jiqa.evaluation.statistics.logistic_fit import STEEPEST, varying
from jiqa.io.read_ahead import Threads, in_order

Build = Callable[[np.ndarray], np.ndarray]
Judge = Callable[[np.ndarray], np.ndarray]

_BLOCK = 32  # candidates at once, in one thread
_FIRST = 32  # candidates that are fitted before the first are ruled out
_COLUMNS = 256
_TIE = 1e-10  # a lead that rounding may make


def forward_select(
    map_scores: Any,
    scores: Any,
    *,
    criterion: str = "nonlinear_plcc",
    combine: str = "mean",
    stop: str = "no_increase",
    max_maps: int | None = None,
    min_gain: float = 0.0,
    direction: str = "either",
    layers: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    steepest: float = STEEPEST,
    exhaustive: bool = False,
    workers: int | None = None,
    on_step: Callable[[int, int, float], None] | None = None,
) -> Selection:
    """Choose feature maps whose combined score agrees with the subjective scores.

    Deterministic: of maps that do equally well, the first is taken.

    Args:
        map_scores: the score of every map for every image ``[images, maps]``. Maps with
            a value that is not finite, and constant ones, are never chosen; the result
            lists them.
        scores: subjective scores ``[images]``.
        criterion: ``"nonlinear_plcc"``, Pearson's correlation after the five-parameter
            logistic; ``"plcc"`` without it; or ``"srcc"``, Spearman's.
        combine: ``"mean"``, ``"geometric"`` or ``"layer_balanced"`` (needs
            ``layers``); see ``jiqa.analysis.map_selection.combination``.
        stop: ``"no_increase"``, once no map raises the criterion by more than
            ``min_gain`` (the paper's, with 0), or ``"count"``, at ``max_maps``.
        max_maps: no more maps than this.
        min_gain: see ``stop``.
        direction: ``"either"``; or ``"same"`` or ``"opposite"`` for how the combined
            score has to run beside the subjective ones, such as ``"opposite"`` for
            SSIM beside scores that rise with the impairment.
        layers: the layer of each map, ``[maps]``.
        names: names of the maps; by default layer and number within it.
        steepest: limit of the logistic's steepness; see
            ``jiqa.evaluation.statistics.logistic_fit.STEEPEST``.
        exhaustive: fit every candidate at every step. By default, fits are spared whose
            candidates a grid search puts behind the best by more than it errs.
        workers: threads; by default as many as there are cores.
        on_step: called with the count of maps, the map and the criterion after each
            step.

    Returns:
        The chosen maps in order, with the curve.

    Raises:
        ValueError: shapes that do not fit, scores that are not finite or all equal, no
            map that varies, or an unknown option.
    """
    one_of("stop", stop, "no_increase", "count")
    values, target = _checked(map_scores, scores)
    judge = Criterion(criterion, target, direction=direction, steepest=steepest)
    images, maps = values.shape
    layers = None if layers is None else tuple(layers)
    if stop == "count" and max_maps is None:
        raise ValueError("stop='count' needs max_maps")
    if max_maps is not None and max_maps < 1:
        raise ValueError(expected("max_maps", "1 or more", f"{max_maps}"))
    if names is not None and len(names) != maps:
        raise ValueError(
            expected("names", f"one for each of {maps} maps", f"{len(names)}")
        )
    codes = layer_codes(combine, layers, maps)
    unusable = _unusable(values)
    usable = np.array([i for i in range(maps) if i not in unusable], np.int64)
    if not usable.size:
        raise ValueError(f"map_scores: none of {maps} maps is finite and varies")
    rows = Combination.prepared(values, combine)
    together = Combination(rows, combine, codes)
    chosen: list[int] = []
    curve: list[float] = []
    left = usable
    workers = workers or cores()
    with Threads(workers) as pool:
        search = _Search(judge, workers, pool, exhaustive)
        while left.size and len(chosen) < (max_maps or maps):
            best, value = search.best(together.with_each, left)
            rise = value - (curve[-1] if curve else -np.inf)
            if not np.isfinite(value) or (stop != "count" and not rise > min_gain):
                break
            together.add(best)
            left = left[left != best]
            chosen.append(best)
            curve.append(value)
            if on_step is not None:
                on_step(len(chosen), best, value)
    if not chosen:
        raise ValueError("the criterion is not a number for any map")
    one_by_one = Combination(rows, combine, codes).with_each(np.array(chosen))
    final = _together(values, chosen, combine, layers)
    mapping, middle = judge.mapping(final)
    numbers = None if layers is None else _numbers(layers)
    return Selection(
        selected=tuple(chosen),
        curve=tuple(curve),
        alone=tuple(judge.of(one_by_one).tolist()),
        all_maps=float(judge.of(_together(values, usable, combine, layers)[None])[0]),
        maps=maps,
        images=images,
        criterion=criterion,
        combine=combine,
        direction=direction,
        rises=judge.sign(final) > 0,
        names=tuple(_name(i, layers, numbers, names) for i in chosen),
        layers=None if layers is None else tuple(layers[i] for i in chosen),
        numbers=None if numbers is None else tuple(numbers[i] for i in chosen),
        unusable=unusable,
        mapping=tuple(mapping.tolist()),
        middle=middle,
    )


def _together(
    values: np.ndarray, columns: Any, combine: str, layers: Sequence[str] | None
) -> np.ndarray:
    chosen_layers = None if layers is None else [layers[i] for i in columns]
    return combined(values[:, columns], combine, chosen_layers)


class _Search:
    """The best of many candidates, fitting those that a grid leaves in the race."""

    def __init__(
        self, judge: Criterion, workers: int, pool: Threads, fit_all: bool
    ) -> None:
        self._judge, self._workers, self._pool = judge, workers, pool
        self._fit_all = fit_all

    def best(self, build: Build, left: np.ndarray) -> tuple[int, float]:
        """Return the candidate of ``left`` with the best criterion, and its value."""
        if self._fit_all or self._judge.exact:
            return _first(left, self._over(self._judge.of, build, left))
        guess = self._over(self._judge.estimate, build, left)
        value = np.full(len(left), np.nan)
        order = np.argsort(-guess, kind="stable")
        turn = order[:_FIRST]
        while turn.size:
            value[turn] = self._over(self._judge.of, build, left[turn])
            known = np.isfinite(value)
            if not known.any():
                break
            # How far a guess may fall short: as the worst so far, and their spread.
            short = (value - guess)[known]
            within = guess + short.max() + np.ptp(short) >= value[known].max()
            turn = order[(within & np.isnan(value))[order]][:_FIRST]
        return _first(left, np.where(np.isnan(value), -np.inf, value))

    def _over(self, judged: Judge, build: Build, left: np.ndarray) -> np.ndarray:
        size = max(1, min(_BLOCK, -(-len(left) // self._workers)))
        blocks = [left[i : i + size] for i in range(0, len(left), size)]
        found = in_order(lambda block: judged(build(block)), blocks, self._pool)
        return np.concatenate(list(found))


def _first(left: np.ndarray, value: np.ndarray) -> tuple[int, float]:
    """Return the first of the best; equal maps may differ by rounding."""
    place = int(np.flatnonzero(value >= value.max() - _TIE)[0])
    return int(left[place]), float(value[place])


def _checked(map_scores: Any, scores: Any) -> tuple[np.ndarray, np.ndarray]:
    values, target = np.asarray(map_scores), np.asarray(scores, np.float64)
    if values.ndim != 2 or target.shape != values.shape[:1] or len(target) < 6:
        raise ValueError(
            expected(
                "map_scores, scores",
                "shapes [images, maps] and [images], of six images or more",
                f"{values.shape} and {target.shape}",
            )
        )
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    return values, target


def _unusable(values: np.ndarray) -> dict[int, str]:
    """Return the maps that cannot be chosen, and why."""
    found = {}
    for start in range(0, values.shape[1], _COLUMNS):
        part = values[:, start : start + _COLUMNS].T.astype(np.float64)
        finite, varies = np.isfinite(part), varying(part)
        for i in np.flatnonzero(~varies):
            broken = len(part[i]) - int(finite[i].sum())
            what = f"not finite for {broken} images" if broken else "constant"
            found[start + int(i)] = what
    return found


def _numbers(layers: Sequence[str]) -> list[int]:
    """Number each map within its layer, from 0."""
    seen: Counter[str] = Counter()
    numbers = []
    for layer in layers:
        numbers.append(seen[layer])
        seen[layer] += 1
    return numbers


def map_names(layers: Sequence[str]) -> list[str]:
    """Return ``LAYER:NUMBER`` of each map, numbers from 0."""
    pairs = zip(layers, _numbers(layers), strict=True)
    return [f"{layer}:{number}" for layer, number in pairs]


def _name(
    index: int,
    layers: Sequence[str] | None,
    numbers: Sequence[int] | None,
    names: Sequence[str] | None,
) -> str:
    if names is not None:
        return names[index]
    if layers is None or numbers is None:
        return str(index)
    return f"{layers[index]}:{numbers[index]}"


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

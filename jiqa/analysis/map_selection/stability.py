"""The stability of a selection of feature maps under resampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.analysis.map_selection.held_out import HeldOut, complete
from jiqa.checks import expected


@dataclass(frozen=True)
class Stability:
    """Selections on resampled data.

    Maps that respond alike take turns, so that a low frequency of each says little
    about the response that they share.

    Attributes:
        selections: the maps chosen in each resample, in order.
        frequency: the share of resamples in which each map was chosen ``[maps]``.
        first: the share of resamples in which it was chosen first ``[maps]``.
        in_sample: the criterion in each resample ``[resamples]``.
        out_of_sample: the criterion on the references that a resample left out
            ``[resamples]``; NaN where that is not defined.
        overlap: mean over pairs of resamples of the maps in both over those in either
            (Jaccard's index); NaN for a single resample.
    """

    selections: tuple[tuple[int, ...], ...]
    frequency: np.ndarray
    first: np.ndarray
    in_sample: np.ndarray
    out_of_sample: np.ndarray
    overlap: float

    @property
    def sizes(self) -> np.ndarray:
        """The number of maps chosen in each resample ``[resamples]``."""
        return np.array([len(chosen) for chosen in self.selections])

    def most_frequent(self, count: int) -> list[tuple[int, float]]:
        """Return the maps that were chosen most often, with their frequency."""
        order = np.argsort(-self.frequency, kind="stable")[:count]
        return [(int(i), float(self.frequency[i])) for i in order]


def bootstrap_stability(
    map_scores: Any,
    scores: Any,
    references: Sequence[Any],
    *,
    resamples: int = 100,
    seed: int = 0,
    on_resample: Callable[[int], None] | None = None,
    **options: Any,
) -> Stability:
    """Select maps again and again, on references drawn with replacement.

    Whole references are drawn, with all their versions, since versions of one reference
    are not independent.

    Args:
        map_scores: the score of every map for every image ``[images, maps]``.
        scores: subjective scores ``[images]``.
        references: the reference of each image ``[images]``.
        resamples: how many times.
        seed: of the draws.
        on_resample: called after each with how many are done.
        **options: of ``forward_select``.

    Raises:
        ValueError: references that do not fit, or what ``forward_select`` refuses.
    """
    values, target = complete(map_scores, scores)
    if len(references) != len(target) or resamples < 1:
        raise ValueError(
            expected(
                "references, resamples",
                f"one reference for each of {len(target)} scores, and 1 or more",
                f"{len(references)} and {resamples}",
            )
        )
    known = {name: code for code, name in enumerate(dict.fromkeys(references))}
    code = np.array([known[name] for name in references])
    members = [np.flatnonzero(code == c) for c in range(len(known))]
    rng = np.random.default_rng(seed)
    selections, inside, outside = [], [], []
    for done in range(resamples):
        drawn = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[c] for c in drawn])
        left = np.flatnonzero(~np.isin(code, drawn))
        chosen = forward_select(values[rows], target[rows], **options)
        selections.append(chosen.selected)
        inside.append(chosen.value)
        both = np.concatenate([rows, left])
        held = np.arange(len(both)) >= len(rows)
        judged = HeldOut(values[both], target[both], held, chosen, options)
        outside.append(judged.value(judged.chosen()))
        if on_resample is not None:
            on_resample(done + 1)
    maps = values.shape[1]
    count = np.bincount(np.concatenate(selections), minlength=maps)
    first = np.bincount([chosen[0] for chosen in selections], minlength=maps)
    pairs = [
        len(set(a) & set(b)) / len(set(a) | set(b))
        for a, b in combinations(selections, 2)
    ]
    return Stability(
        selections=tuple(selections),
        frequency=count / resamples,
        first=first / resamples,
        in_sample=np.array(inside),
        out_of_sample=np.array(outside),
        overlap=float(np.mean(pairs)) if pairs else float("nan"),
    )

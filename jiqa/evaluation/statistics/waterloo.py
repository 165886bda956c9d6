"""Tests of a metric without subjective scores: discrimination, listing, preference.

Ma, Duanmu, Wu, Wang, Yong, Li and Zhang, "Waterloo Exploration Database: new challenges
for image quality assessment models", IEEE TIP 26(2), 2017. All three are in [0, 1] or
[-1, 1], higher is better, and need images whose distortion and level are known.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jiqa.checks import expected
from jiqa.evaluation.statistics.correlations import srcc

Direction = Literal["higher", "lower"]

#: Images looked at together with all others in the preference test.
_CHUNK = 256


class Discrimination(NamedTuple):
    """Result of ``d_test``."""

    value: float
    """Mean of the two shares classified rightly at the best threshold, 0.5 to 1."""
    threshold: float
    """A metric's value that parts them: pristine at it or on its better side."""


class Listing(NamedTuple):
    """Result of ``l_test``."""

    value: float
    """Mean SRCC over the ladders, positive where quality falls with the level."""
    ladders: int
    """Sets of one image's versions under one distortion."""
    undefined: int
    """Ladders on which all values are equal; they count as 0."""


class Preference(NamedTuple):
    """Result of ``p_test``."""

    value: float
    """Share of the discriminable pairs that the metric orders rightly."""
    pairs: int
    """Discriminable pairs."""


def d_test(
    pristine: ArrayLike, distorted: ArrayLike, *, direction: Direction
) -> Discrimination:
    """Pristine/distorted discrimination: do pristine images stand out?

    D = max over T of (|pristine >= T| / |pristine| + |distorted < T| / |distorted|) / 2
    for a metric of which higher values are better.

    Args:
        pristine: the metric's values of pristine images [p].
        distorted: its values of distorted images [d].
        direction: which values are better.

    Raises:
        ValueError: no image of either kind, or NaN.
    """
    sign = _sign(direction)
    good, bad = (
        np.sort(sign * _values(v, name))
        for v, name in ((pristine, "pristine"), (distorted, "distorted"))
    )
    thresholds = np.unique(np.concatenate([good, bad]))
    above = 1 - np.searchsorted(good, thresholds, "left") / len(good)
    below = np.searchsorted(bad, thresholds, "left") / len(bad)
    balanced = (above + below) / 2
    best = int(np.argmax(balanced))
    return Discrimination(float(balanced[best]), float(sign * thresholds[best]))


def l_test(
    values: ArrayLike,
    levels: ArrayLike,
    ladders: Sequence[Hashable],
    *,
    direction: Direction,
) -> Listing:
    """Listwise ranking: does quality fall as the distortion grows?

    L is the mean SRCC between level and value over all ladders.

    Args:
        values: the metric's values [n].
        levels: strength of the distortion, larger for stronger [n].
        ladders: what makes one ladder, such as (reference, distortion) [n].
        direction: which values are better.

    Raises:
        ValueError: no ladder with three rows of different levels, or NaN.
    """
    values, levels = _values(values, "values"), _values(levels, "levels")
    rows: dict[Hashable, list[int]] = {}
    for row, ladder in enumerate(ladders):
        rows.setdefault(ladder, []).append(row)
    found = [
        srcc(levels[members], values[members])
        for members in rows.values()
        if len(set(levels[members])) >= 3
    ]
    if not found:
        raise ValueError("expected at least one ladder with three levels, got none")
    defined = [-_sign(direction) * f for f in found if f is not None]
    return Listing(sum(defined) / len(found), len(found), len(found) - len(defined))


def p_test(
    values: ArrayLike,
    experts: ArrayLike,
    *,
    direction: Direction,
    margin: float = 40.0,
) -> Preference:
    """Pairwise preference on pairs of images on whose order trusted metrics agree.

    A pair is discriminable if every expert puts the same image ahead by more than the
    margin. In the paper the experts are MS-SSIM, VIF and GMSD, mapped to LIVE's DMOS by
    a logistic curve, and the margin is 40 (of 100). A pair on which the metric's values
    are equal is not ordered rightly.

    Args:
        values: the metric's values [n].
        experts: the experts' qualities on one scale, higher for better [k, n]; negate
            DMOS.
        direction: which values of the metric are better.
        margin: in units of the experts' scale.

    Raises:
        ValueError: no discriminable pair, shapes that do not fit, or NaN.
    """
    values = _sign(direction) * _values(values, "values")
    experts = np.atleast_2d(np.asarray(experts, np.float64))
    if experts.shape[1] != len(values) or np.isnan(experts).any():
        wanted = f"shape [k, {len(values)}] without NaN"
        raise ValueError(expected("experts", wanted, f"shape {experts.shape}"))
    # By the first expert: those ahead of an image by its margin stand behind it.
    order = np.argsort(experts[0], kind="stable")
    values, experts = values[order], experts[:, order]
    first_ahead = np.searchsorted(experts[0], experts[0] + margin, "right")
    pairs = right = 0
    for start in range(0, len(values), _CHUNK):
        rows = slice(start, start + _CHUNK)
        ahead = slice(first_ahead[start], None)
        apart = np.ones((len(values[rows]), len(values[ahead])), bool)
        for quality in experts:
            apart &= quality[ahead] > quality[rows, None] + margin
        pairs += int(apart.sum())
        right += int((apart & (values[ahead] > values[rows, None])).sum())
    if not pairs:
        raise ValueError(
            f"there is no pair whose experts all differ by more than {margin}"
        )
    return Preference(right / pairs, pairs)


def _sign(direction: Direction) -> int:
    if direction not in ("higher", "lower"):
        raise ValueError(expected("direction", "'higher' or 'lower'", repr(direction)))
    return 1 if direction == "higher" else -1


def _values(values: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size or np.isnan(array).any():
        wanted = "shape [n] with n > 0 and no NaN"
        raise ValueError(expected(name, wanted, f"shape {array.shape}"))
    return array

"""Metric against metric: how far they agree, and which predicts MOS better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from jiqa.report.evaluation.view import Group, number

#: p below this is called significant.
ALPHA = 0.05


class Comparison(NamedTuple):
    """A test of each metric against each other one.

    Attributes:
        name: stem of its file.
        title: heading.
        text: what is compared, and who proposed it.
        signs: ``[metrics, metrics]``: 1 where the metric of the row is significantly
            better than that of the column, -1 where it is worse, 0 without a
            difference, NaN where unknown; in the order of ``Group.series``.
        figure: heading of ``figures``.
        figures: one entry a metric: a float, a truth value or ``None``.
    """

    name: str
    title: str
    text: str
    signs: np.ndarray
    figure: str
    figures: list[Any]


def comparisons(group: Group) -> Iterator[Comparison]:
    """Return the comparisons that were made on a data set."""
    signs = _matrix(group, "f_test")
    if signs is not None:
        yield Comparison(
            "f-test",
            "F-test of the residuals",
            "Ratio of the variances of the residuals after the fit (Sheikh, Sabir and "
            "Bovik, IEEE TIP 15(11), 2006). It assumes Gaussian residuals.",
            signs,
            "Gaussian residuals",
            _figures(group, "gaussian"),
        )
    for name, title, text, key, areas in (
        (
            "different-similar",
            "Different or similar?",
            "How well the difference of two values separates pairs of images of "
            "different quality from the other pairs (Krasula et al., QoMEX 2016).",
            "krasula.ds_p",
            "krasula.different_similar_auc",
        ),
        (
            "better-worse",
            "Better or worse?",
            "How well the sign of the difference predicts which of two images of "
            "different quality is better (Krasula et al., QoMEX 2016).",
            "krasula.bw_p",
            "krasula.better_worse_auc",
        ),
    ):
        p = _matrix(group, key)
        if p is None:
            continue
        found = _figures(group, areas)
        area = np.array([number(a) for a in found])
        signs = np.where(p < ALPHA, np.sign(area[:, None] - area), 0.0)
        signs[np.isnan(p)] = np.nan
        yield Comparison(name, title, text, signs, "area under the curve", found)


def _matrix(group: Group, name: str) -> np.ndarray | None:
    """A matrix of ``significance`` in the order of ``series``; ``None`` if empty."""
    values = _significant(group, name)
    if values is None or not len(values):
        return None
    square = np.array([[number(v) for v in line] for line in values])
    order = _order(group)
    known = np.flatnonzero(order >= 0)
    out = np.full((len(order), len(order)), np.nan)
    out[np.ix_(known, known)] = square[np.ix_(order[known], order[known])]
    off = out[~np.eye(len(out), dtype=bool)]
    return None if np.isnan(off).all() else out


def _figures(group: Group, name: str) -> list[Any]:
    """A list of ``significance``, one entry a metric, in the order of ``series``."""
    values = _significant(group, name)
    if values is None or not len(values):
        return [None] * len(group.series)
    return [values[i] if i >= 0 else None for i in _order(group)]


def _significant(group: Group, name: str) -> Sequence[Any] | None:
    found: Any = group.significance
    for key in name.split("."):
        found = found.get(key) if found else None
    return found


def _order(group: Group) -> np.ndarray:
    names = list(group.significance["metrics"]) if group.significance else []
    return np.array([names.index(m) if m in names else -1 for m in group.labels])


def no_comparison(group: Group) -> str:
    """Why pairs of images were not analysed, as ``significance`` says it, or empty."""
    krasula = (group.significance or {}).get("krasula") or {}
    return str(krasula.get("note") or "")


def agreement(group: Group) -> np.ndarray:
    """Return SRCC between metrics, ``[metrics, metrics]``; NaN where it is undefined.

    Taken over the images that both have scored, with the sign turned so that 1 means
    that both call the same images good.
    """
    from scipy.stats import rankdata

    images: dict[Any, int] = {}
    for series in group.series:
        for row in series.rows:
            images.setdefault(row["image"], len(images))
    table = np.full((len(group.series), len(images)), np.nan)
    for line, series in zip(table, group.series, strict=True):
        sign = -1 if series.arrow == "↓" else 1
        line[[images[row["image"]] for row in series.rows]] = sign * series.values
    known = ~np.isnan(table)
    complete = known.all(1)
    out = np.full((len(table), len(table)), np.nan)
    with np.errstate(all="ignore"):
        if complete.any() and len(images) > 2:
            ranks = np.apply_along_axis(rankdata, 1, table[complete])
            out[np.ix_(complete, complete)] = np.corrcoef(ranks)
        for i in np.flatnonzero(~complete):
            for j in range(len(table)):
                both = known[i] & known[j]
                if both.sum() > 2:
                    pair = rankdata(table[i, both]), rankdata(table[j, both])
                    out[i, j] = out[j, i] = np.corrcoef(*pair)[0, 1]
    return out

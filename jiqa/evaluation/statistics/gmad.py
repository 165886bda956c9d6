"""Pairs of images on which two metrics disagree most: the mining half of gMAD.

Ma et al., "Group maximum differentiation competition: model comparison with few
samples", IEEE TPAMI 42(4), 2020. A defender says that two images have the same quality;
among all such pairs the attacker chooses the one on which it sees the largest
difference. To observers, the pair shows which of the two is wrong. Here the
pairs are found; the subjective test and the ranking that follows are not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from jiqa.checks import expected


@dataclass(frozen=True)
class Pair:
    """Two images, alike to the defender and as different as can be to the attacker.

    Attributes:
        attacker: name of the metric that tells them apart.
        defender: name of the metric that does not.
        level: the defender's level of quality, 0 for the lowest values.
        low: row of the image with the attacker's lowest value in the level.
        high: row of the image with its highest.
        difference: of the attacker's values, infinite where one is.
        band: the defender's values between which the level lies.
    """

    attacker: str
    defender: str
    level: int
    low: int
    high: int
    difference: float
    band: tuple[float, float]


def mine_pairs(
    values: Mapping[str, ArrayLike], *, levels: int = 6, width: float = 0.2
) -> list[Pair]:
    """Find the pair of every attacker, defender and level of quality.

    The authors take levels of a quality scale onto which the metrics were mapped. Here
    they are spread evenly over the defender's ranks, which needs no scale, and a level
    is a band of ranks around its middle; how many and how wide are choices of ours.

    Args:
        values: every metric's values of the same images [n]; a row with NaN in any is
            left out. Whether higher is better does not matter.
        levels: levels of quality per defender.
        width: width of a band as a share of the distance between levels, in (0, 1]; a
            narrow one holds images that are closer to the defender, a wide one gives
            the attacker more to choose from.

    Returns:
        Pairs by defender, level and attacker. A band on which the attacker's values are
        all equal gives none.

    Raises:
        ValueError: fewer than two metrics, unequal lengths, or too few images for a
            band to hold two.
    """
    names = list(values)
    if len(names) < 2:
        wanted = "at least two metrics, an attacker and a defender"
        raise ValueError(expected("names", wanted, f"{len(names)}"))
    if levels < 1 or not 0 < width <= 1:
        wanted = "1 or more, and 0 to 1"
        raise ValueError(expected("levels, width", wanted, f"{levels} and {width}"))
    columns = [np.asarray(values[name], np.float64) for name in names]
    if len({c.shape for c in columns}) != 1 or columns[0].ndim != 1:
        shapes = ", ".join(str(c.shape) for c in columns)
        raise ValueError(expected("values", "one shape [n] for all", shapes))
    table = np.stack(columns)
    rows = np.flatnonzero(~np.isnan(table).any(0))
    pairs = []
    for d, defender in enumerate(names):
        order = rows[np.argsort(table[d, rows], kind="stable")]
        for level, band in enumerate(_bands(len(order), levels, width)):
            members = np.sort(order[band])
            limits = table[d, members].min(), table[d, members].max()
            for a, attacker in enumerate(names):
                if a == d:
                    continue
                low, high = (
                    int(members[choose(table[a, members])])
                    for choose in (np.argmin, np.argmax)
                )
                if table[a, low] == table[a, high]:
                    continue
                pairs.append(
                    Pair(
                        attacker,
                        defender,
                        level,
                        low,
                        high,
                        float(table[a, high] - table[a, low]),
                        (float(limits[0]), float(limits[1])),
                    )
                )
    return pairs


def _bands(images: int, levels: int, width: float) -> list[slice]:
    distance = images / levels
    size = round(distance * width)
    if size < 2:
        raise ValueError(
            f"{images} images in {levels} levels of width {width}: expected at least 2 "
            f"images per level, got {size}"
        )
    middles = (np.arange(levels) + 0.5) * distance
    starts = np.round(middles - size / 2).astype(int)
    return [slice(start, start + size) for start in starts]

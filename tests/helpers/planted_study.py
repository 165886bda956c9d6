"""A study with known truth: which maps the "subjective" scores were made from.

Impairments of several kinds lower the scores of all maps, of each by its own measure.
The subjective scores follow a few of the maps, through the saturating scale of a
category rating, with noise. A selection that works finds those maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PlantedStudy:
    """Scores of maps, subjective scores, and the maps that they were made from.

    Attributes:
        map_scores: ``[images, maps]``, 1 for no difference.
        scores: subjective scores ``[images]``, from about 1 (bad) to 9.
        references: the reference of each image ``[images]``.
        planted: the maps that the scores were made from.
    """

    map_scores: np.ndarray
    scores: np.ndarray
    references: tuple[int, ...]
    planted: tuple[int, ...]


def planted_study(
    *,
    references: int = 20,
    impairments: int = 6,
    levels: int = 5,
    maps: int = 200,
    planted: int = 3,
    own: float = 1.0,
    noise: float = 0.2,
    seed: int = 0,
) -> PlantedStudy:
    """Draw a study.

    Args:
        references: pictures.
        impairments: kinds of impairment.
        levels: strengths of each kind.
        maps: feature maps.
        planted: how many of them make the subjective scores, as their mean.
        own: how much of its own each map sees in each impaired picture, as the standard
            deviation of the logarithm of its sensitivity. With little, maps that the
            scores were not made from stand in for several that they were made from,
            and a greedy selection starts with those.
        noise: standard deviation of the observers' disagreement, on the scale of 9.
        seed: of all draws.
    """
    rng = np.random.default_rng(seed)
    picture, kind, level = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(references),
            np.arange(impairments),
            np.arange(levels),
            indexing="ij",
        )
    )
    strength = (level + 1) / levels
    sensitivity = rng.lognormal(0, 0.5, (impairments, maps))[kind]
    case = picture * impairments + kind
    sensitivity *= rng.lognormal(0, own, (references * impairments, maps))[case]
    map_scores = np.exp(-sensitivity * strength[:, None])
    chosen = np.sort(rng.choice(maps, planted, replace=False))
    quality = map_scores[:, chosen].mean(1)
    spread = (quality - quality.mean()) / quality.std()
    scores = 5 + 4 * np.tanh(0.8 * spread) + noise * rng.normal(size=len(quality))
    return PlantedStudy(
        map_scores=map_scores,
        scores=scores,
        references=tuple(picture.tolist()),
        planted=tuple(chosen.tolist()),
    )

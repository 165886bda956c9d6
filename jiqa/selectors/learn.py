"""Learning to choose from a portfolio, and what that is worth on images not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.evaluation.statistics.splits import reference_disjoint_splits
from jiqa.models.parts.method_table import best_first
from jiqa.selectors.figures import figures, single_best
from jiqa.selectors.forest_selector import Selector
from jiqa.selectors.forests import Forests
from jiqa.selectors.grow_forests import Growth, grow, regression
from jiqa.selectors.network_selector import RunSelector
from jiqa.selectors.scenario import Portfolio
from jiqa.selectors.score_mapping import fit_curves
from jiqa.weights import safetensors_files as files

#: The file of what a selector is compared with.
FUSION = "fusion.safetensors"


@dataclass(frozen=True)
class Fusion:
    """Baselines that choose nothing: people's score predicted from all features.

    Attributes:
        weights: of each feature, then the constant [features + 1]: least squares.
        forest: a random forest, grown as the selector's.
    """

    weights: np.ndarray
    forest: Forests

    def save(self, folder: Path | str) -> None:
        """Write ``fusion.safetensors``; what is missing is filled as the selector's."""
        depth = np.array([self.forest.depth])
        arrays = {"weights": self.weights, "depth": depth, **self.forest.arrays}
        licence = "that of the scores it was learned from"
        source = "jiqa select learn, to compare with"
        path = Path(folder) / FUSION
        files.write(path, arrays, source=source, licence=licence, sha256="none")

    def on(self, selector: Selector, portfolio: Portfolio) -> dict[str, np.ndarray]:
        """Scores [n] by name."""
        features = _features(selector, portfolio)
        return {
            "fusion: least squares": _with_one(features) @ self.weights,
            "fusion: random forest": self.forest(features)[:, 0, 0].astype(np.float64),
        }


def learn(
    portfolio: Portfolio, growth: Growth, facts: Mapping[str, Any] | None = None
) -> Selector:
    """Fit the curves and grow the forests; the same images give the same selector.

    Args:
        portfolio: the images to learn from, and nothing else: the curves, what stands
            for missing features and the order of the methods come from it, too.
        growth: what kind of forests.
        facts: to be kept with the selector.

    Raises:
        jiqa.errors.UsageError: scikit-learn is not installed.
    """
    curves = fit_curves(portfolio.raw, portfolio.score)
    mapped = curves(portfolio.raw)
    features = np.concatenate([mapped, portfolio.extra], 1)
    fill = _medians(features)
    filled = np.where(np.isnan(features), fill, features)
    return Selector(
        growth.kind,
        portfolio.methods,
        curves,
        best_first(mapped, portfolio.score),
        portfolio.features,
        fill,
        grow(growth, filled, mapped, portfolio.score),
        portfolio.direction,
        dict(facts or {}),
    )


def fuse(selector: Selector, portfolio: Portfolio, growth: Growth) -> Fusion:
    """The baselines, from the images and features that a selector learned from."""
    features = _features(selector, portfolio)
    weights = np.linalg.lstsq(_with_one(features), portfolio.score, rcond=None)[0]
    forest = regression(growth, features, portfolio.score[:, None])
    return Fusion(weights, forest)


def open_fusion(folder: Path | str) -> Fusion:
    """What ``Fusion.save`` has written.

    Raises:
        ValueError: it is not there, or no such file.
    """
    path = Path(folder) / FUSION
    if not path.is_file():
        raise ValueError(f"{path} does not exist; jiqa select learn writes it")
    arrays, _ = files.read(path)
    weights, depth = arrays.pop("weights"), int(arrays.pop("depth")[0])
    return Fusion(weights.astype(np.float64), Forests(arrays, depth))


def reported(
    selector: Selector | RunSelector, portfolio: Portfolio, fusion: Fusion | None = None
) -> list[dict[str, Any]]:
    """``figures.figures`` of a selector on images, beside all that it competes with.

    Args:
        selector: of forests, or a network.
        portfolio: the images, as its ``check`` gives them.
        fusion: what forests are compared with, too.
    """
    found = selector.on(portfolio)
    others: dict[str, np.ndarray] = {}
    if fusion is not None and isinstance(selector, Selector):
        others = fusion.on(selector, portfolio)
    return figures(
        selector.methods,
        found.mapped,
        portfolio.score,
        single_best(found.mapped, selector.order),
        [
            (f"selector: {selector.kind}", "selector", found.predicted),
            *((name, "fusion", values) for name, values in others.items()),
        ],
        found.choice,
    )


def cross_validated(
    portfolio: Portfolio,
    growth: Growth,
    folds: int,
    advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """The same figures on images that each selector has not seen.

    All images are divided into parts, disjoint by reference. What is reported of a part
    is learned from the others, curves included.

    Args:
        portfolio: all images.
        growth: what kind of forests; its seed also divides.
        folds: how many parts, 2 or more.
        advance: called after each part.

    Raises:
        ValueError: fewer references than parts.
    """
    parts = reference_disjoint_splits(
        portfolio.references,
        fractions=(1 / folds,) * folds,
        repeats=1,
        seed=growth.seed,
    )[0]
    count, methods = len(portfolio), len(portfolio.methods)
    mapped = np.full((count, methods), np.nan)
    choice, single = np.full(count, -1), np.full(count, -1)
    predicted: dict[str, np.ndarray] = {}
    for part in parts:
        rest = portfolio.take(np.setdiff1d(np.arange(count), part))
        selector = learn(rest, growth)
        here = portfolio.take(part)
        found = selector.on(here)
        mapped[part], choice[part] = found.mapped, found.choice
        single[part] = single_best(found.mapped, selector.order)
        others = fuse(selector, rest, growth).on(selector, here)
        for name, values in {
            f"selector: {growth.kind}": found.predicted,
            **others,
        }.items():
            predicted.setdefault(name, np.full(count, np.nan))[part] = values
        advance()
    lines = [
        (name, "selector" if name.startswith("selector") else "fusion", values)
        for name, values in predicted.items()
    ]
    return figures(portfolio.methods, mapped, portfolio.score, single, lines, choice)


def _features(selector: Selector, portfolio: Portfolio) -> np.ndarray:
    features = np.concatenate([selector.curves(portfolio.raw), portfolio.extra], 1)
    return np.where(np.isnan(features), selector.fill, features)


def _medians(features: np.ndarray) -> np.ndarray:
    """Of each feature; 0 where it is missing everywhere."""
    known = ~np.isnan(features).all(0)
    found = np.zeros(features.shape[1])
    found[known] = np.nanmedian(features[:, known], 0)
    return found


def _with_one(features: np.ndarray) -> np.ndarray:
    return np.concatenate([features, np.ones((len(features), 1))], 1)

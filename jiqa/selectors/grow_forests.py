"""Growing the forests of a selector with scikit-learn.

It is imported here alone, and only to learn; its objects become plain arrays at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jiqa.checks import expected, one_of
from jiqa.errors import UsageError
from jiqa.selectors.forests import Forests, single_leaf, stacked, tree_of
from jiqa.selectors.rules import KINDS, pairs


@dataclass(frozen=True)
class Growth:
    """Settings of the growing of forests.

    Attributes:
        kind: what they predict, one of ``jiqa.selectors.rules.KINDS``.
        trees: of each forest.
        leaf: fewest images in a leaf.
        share: of the features, how many a division may look at: a third is Breiman's
            rule for regression (Machine Learning 45, 2001).
        seed: equal seeds give equal forests.
    """

    kind: str = "nearest"
    trees: int = 200
    leaf: int = 3
    share: float = 1 / 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("kind", self.kind, *KINDS)
        for name in ("trees", "leaf"):
            if getattr(self, name) < 1:
                raise ValueError(expected(name, "1 or more", f"{getattr(self, name)}"))
        if not 0 < self.share <= 1:
            raise ValueError(expected("share", "above 0, at most 1", f"{self.share}"))
        if self.seed < 0:
            raise ValueError(expected("seed", "0 or more", f"{self.seed}"))


def grow(
    growth: Growth, features: np.ndarray, mapped: np.ndarray, score: np.ndarray
) -> Forests:
    """Grow the forests of a selector.

    Args:
        growth: what they predict, and how they are grown.
        features: [n, features], without NaN.
        mapped: the methods' scores on the subjective scale [n, m], NaN where a method
            has none. No pair learns from such an image; ``errors`` and ``absolute``
            take the method to be as wrong as the image's worst.
        score: subjective scores [n].

    Raises:
        UsageError: scikit-learn is not installed.
    """
    features = np.asarray(features, np.float32)
    errors = mapped - score[:, None]
    wrong = np.abs(errors)
    if growth.kind == "nearest":
        return regression(growth, features, score[:, None])
    if growth.kind == "pairwise":
        return stacked(
            [
                _duel(growth, number, features, wrong[:, i], wrong[:, j])
                for number, (i, j) in enumerate(
                    zip(*pairs(wrong.shape[1]), strict=True)
                )
            ]
        )
    scored = ~np.isnan(wrong).all(1)
    features, errors, wrong = features[scored], errors[scored], wrong[scored]
    if growth.kind == "best":
        return stacked([_classified(growth, features, wrong)])
    targets = errors if growth.kind == "errors" else wrong
    worst = np.nanmax(wrong, 1, keepdims=True)
    return regression(growth, features, np.where(np.isnan(targets), worst, targets))


def regression(growth: Growth, features: np.ndarray, targets: np.ndarray) -> Forests:
    """Grow a forest that predicts targets [n, outputs] from features [n, features]."""
    ensemble = require()
    forest = ensemble.RandomForestRegressor(**_settings(growth))
    features = np.asarray(features, np.float32)
    forest.fit(features, targets[:, 0] if targets.shape[1] == 1 else targets)
    return stacked([[_tree(tree, lambda v: v[:, :, 0]) for tree in forest.estimators_]])


def _duel(
    growth: Growth, number: int, features: np.ndarray, one: np.ndarray, two: np.ndarray
) -> list[Forests]:
    """Grow a forest that says which of two methods is nearer, weighted by cost."""
    cost = np.abs(one - two)
    rows = cost > 0  # not NaN either
    nearer = one[rows] < two[rows]
    if not rows.any():
        return [single_leaf(np.array([0.5]))] * growth.trees
    if nearer.all() or not nearer.any():
        return [single_leaf(np.array([float(nearer[0])]))] * growth.trees
    forest = require().RandomForestClassifier(**_settings(growth, number))
    forest.fit(features[rows], nearer, sample_weight=cost[rows])
    return [_tree(t, lambda v: _shares(v)[:, 1:]) for t in forest.estimators_]


def _classified(
    growth: Growth, features: np.ndarray, wrong: np.ndarray
) -> list[Forests]:
    best = np.nanargmin(wrong, 1)
    forest = require().RandomForestClassifier(**_settings(growth))
    forest.fit(features, best)

    def of_all(value: np.ndarray) -> np.ndarray:
        shares = np.zeros((len(value), wrong.shape[1]))
        shares[:, forest.classes_] = _shares(value)
        return shares

    return [_tree(tree, of_all) for tree in forest.estimators_]


def _shares(value: np.ndarray) -> np.ndarray:
    """Return the share of each class [nodes, classes]: some versions keep sums."""
    return value[:, 0] / value[:, 0].sum(-1, keepdims=True)


def _tree(fitted: Any, values: Any) -> Forests:
    tree = fitted.tree_
    return tree_of(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        values(tree.value),
    )


def _settings(growth: Growth, number: int = 0) -> dict[str, Any]:
    seeds = np.random.SeedSequence([growth.seed, number]).generate_state(1)
    return {
        "n_estimators": growth.trees,
        "min_samples_leaf": growth.leaf,
        "max_features": growth.share,
        "random_state": int(seeds[0]),
        "n_jobs": -1,
    }


def require() -> Any:
    """Import scikit-learn, or say how to install it.

    Raises:
        UsageError: it is not installed.
    """
    try:
        from sklearn import ensemble
    except ImportError:
        raise UsageError(
            "scikit-learn, which grows the forests of a selector, is not installed: "
            "pip install 'jiqa[select]' (a finished selector works without it)"
        ) from None
    return ensemble


def versions() -> dict[str, str]:
    """Return the versions that grew the forests, for the record."""
    from importlib.metadata import version

    return {name: version(name) for name in _PACKAGES}


_PACKAGES: Sequence[str] = ("scikit-learn", "numpy")

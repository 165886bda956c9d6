"""Learning of a selector from a scenario, and its figures on unseen images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.data.learned_images import learned_by, overlap_notes, write_learned_images
from jiqa.evaluation.statistics.splits import reference_disjoint_splits
from jiqa.io.json_files import write_json
from jiqa.io.write_table import make_folder, write_rows
from jiqa.models.parts.method_table import best_first
from jiqa.progress import Progress, silent
from jiqa.selectors.figures import COLUMNS, figures, single_best
from jiqa.selectors.forest_selector import Selector
from jiqa.selectors.forests import Forests
from jiqa.selectors.grow_forests import Growth, grow, regression, versions
from jiqa.selectors.network_selector import RunSelector
from jiqa.selectors.scenario import Scenario
from jiqa.selectors.scenario_table import FILE as SCENARIO_TABLE
from jiqa.selectors.scenario_table import write_scenario_table
from jiqa.selectors.score_mapping import fit_curves
from jiqa.weights import safetensors_files as files
from jiqa.weights.run_sets import SELECTOR

#: The file of what a selector is compared with.
FUSION = "fusion.safetensors"


@dataclass(frozen=True)
class Fusion:
    """Baselines that choose nothing: MOS predicted from all features.

    Attributes:
        weights: of each feature, then the constant [features + 1]: least squares.
        forest: a random forest, grown as the selector's.
    """

    weights: np.ndarray
    forest: Forests

    def save(self, folder: Path | str) -> None:
        """Write ``fusion.safetensors``; gaps are filled as the selector's are."""
        depth = np.array([self.forest.depth])
        arrays = {"weights": self.weights, "depth": depth, **self.forest.arrays}
        licence = "that of the scores it was learned from"
        source = "jiqa select learn, to compare with"
        path = Path(folder) / FUSION
        files.write(path, arrays, source=source, licence=licence, sha256="none")

    def on(self, selector: Selector, scenario: Scenario) -> dict[str, np.ndarray]:
        """Predict scores [n] by name."""
        features = _features(selector, scenario)
        return {
            "fusion: least squares": _with_one(features) @ self.weights,
            "fusion: random forest": self.forest(features)[:, 0, 0].astype(np.float64),
        }


@dataclass(frozen=True)
class Learned:
    """A learned selector and its figures.

    Attributes:
        selector: chooses a method for each image.
        fusion: what it is compared with.
        figures: on images left out in turn, see ``jiqa.selectors.figures.figures``;
            empty without folds.
        facts: what decides the selector, as ``run.json`` has it.
        folder: where the files are; ``None`` if none were written.
        warnings: sentences on methods that learned from these images themselves.
    """

    selector: Selector
    fusion: Fusion
    figures: list[dict[str, Any]]
    facts: Mapping[str, Any]
    folder: Path | None
    warnings: Sequence[str] = ()


def learn(
    scenario: Scenario,
    growth: Growth | None = None,
    *,
    folds: int = 5,
    output: Path | str | None = None,
    record: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Learned:
    """Learn which of several methods to trust, image by image.

    The methods' scores are mapped to the scale of the subjective ones, and random
    forests grow on them that choose a method for each image.

    Args:
        scenario: the methods' scores [n, m] of rated images: of ``score_scenario`` or
            ``read_scenario``, or made of arrays.
        growth: what kind of forests, and how they grow; by default ``Growth()``.
        folds: parts of the images, disjoint by reference, that are left out in turn for
            the figures: 2 or more, or 0 for no figures.
        output: folder for the selector (``selector.json``, ``forests.safetensors``),
            ``figures.csv``, ``scenario.csv``, ``images.csv``, ``fusion.safetensors``
            and ``run.json``; it then is a metric, ``selector:FOLDER``. By default none
            is written.
        record: to be written first into ``run.json``, such as the command.
        progress: see ``jiqa.progress``.

    Returns:
        The selector with its figures.

    Raises:
        ValueError: folds of which there cannot be, or fewer references than folds.
        jiqa.errors.UsageError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from jiqa import selectors
        >>> quality = np.linspace(0, 100, 40)
        >>> names = tuple(f"{k}.png" for k in range(40))
        >>> scores = np.stack([quality, 50 - quality * (quality > 50)], 1)
        >>> none = ("",) * 40
        >>> scenario = selectors.Scenario(
        ...     names, none, none, ("good", "poor"), scores, quality
        ... )
        >>> found = selectors.learn(scenario, selectors.Growth(trees=5), folds=2)
        >>> [line["role"] for line in found.figures][:3]
        ['method', 'method', 'single best']
    """
    if folds < 0 or folds == 1:
        raise ValueError(expected("folds", "0, or 2 or more", str(folds)))
    growth = growth or Growth()
    folder = None if output is None else Path(output)
    if folder is not None:
        make_folder(folder / "run.json")
    facts = {
        **scenario.facts,
        "images": len(scenario),
        "fingerprint": scenario.fingerprint(),
        "growth": vars(growth),
        "versions": versions(),
    }
    with progress("growing forests", 2 * (folds + 1)) as advance:
        selector = grow_selector(scenario, growth, facts)
        advance()
        fusion = fuse(selector, scenario, growth)
        advance()
        lines = []
        if folds:
            lines = cross_validated(scenario, growth, folds, advance)
    if folder is not None:
        write_scenario_table(
            folder / SCENARIO_TABLE,
            scenario.images,
            scenario.score,
            scenario.methods,
            selector.curves(scenario.raw),
            scenario.splits,
        )
        fusion.save(folder)
        write_learned_images(folder, scenario.known_images)
        write_json(folder / "run.json", {**(record or {}), **facts}, default=str)
        selector.save(folder)
        selector = replace(selector, name=f"{SELECTOR}{folder}")
        if lines:
            write_rows(folder / "figures.csv", COLUMNS, lines)
    warnings = as_sentences(learned_notes(scenario, selector.metrics))
    return Learned(selector, fusion, lines, facts, folder, warnings)


def learned_notes(scenario: Scenario, metrics: Iterable[str]) -> dict[str, list[str]]:
    """Return notes on each metric that has learned from images of a scenario.

    Args:
        scenario: the images that figures are about.
        metrics: names; those of runs and of selectors are looked at.
    """
    images = scenario.known_images
    found = {name: overlap_notes(learned_by(name), images) for name in metrics}
    return {name: notes for name, notes in found.items() if notes}


def as_sentences(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return notes by name as warnings."""
    return [
        f"{name}: {'; '.join(texts)}. The figures say nothing of images that it has "
        "not seen."
        for name, texts in notes.items()
    ]


def grow_selector(
    scenario: Scenario, growth: Growth, facts: Mapping[str, Any] | None = None
) -> Selector:
    """Fit the curves and grow the forests; the same images give the same selector.

    Args:
        scenario: the images to learn from, and nothing else: the curves, what stands
            for missing features and the order of the methods come from it, too.
        growth: what kind of forests.
        facts: to be kept with the selector.

    Raises:
        jiqa.errors.UsageError: scikit-learn is not installed.
    """
    curves = fit_curves(scenario.raw, scenario.score)
    mapped = curves(scenario.raw)
    features = np.concatenate([mapped, scenario.extra], 1)
    fill = _medians(features)
    filled = np.where(np.isnan(features), fill, features)
    return Selector(
        growth.kind,
        scenario.methods,
        curves,
        best_first(mapped, scenario.score),
        scenario.features,
        fill,
        grow(growth, filled, mapped, scenario.score),
        scenario.direction,
        dict(facts or {}),
    )


def fuse(selector: Selector, scenario: Scenario, growth: Growth) -> Fusion:
    """Fit the baselines to the images and features that a selector learned from."""
    features = _features(selector, scenario)
    weights = np.linalg.lstsq(_with_one(features), scenario.score, rcond=None)[0]
    forest = regression(growth, features, scenario.score[:, None])
    return Fusion(weights, forest)


def open_fusion(folder: Path | str) -> Fusion:
    """Open what ``Fusion.save`` has written.

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
    selector: Selector | RunSelector, scenario: Scenario, fusion: Fusion | None = None
) -> list[dict[str, Any]]:
    """Return ``figures.figures`` of a selector, beside all that it competes with.

    Args:
        selector: of forests, or a network.
        scenario: the images, as its ``check`` gives them.
        fusion: what forests are compared with, too.
    """
    found = selector.on(scenario)
    others: dict[str, np.ndarray] = {}
    if fusion is not None and isinstance(selector, Selector):
        others = fusion.on(selector, scenario)
    return figures(
        selector.methods,
        found.mapped,
        scenario.score,
        single_best(found.mapped, selector.order),
        [
            (f"selector: {selector.kind}", "selector", found.predicted),
            *((name, "fusion", values) for name, values in others.items()),
        ],
        found.choice,
    )


def cross_validated(
    scenario: Scenario,
    growth: Growth,
    folds: int,
    advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Return the same figures on images that each selector has not learned from.

    All images are divided into parts, disjoint by reference. What is reported of a part
    is learned from the others, curves included.

    Args:
        scenario: all images.
        growth: what kind of forests; its seed also divides.
        folds: how many parts, 2 or more.
        advance: called twice for each part.

    Raises:
        ValueError: fewer references than parts.
    """
    parts = reference_disjoint_splits(
        scenario.references,
        fractions=(1 / folds,) * folds,
        repeats=1,
        seed=growth.seed,
    )[0]
    count, methods = len(scenario), len(scenario.methods)
    mapped = np.full((count, methods), np.nan)
    choice, single = np.full(count, -1), np.full(count, -1)
    predicted: dict[str, np.ndarray] = {}
    for part in parts:
        rest = scenario.take(np.setdiff1d(np.arange(count), part))
        selector = grow_selector(rest, growth)
        advance()
        here = scenario.take(part)
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
    return figures(scenario.methods, mapped, scenario.score, single, lines, choice)


def _features(selector: Selector, scenario: Scenario) -> np.ndarray:
    features = np.concatenate([selector.curves(scenario.raw), scenario.extra], 1)
    return np.where(np.isnan(features), selector.fill, features)


def _medians(features: np.ndarray) -> np.ndarray:
    """Return the median of each feature; 0 where it is missing everywhere."""
    known = ~np.isnan(features).all(0)
    found = np.zeros(features.shape[1])
    found[known] = np.nanmedian(features[:, known], 0)
    return found


def _with_one(features: np.ndarray) -> np.ndarray:
    return np.concatenate([features, np.ones((len(features), 1))], 1)

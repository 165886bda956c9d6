"""Planted scenarios: which method is right depends on a feature of the image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from jax import Array
from PIL import Image

from jiqa import registry as catalogue
from jiqa.core.metric import Metric, no_reference
from jiqa.selectors.scenario import Scenario

#: ``sharp`` is right on bright images, ``smooth`` on dark ones, ``noise`` never.
METHODS = ("sharp", "smooth", "noise")


def planted(count: int = 240, seed: int = 0, missing: float = 0.0) -> Scenario:
    """Scores 0 to 100; ``smooth`` is lower for better; brightness is a feature."""
    random = np.random.default_rng(seed)
    score = random.uniform(0, 100, count)
    bright = random.uniform(0, 1, count)
    exact = score + random.normal(0, 1, (2, count))
    wild = random.uniform(0, 100, (3, count))
    raw = np.stack(
        [
            np.where(bright > 0.5, exact[0], wild[0]) / 10,
            -np.where(bright > 0.5, wild[1], exact[1]),
            wild[2],
        ],
        1,
    )
    raw[random.uniform(size=raw.shape) < missing] = np.nan
    return Scenario(
        tuple(f"{k:03}.png" for k in range(count)),
        ("",) * count,
        ("",) * count,
        METHODS,
        raw,
        score,
        features=("brightness",),
        extra_features=bright[:, None],
    )


def written(folder: Path, scenario: Scenario, test: int = 0) -> tuple[Path, Path]:
    """Two tables: scores, the last ``test`` of which are so called, and features."""
    folder.mkdir(parents=True, exist_ok=True)
    scores, features = folder / "scores.csv", folder / "features.csv"
    count = len(scenario)
    with scores.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mos", "split", *scenario.methods])
        for k, image in enumerate(scenario.images):
            cells = ["" if np.isnan(v) else repr(float(v)) for v in scenario.raw[k]]
            split = "test" if k >= count - test else "train"
            rows.writerow([image, repr(float(scenario.score[k])), split, *cells])
    with features.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", *scenario.features])
        rows.writerows(zip(scenario.images, scenario.extra[:, 0], strict=True))
    return scores, features


def _toy(name: str, channel: int, direction: str) -> Metric:
    def core(image: Array) -> Array:
        sign = 1 if direction == "higher" else -1
        return sign * image[..., channel].mean()

    core.__name__ = name
    return no_reference(
        title=name,
        direction=direction,
        range=(-1.0, 1.0),
        identity=None,
        symmetric=False,
        min_side=4 + channel,
        colour="rgb",
        citation="made for tests",
        fidelity="authors-code",
        fidelity_note="it is a mean",
    )(core)


#: Methods of images: the mean of a channel each.
TOYS = {
    "toy_red": _toy("toy_red", 0, "higher"),
    "toy_green": _toy("toy_green", 1, "higher"),
    "toy_blue": _toy("toy_blue", 2, "lower"),
}


def toys_are_known(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone, the toys are metrics like others."""
    known = {**catalogue.all_metrics(), **TOYS}
    patch.setattr(catalogue, "all_metrics", lambda: known)


def photographs(folder: Path, count: int = 160, seed: int = 0) -> Path:
    """A table of images: bright in red, green tells the score, else blue does."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    table = folder / "rated.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mos"])
        for number in range(count):
            score = random.uniform(0, 100)
            other = random.uniform(0, 100)
            bright = number % 2 == 0
            red = random.uniform(*((170, 190) if bright else (50, 70)))
            means = [red, *((score, other) if bright else (other, score))]
            pixels = np.array(means) + random.integers(0, 9, (12, 14, 3))
            name = f"{number:02}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / name)
            rows.writerow([name, f"{score:.4f}"])
    return table

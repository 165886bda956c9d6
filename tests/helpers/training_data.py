"""Small prepared sets for training: rated photographs, and a ladder of distortions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

#: Height and width of the images.
SIZE = (20, 24)


def rated(
    folder: Path, count: int = 24, seed: int = 5, size: tuple[int, int] = SIZE
) -> Path:
    """A table of noisy images whose brightness is their score, 0 to 100."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    table = folder / "scores.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mos"])
        for number in range(count):
            score = 100 * number / (count - 1)
            noise = random.integers(0, 80, (*size, 3))
            pixels = (noise + 1.7 * score).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{number:02}.png")
            rows.writerow([f"{number:02}.png", f"{score:.3f}"])
    return table


def ladder(folder: Path, count: int = 6, levels: int = 3) -> Path:
    """What ``jiqa distort`` writes: noise and darkness, the stronger the worse."""
    random = np.random.default_rng(6)
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "reference", "distortion", "level", "set"])
        for number in range(count):
            base = random.integers(120, 200, (*SIZE, 3))
            reference = f"{number}/pristine.png"
            versions: dict[tuple[str, int], Any] = {("pristine", 0): base}
            for level in range(1, levels + 1):
                noise = random.normal(0, 20 * level, base.shape)
                versions["noise", level] = base + noise
                versions["darkness", level] = base * (1 - 0.2 * level)
            for (kind, level), pixels in versions.items():
                name = f"{number}/{kind}-{level}.png" if level else reference
                (folder / str(number)).mkdir(exist_ok=True)
                image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
                image.save(folder / name)
                rows.writerow([name, reference, kind, level, "made"])
    return folder


def material(folder: Path) -> Path:
    """Both in one folder, ``rated`` and ``ladder``, and a smaller table, ``other``."""
    rated(folder / "rated")
    rated(folder / "other", 10, seed=9)
    ladder(folder / "ladder")
    return folder

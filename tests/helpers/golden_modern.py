"""The golden set ``modern``: one table a metric, of pairs and the authors' values."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parents[1] / "golden" / "modern"


class ModernRow(NamedTuple):
    """One golden value; images are paths from the folder of the set."""

    reference: str
    distorted: str
    conditions: dict[str, str]
    value: float
    notes: str
    metric: str

    @property
    def group(self) -> str:
        """The first word of the images' names: ``china``, ``edge``."""
        return Path(self.distorted).name.split("_")[0]


@functools.cache
def modern_rows(metric: str) -> list[ModernRow]:
    """The rows of a metric's table."""
    with (FOLDER / f"{metric}.csv").open(newline="") as file:
        return [
            ModernRow(
                r["reference"],
                r["distorted"],
                {
                    k: v
                    for k, _, v in (
                        part.partition("=") for part in r["variant"].split(";")
                    )
                },
                float(r["value"]),
                r["notes"],
                r["metric"],
            )
            for r in csv.DictReader(file)
        ]


def _conditions(variant: str) -> dict[str, str]:
    """``key=value`` by key, and what has no value by itself."""
    parts = (part.partition("=") for part in variant.split(";"))
    return {key: value for key, _, value in parts}


@functools.lru_cache(maxsize=64)
def modern_image(name: str) -> np.ndarray:
    """An image of the set as it is stored, ``[H, W, C]``."""
    path = FOLDER / name
    pixels = np.load(path) if path.suffix == ".npy" else np.asarray(Image.open(path))
    return pixels if pixels.ndim == 3 else pixels[..., None]

"""The golden set ``open``: pairs, the authors' values, and how to compute jiqa's."""

from __future__ import annotations

import csv
import functools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parents[1] / "golden" / "open"


class Variant(NamedTuple):
    """One row of variants.csv: a golden's metric and conditions, jiqa's options."""

    metric: str
    variant: str
    jiqa: str
    options: dict[str, Any]

    def __str__(self) -> str:
        tail = "".join(f"-{k}={v}" for k, v in self.options.items())
        return f"{self.metric}{tail}-{self.variant.split(';')[0]}"


class Row(NamedTuple):
    """One golden value."""

    reference: str
    distorted: str
    value: float
    notes: str


@functools.cache
def variants(table: str = "variants.csv") -> list[Variant]:
    """The rows of variants.csv, or of drafts.csv for metrics that are not there yet."""
    with (FOLDER / table).open(newline="") as file:
        return [
            Variant(r["metric"], r["variant"], r["jiqa"], json.loads(r["options"]))
            for r in csv.DictReader(file)
        ]


@functools.cache
def rows() -> dict[tuple[str, str, str], list[Row]]:
    """Golden rows by (metric, variant, group); the group is the name's first word."""
    table = defaultdict(list)
    with (FOLDER / "values.csv").open(newline="") as file:
        for r in csv.DictReader(file):
            group = r["distorted"].split("_")[0]
            table[r["metric"], r["variant"], group].append(
                Row(r["reference"], r["distorted"], float(r["value"]), r["notes"])
            )
    return dict(table)


@functools.lru_cache(maxsize=64)
def image(name: str) -> np.ndarray:
    pixels = np.asarray(Image.open(FOLDER / "images" / name))
    return pixels if pixels.ndim == 3 else pixels[..., None]

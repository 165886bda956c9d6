"""Predictions for the images that a run was not trained on, kept beside its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.evaluation.statistics.bootstrap import bootstrap_intervals, cluster_numbers
from jiqa.evaluation.statistics.correlations import srcc
from jiqa.io.read_table import read_table
from jiqa.io.write_table import write_rows
from jiqa.training.run_data import Source
from jiqa.training.setup import Setup

#: The table in a run's folder.
FILE = "predictions.csv"

COLUMNS = ("image", "reference", "score", "predicted", "part")

Row = dict[str, Any]


def prediction_rows(
    setup: Setup, source: Source, predicted: Sequence[float], part: int = 0
) -> list[Row]:
    """Return a row an image, on the scale of the data.

    Args:
        setup: of the run.
        source: the images.
        predicted: their scores on the model's scale; NaN for none.
        part: of the data, that was held out for them; 0 where there is one only.
    """
    scale = setup.affine(source)
    return [
        {
            "image": entry.name,
            "reference": entry.reference,
            "score": entry.score,
            "predicted": (value - scale.summand) / scale.factor,
            "part": part,
        }
        for entry, value in zip(source.entries, predicted, strict=True)
    ]


def write_predictions(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``predictions.csv``."""
    write_rows(folder / FILE, COLUMNS, rows)


def read_predictions(folder: Path) -> list[Row]:
    """Read ``predictions.csv``; empty where there is none."""
    path = folder / FILE
    if not path.is_file():
        return []
    return [
        {
            **row,
            "score": _number(row["score"]),
            "predicted": _number(row["predicted"]),
            "part": int(row["part"]),
        }
        for row in read_table(path).records()
    ]


def _number(cell: str) -> float:
    return float(cell) if cell else np.nan


def figure_text(figures: Mapping[str, float], name: str) -> str:
    """Write a figure, and behind it its interval if there is one."""
    text = f"{name} {figures[name]:.4f}"
    if f"{name}_low" in figures:
        text += f" [{figures[f'{name}_low']:.2f}, {figures[f'{name}_high']:.2f}]"
    return text


def agreement(
    predicted: Sequence[float], rows: Sequence[Mapping[str, Any]], sign: int = 1
) -> dict[str, float]:
    """Return SRCC with its 95 % interval, and on how many images and references.

    Args:
        predicted: a value an image, NaN for none.
        rows: ``score`` and ``reference`` of each image; references are resampled.
        sign: -1 where lower values stand for higher scores.
    """
    x = sign * np.array(predicted, np.float64)
    y = np.array([row["score"] for row in rows], np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    references = [row["reference"] for row, k in zip(rows, known, strict=True) if k]
    clusters = cluster_numbers(references)
    figures: dict[str, float] = {"n": len(references)}
    if any(references):
        figures["references"] = len(set(references))
    found = srcc(x[known], y[known])
    if found is None:
        return figures
    figures["srcc"] = found
    within = bootstrap_intervals(x[known], y[known], clusters, fit=None).srcc
    if within is not None:
        figures["srcc_low"], figures["srcc_high"] = within
    return figures

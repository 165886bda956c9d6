"""Metrics that need no training, on the images that a run is judged by.

A run is worth its training where it is better than these, and the images are many
enough to tell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.evaluation.score_dataset import Part
from jiqa.evaluation.score_datasets import Scoring, score_datasets
from jiqa.progress import Progress, silent
from jiqa.training.predictions import agreement


def baselines(
    metrics: str,
    dataset: Dataset,
    entries: Sequence[Entry],
    *,
    progress: Progress = silent,
) -> dict[str, dict[str, float]]:
    """Return the agreement of metrics with the scores of some images.

    Args:
        metrics: names with commas.
        dataset: the set.
        entries: its images.
        progress: makes a progress bar.

    Returns:
        By name what ``agreement`` finds; only ``n`` where a metric has no values.

    Raises:
        jiqa.errors.UsageError: an unknown metric, or one whose weights are not there.
    """
    if not metrics or not entries or dataset.scale is None:
        return {}
    how = Scoring.of_call(metrics)
    part = Part(f"{dataset.name}:held out", dataset, entries)
    with tempfile.TemporaryDirectory() as folder:
        scored = score_datasets([part], how, Path(folder), progress=progress)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in scored.rows:
        found.setdefault(row["metric"], []).append(row)
    return {
        name: agreement(
            [float("nan") if r["value"] is None else r["value"] for r in rows],
            rows,
            1 if scored.directions[name] == dataset.scale.direction else -1,
        )
        for name, rows in found.items()
    }

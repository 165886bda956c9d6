"""Rows of made-up metrics on a made-up data set, for the tests of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jiqa.evaluation.evaluate import Evaluation, evaluate


def make_rows(
    metrics: Sequence[str],
    *,
    data: str = "made",
    split: str = "test",
    references: int = 4,
    kinds: Sequence[Any] = ("noise", "blur", "jpeg"),
    levels: int = 3,
    deviation: float | None = 0.2,
    lower: Sequence[str] = (),
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One row a metric and image; each metric is its own noisy view of the truth.

    Lower is better for the metrics in ``lower``.
    """
    rng = np.random.default_rng(seed)
    images = [
        (r, kind, level)
        for r in range(references)
        for kind in kinds
        for level in range(1, levels + 1)
    ]
    truth = np.array([1 - level / (levels + 1) for _, _, level in images])
    truth = truth + 0.1 * rng.standard_normal(len(images))
    score = 6 * truth + 0.3 * rng.standard_normal(len(images))
    rows = []
    for place, metric in enumerate(metrics):
        lean = {str(kind): 0.15 * rng.standard_normal() for kind in kinds}
        noise = (0.05 + 0.3 * place / len(metrics)) * rng.standard_normal(len(images))
        for i, (r, kind, level) in enumerate(images):
            value = np.tanh(2 * (truth[i] + noise[i] + lean[str(kind)]) - 1)
            rows.append(
                {
                    "data": data,
                    "split": split,
                    "image": f"{data}/i{r:02}_{kind}_{level}.png",
                    "reference": f"{data}/i{r:02}.png",
                    "distortion": kind,
                    "level": level,
                    "metric": metric,
                    "value": float(-value if metric in lower else value),
                    "score": float(score[i]),
                    "deviation": deviation,
                    "version": "9.9",
                    "weights": "",
                    "seconds": 0.01 * (1 + place),
                    "error": "",
                }
            )
    return rows


def evaluated(rows: list[dict[str, Any]], lower: Sequence[str] = ()) -> Evaluation:
    """What ``evaluate`` makes of ``rows``, with intervals from a few resamples."""
    metrics = {row["metric"] for row in rows}
    return evaluate(
        rows,
        directions={m: "lower" if m in lower else "higher" for m in metrics},
        score_direction=dict.fromkeys((r.get("data") or "" for r in rows), "higher"),
        resamples=20,
    )

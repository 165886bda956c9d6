"""Scores to fit logistics to, and plain least squares to compare with."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

_TID2013 = Path(__file__).parents[1] / "golden" / "tid2013" / "official_scores.csv.gz"

#: Length of the shortest interval with a quarter of a normal distribution of standard
#: deviation 1.
_QUARTER = 0.6373


def logistic(x: Any, parameters: Any) -> np.ndarray:
    """The formula as it is printed, of ``x [..., N]`` and ``parameters [..., 5]``."""
    x = np.asarray(x, np.float64)
    b1, b2, b3, b4, b5 = np.moveaxis(np.asarray(parameters), -1, 0)[..., None]
    return b1 / 2 * np.tanh(b2 * (x - b3) / 2) + b4 * x + b5


def tid2013(distortion: int | None = None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The official values of 11 metrics, and MOS.

    Args:
        distortion: 1 to 24; all of them by default.
    """
    with gzip.open(_TID2013, "rt") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if distortion is None or int(row["distortion"]) == distortion
        ]
    values = {
        name: np.array([float(r[name]) for r in rows]) for name in list(rows[0])[6:]
    }
    # 100000 stands for infinite.
    finite = {k: np.where(v >= 1e5, v[v < 1e5].max(), v) for k, v in values.items()}
    return finite, np.array([float(r["mos"]) for r in rows])


def saturating(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Metrics that level off at one end or both, 60 to 400 images each."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        quality = rng.normal(size=int(rng.choice([60, 150, 400])))
        pace = rng.uniform(1, 4)
        x = 1 - np.exp(-pace * quality) if i % 2 else np.tanh(pace * quality + 1)
        x += 0.02 * x.std() * rng.normal(size=x.size)
        noise = rng.uniform(0.1, 0.5) * rng.normal(size=x.size)
        found.append((x, quality + noise))
    return found


def noisy(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Metrics that tell little, 60 to 400 images each."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        quality = rng.normal(size=int(rng.choice([60, 150, 400])))
        x = np.tanh(rng.uniform(1, 4) * quality)
        x += rng.uniform(0.3, 1.5) * rng.normal(size=x.size)
        noise = rng.uniform(0.3, 1) * rng.normal(size=x.size)
        found.append((x, quality + noise))
    return found


def steepness_limit(z: np.ndarray, steepest: float) -> float:
    """The largest k that a fit of ``z`` may have, one interval after the other."""
    ordered = sorted(z)
    held = -(-len(z) // 4)
    width = min(b - a for a, b in zip(ordered, ordered[held:], strict=False))
    return steepest * _QUARTER / width


def plain_correlation(x, y, steepest=7.5, *, random_starts=0, seed=0) -> float:
    """Correlation after the best of several plain five-parameter fits.

    Args:
        x: a metric's values ``[n]``.
        y: subjective scores ``[n]``.
        steepest: see ``steepness_limit``.
        random_starts: how many starts there are beside nine fixed ones.
        seed: of these.
    """
    z, v = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    limit, one = steepness_limit(z, steepest), np.ones_like(z)

    def misses(b):
        k = np.clip(b[1], -limit, limit)
        return b[0] * np.tanh(k * (z - b[2])) + b[3] * z + b[4] - v

    def slopes(b):
        k = np.clip(b[1], -limit, limit)
        t = np.tanh(k * (z - b[2]))
        bend = b[0] * (1 - t * t)
        inside = abs(b[1]) <= limit
        return np.stack([t, inside * bend * (z - b[2]), -k * bend, z, one], 1)

    starts = [
        [1.0, steep, np.quantile(z, share), 0.1, 0.0]
        for steep in (0.3, 1.0, 4.0)
        for share in (0.1, 0.5, 0.9)
    ]
    rng = np.random.default_rng(seed)
    for _ in range(random_starts):
        k, c = np.exp(rng.uniform(np.log(0.1), np.log(limit))), rng.choice(z)
        line = np.stack([np.tanh(k * (z - c)), z, one], 1)
        a, tilt, shift = np.linalg.lstsq(line, v, rcond=None)[0]
        starts.append([a, k, c + 0.2 * rng.normal(), tilt, shift])
    best = 0.0
    for start in starts:
        jacobian: Any = slopes
        fit = least_squares(misses, start, jacobian, method="lm", max_nfev=400)
        best = max(best, np.sqrt(max(0.0, 1 - 2 * fit.cost / len(v))))
    return best

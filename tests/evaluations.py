"""Rows of made-up metrics on a made-up data set, for the tests of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats as scipy_stats

#: Their results have no useful types.
stats: Any = scipy_stats


@dataclass
class StandIn:
    """The attributes of an Evaluation."""

    summary: list[dict[str, Any]]
    significance: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    fits: dict[tuple[str, str, str], Any]
    resamples: int = 100
    seed: int = 3


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


def stand_in(rows: list[dict[str, Any]], *, lower: Sequence[str] = ()) -> StandIn:
    """A quick summary of ``rows``: a cubic as the fit, guessed intervals."""
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        by_metric = groups.setdefault((row["data"], row["split"]), {})
        by_metric.setdefault(row["metric"], []).append(row)
    out = StandIn([], [], rows, {})
    for (data, split), by_metric in groups.items():
        residuals = {}
        for metric, found in by_metric.items():
            fit = _fit(found)
            if fit is not None:
                out.fits[data, split, metric] = fit
                residuals[metric] = _residuals(found, fit)
            direction = "lower" if metric in lower else "higher"
            kinds = dict.fromkeys(r["distortion"] for r in found)
            for kind in ["all", *(k for k in kinds if k is not None)]:
                some = [r for r in found if kind in ("all", r["distortion"])]
                key = {"data": data, "split": split, "metric": metric}
                key |= {"direction": direction, "distortion": kind}
                out.summary.append(key | _line(some, fit, -1 if metric in lower else 1))
        out.significance.append(_significance(data, split, by_metric, residuals))
    return out


def _pairs(rows: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    known = [(r["value"], r["score"]) for r in rows if r["value"] is not None]
    x, y = np.array(known, np.float64).reshape(-1, 2).T
    return x, y


def _fit(rows: list[dict[str, Any]]) -> Any:
    x, y = _pairs(rows)
    x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    if len(set(x)) < 5:
        return None
    return np.polynomial.Polynomial.fit(x, y, 3)


def _residuals(rows: list[dict[str, Any]], fit: Any) -> np.ndarray:
    x, y = _pairs(rows)
    return y[np.isfinite(x)] - fit(x[np.isfinite(x)])


def _line(rows: list[dict[str, Any]], fit: Any, sign: int) -> dict[str, Any]:
    x, y = _pairs(rows)
    names = ("srcc", "krcc", "plcc", "rmse")
    keys = [k for n in names for k in (n, f"{n}_low", f"{n}_high")]
    line: dict[str, Any] = dict.fromkeys((*keys, "plcc_unfitted", "outlier_ratio"))
    line |= {
        "n": len(x),
        "failed": len(rows) - len(x),
        "references": len({r["reference"] for r in rows} - {None}) or None,
        "mapping": "logistic-5" if fit is not None else "none",
        "parameters": [float(c) for c in fit.coef] if fit is not None else [],
        "note": "" if fit is not None else "no fit: too few rows",
    }
    if len(set(x)) < 3:
        return line
    figures = {
        "srcc": sign * stats.spearmanr(x, y)[0],
        "krcc": sign * stats.kendalltau(x, y)[0],
    }
    finite = np.isfinite(x)
    if fit is not None:
        figures["plcc"] = stats.pearsonr(fit(x[finite]), y[finite])[0]
        figures["rmse"] = np.std(_residuals(rows, fit))
        line["plcc_unfitted"] = sign * float(stats.pearsonr(x[finite], y[finite])[0])
        if rows[0]["deviation"] is not None:
            wide = 2 * rows[0]["deviation"]
            line["outlier_ratio"] = float(np.mean(abs(_residuals(rows, fit)) > wide))
    for name, value in figures.items():
        half = (1 - value**2) / len(x) ** 0.5 if name != "rmse" else 0.05 * value
        ends = {"": value, "_low": value - half, "_high": value + half}
        line |= {name + end: float(v) for end, v in ends.items()}
    return line


def _significance(
    data: str,
    split: str,
    by_metric: dict[str, list[dict[str, Any]]],
    residuals: dict[str, np.ndarray],
) -> dict[str, Any]:
    metrics = list(by_metric)
    size = len(metrics)
    sign: list[list[int | None]] = [[None] * size for _ in metrics]
    p: list[list[float | None]] = [[None] * size for _ in metrics]
    for i, a in enumerate(metrics):
        for j, b in enumerate(metrics):
            if a in residuals and b in residuals:
                x, y = residuals[a], residuals[b]
                chance = float(stats.f.cdf(x.var() / y.var(), len(x) - 1, len(y) - 1))
                p[i][j] = min(chance, 1 - chance)
                sign[i][j] = 1 if chance < 0.05 else -1 if chance > 0.95 else 0
    out: dict[str, Any] = {"data": data, "split": split, "metrics": metrics}
    out |= {"f_test": sign, "f_p": p, "krasula": None}
    out["gaussian"] = [m in residuals for m in metrics]
    if next(iter(by_metric.values()))[0]["deviation"] is not None:
        area = [0.9 - 0.4 * i / size for i in range(size)]
        chance = [[float(np.exp(-40 * abs(a - b))) for b in area] for a in area]
        out["krasula"] = {"different_similar_auc": area, "better_worse_auc": area}
        out["krasula"] |= {"ds_p": chance, "bw_p": chance}
    return out

"""DSS against a direct NumPy version; no golden of the authors' code is in the set."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.fft import dctn
from scipy.ndimage import correlate

from jiqa.metrics import dss
from tests.helpers import golden_open


def _direct(x: np.ndarray, y: np.ndarray) -> float:
    rows, cols = x.shape[0] // 8, x.shape[1] // 8
    x, y = (
        np.asarray(
            dctn(
                v[: rows * 8, : cols * 8].reshape(rows, 8, cols, 8),
                axes=(1, 3),
                norm="ortho",
            )
        )
        for v in (x, y)
    )
    offsets = np.arange(-1, 2) ** 2
    window = np.exp(-(offsets[:, None] + offsets) / (2 * 1.5**2))
    window /= window.sum()
    count = int(0.05 * rows * cols + 0.5)
    score = weights = 0.0

    def local(v: np.ndarray) -> np.ndarray:
        return correlate(v, window, mode="constant")

    def worst(v: np.ndarray) -> float:
        return float(np.sort(v.ravel())[:count].mean())

    for u, v in np.ndindex(8, 8):
        weight = np.exp(-((u + 0.5) ** 2 + (v + 0.5) ** 2) / (2 * 1.55**2))
        if weight < 0.01:
            continue
        p, q = x[:, u, :, v], y[:, u, :, v]
        a = np.maximum(local(p * p) - local(p) ** 2, 0)
        b = np.maximum(local(q * q) - local(q) ** 2, 0)
        c = 1000 if u == v == 0 else 300
        value = worst((2 * np.sqrt(a * b) + c) / (a + b + c))
        if u == v == 0:
            covariance = local(p * q) - local(p) * local(q)
            value *= worst((covariance + c) / (np.sqrt(a * b) + c))
        score, weights = score + weight * value, weights + weight
    return score / weights


@pytest.mark.parametrize(
    "pair",
    ["chelsea noise", "chelsea jp2k", "china blur", "china shift", "camera contrast"],
)
def test_agrees_with_a_direct_version(pair: str) -> None:
    group, distortion = pair.split()
    images = [golden_open.image(f"{group}_{d}.png") for d in ("ref", distortion)]
    weights = (0.299, 0.587, 0.114) if images[0].shape[-1] == 3 else (1.0,)
    direct = _direct(*(image @ np.array(weights) for image in images))
    np.testing.assert_allclose(float(dss(*images)), direct, rtol=1e-5)
    with jax.enable_x64(True):
        np.testing.assert_allclose(float(dss(*images)), direct, rtol=1e-8)


def test_few_blocks_still_have_a_worst_one() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((2, 9, 17, 1), dtype=np.float32)
    assert -1 < float(dss(x, y)) < 1
    np.testing.assert_allclose(float(dss(x, x)), 1, rtol=1e-6)


@pytest.mark.parametrize("option", [{"sigma": 0.1}, {"dc_constant": 0.0}])
def test_options_out_of_range(option: dict[str, float]) -> None:
    x = np.zeros((16, 16, 1), np.float32)
    with pytest.raises(ValueError, match=f"{next(iter(option))}.*: expected .*, got 0"):
        dss(x, x, **option)  # pyright: ignore

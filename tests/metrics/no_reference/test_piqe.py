"""PIQE against its loops in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

import jiqa
from tests.helpers import local_statistics as local


def _piqe(grey: np.ndarray, mode: Any = "edge") -> float:
    """PIQE block by block, as MathWorks' program goes about it."""
    missing = [(0, -n % 16) for n in grey.shape]
    grey = np.pad(grey, missing, mode=mode)
    deviation, mean = local.local_deviation(grey)
    field = (grey - mean) / (deviation + 1)
    score, active = 0.0, 0
    for top in range(0, field.shape[0], 16):
        for left in range(0, field.shape[1], 16):
            block = field[top : top + 16, left : left + 16]
            variance = block.var(ddof=1)
            if variance <= 0.1:
                continue
            active += 1
            edges = [block[0], block[-1], block[:, 0], block[:, -1]]
            blocky = any(
                edge[k : k + 6].std(ddof=1) < 0.1 for edge in edges for k in range(11)
            )
            around = np.delete(np.delete(block, 7, 1), 8, 1).std(ddof=1)
            ratio = block[:, 7:9].std(ddof=1) / around
            spread = np.sqrt(variance)
            noisy = spread > 2 * abs(spread - ratio) / max(spread, ratio)
            score += blocky * (1 - variance) + noisy * variance
    return 100 * (score + 1) / (active + 1)


def test_piqe_is_its_loops(rng):
    piqe = jiqa.load("piqe")
    photo = local.photo()[:150, :205]
    noisy = np.clip(photo + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    coarse = photo // 48 * 48
    for image in (photo, noisy, coarse):
        np.testing.assert_allclose(piqe(image), _piqe(local.grey(image)), rtol=1e-4)
    mirrored = jiqa.load("piqe", border="symmetric")
    np.testing.assert_allclose(
        mirrored(coarse), _piqe(local.grey(coarse), "symmetric"), rtol=1e-4
    )
    assert float(piqe(noisy)) > float(piqe(photo))
    assert float(piqe(np.full((40, 33, 1), 90, np.uint8))) == 100

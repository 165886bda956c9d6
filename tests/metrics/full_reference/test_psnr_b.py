"""PSNR-B beside a loop over pixels, and the effect of one boundary."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jiqa.metrics import psnr, psnr_b
from tests.helpers import golden_open

_LUMA = np.array([0.299, 0.587, 0.114])


def _by_loops(x: np.ndarray, y: np.ndarray, size: int) -> float:
    """The paper's sums, on luma 0..255."""
    height, width = y.shape
    at_bounds, elsewhere = [], []
    for row in range(height):
        for col in range(width):
            for other, along in (((row, col + 1), col), ((row + 1, col), row)):
                if other[0] < height and other[1] < width:
                    pairs = at_bounds if (along + 1) % size == 0 else elsewhere
                    pairs.append((y[row, col] - y[other]) ** 2)
    effect = 0.0
    if np.mean(at_bounds) > np.mean(elsewhere):
        eta = np.log2(size) / np.log2(min(height, width))
        effect = eta * (np.mean(at_bounds) - np.mean(elsewhere))
    return 10 * np.log10(255**2 / (np.mean((x - y) ** 2) + effect))


@pytest.mark.parametrize("size", [8, 5])
def test_follows_the_paper(size: int) -> None:
    x, y = (
        golden_open.image(f"china_{name}.png")[40:83, 32:97] / 255
        for name in ("ref", "jpeg10")
    )
    want = _by_loops(255 * x @ _LUMA, 255 * y @ _LUMA, size)
    with jax.enable_x64(True):
        assert float(psnr_b(x, y, block_size=size)) == pytest.approx(want, rel=1e-10)
    plain = float(psnr(x, y, colour="luma"))
    assert float(psnr_b(x, y, block_size=size)) == pytest.approx(want, rel=1e-4)
    assert want <= plain + 1e-9


def test_one_edge_on_a_boundary_and_beside_it() -> None:
    """Of 32 pairs over boundaries 16 differ, by 10 levels; of the others none."""
    flat = np.full((16, 16, 1), 100 / 255)
    on, beside = flat.copy(), flat.copy()
    on[:, 8:] += 10 / 255
    beside[:, 7:] += 10 / 255
    effect = np.log2(8) / np.log2(16) * (16 * 100 / 32)
    want = 10 * np.log10(255**2 / (50 + effect))
    assert float(psnr_b(flat, on)) == pytest.approx(want, rel=1e-5)
    want = float(psnr(flat, beside))
    assert float(psnr_b(flat, beside)) == pytest.approx(want, rel=1e-5)
    assert float(psnr_b(flat, flat)) == np.inf
    assert np.isfinite(float(psnr_b(on, on)))


def test_what_it_refuses() -> None:
    x = np.zeros((16, 16, 1))
    with pytest.raises(ValueError, match="block_size: expected a whole number"):
        psnr_b(x, x, block_size=1)
    with pytest.raises(ValueError, match="at least 17 pixels, got 16x16"):
        psnr_b(x, x, block_size=16)

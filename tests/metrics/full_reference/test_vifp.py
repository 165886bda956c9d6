"""What VIFp makes of flat images, where the authors' code divides 0 by 0."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.metrics import vifp


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_flat_reference(level: float) -> None:
    flat = np.full((48, 52, 3), level, np.float32)
    noisy = np.random.default_rng(0).random(flat.shape, dtype=np.float32)
    assert float(vifp(flat, flat)) == 1
    assert float(vifp(flat, np.full_like(flat, 0.6))) == 1
    assert float(vifp(flat, noisy)) == 0
    assert float(vifp(noisy, flat)) == 0


def test_noise_must_be_positive() -> None:
    x = np.zeros((48, 48, 1), np.float32)
    with pytest.raises(ValueError, match="noise: expected a positive variance, got"):
        vifp(x, x, noise=0.0)

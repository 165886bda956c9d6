"""Scale-invariant MSE beside NumPy's least squares, and in closed form."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jiqa.metrics import mse, simse


def test_is_the_residual_of_least_squares(rng: np.random.Generator) -> None:
    x, y = rng.uniform(size=(2, 11, 14, 3))
    _, (residual,), _, _ = np.linalg.lstsq(y.reshape(-1, 1), x.ravel(), rcond=None)
    with jax.enable_x64(True):
        found = float(simse(x, y, data_range=255.0))
    assert found == pytest.approx(residual / x.size * 255**2, rel=1e-10)
    assert float(simse(x, y)) == pytest.approx(residual / x.size, rel=1e-5)
    assert found <= 255**2 * float(mse(x, y))


def test_multiples_and_black(rng: np.random.Generator) -> None:
    x, y = rng.uniform(size=(2, 9, 8, 1)).astype(np.float32)
    assert float(simse(x, 0.3 * x)) < 1e-12
    want = float(simse(x, y))
    assert float(simse(x, 0.2 * y)) == pytest.approx(want, rel=1e-5)
    assert float(simse(0.5 * x, y)) == pytest.approx(want / 4, rel=1e-5)
    assert float(simse(x, 0 * x)) == pytest.approx(np.mean(x**2), rel=1e-5)
    # Best by a half, as vectors at 45 degrees are.
    a = np.array([[[1.0], [0.0]]])
    b = np.array([[[1.0], [1.0]]])
    assert float(simse(a, b)) == pytest.approx(0.25, rel=1e-6)

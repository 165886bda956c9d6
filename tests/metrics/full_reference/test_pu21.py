"""PSNR and SSIM of PU21's codes beside NumPy, and what light they take."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from scipy.ndimage import correlate1d

from jiqa.metrics import pu_psnr, pu_ssim
from tests.helpers.golden_modern import modern_image

_LUMINANCE = np.array([0.212656, 0.715158, 0.072186])


def _scene(name: str, peak: float = 4000.0) -> tuple[np.ndarray, np.ndarray]:
    """A pair of the set of HDR-FLIP, whose reference's largest sample is the peak."""
    x, y = (
        modern_image(f"images/hdr_{name}.npy")[:40, :51].astype(float)
        for name in (f"{name}_ref", f"{name}_noise")
    )
    return peak / x.max() * x, peak / x.max() * y


def _codes(light: np.ndarray) -> np.ndarray:
    """The authors' fit to banding with glare, in NumPy."""
    p = [0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627]
    power = np.clip(light, 0.005, 10000) ** p[3]
    ratio = (p[0] + p[1] * power) / (1 + p[2] * power)
    return 596.3148142 * (ratio**0.09150303166 - 0.9099517204)


def _psnr(x: np.ndarray, y: np.ndarray) -> float:
    return 10 * np.log10(256**2 / np.mean((_codes(x) - _codes(y)) ** 2))


def _ssim(x: np.ndarray, y: np.ndarray) -> float:
    """MATLAB's ``ssim`` with ``DynamicRange`` 256."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def mean(v: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            v = correlate1d(v, taps, axis, mode="nearest")
        return v

    x, y = _codes(x), _codes(y)
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 256) ** 2, (0.03 * 256) ** 2
    top = (2 * mx * my + c1) * (2 * vxy + c2)
    return float(np.mean(top / ((mx * mx + my * my + c1) * (vx + vy + c2))))


@pytest.mark.parametrize("x64", [True, False])
def test_agree_with_numpy(x64: bool) -> None:
    x, y = _scene("dusk")
    wanted = [_psnr(x, y), _psnr(x @ _LUMINANCE, y @ _LUMINANCE)]
    wanted.append(_ssim(x @ _LUMINANCE, y @ _LUMINANCE))
    with jax.enable_x64(x64):
        pair = [v.astype(float if x64 else np.float32) for v in (x, y)]
        found = [pu_psnr(*pair), pu_psnr(*pair, colour="luminance"), pu_ssim(*pair)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10 if x64 else 1e-5)


@pytest.mark.parametrize("metric", [pu_psnr, pu_ssim])
def test_what_display_shows_it(metric: Any) -> None:
    x, y = (v.astype(np.float32) for v in _scene("lamps", 1.0))
    want = float(metric(1000 * x, 1000 * y))
    assert float(metric(x, y, scale=1000.0)) == pytest.approx(want, rel=1e-5)
    assert float(metric(7 * x, 7 * y, peak=1000.0)) == pytest.approx(want, rel=1e-5)
    assert float(metric(x, y, scale=100.0)) != pytest.approx(want, rel=1e-2)
    black = 0 * x
    assert float(metric(black, black, peak=100.0)) == metric.info.identity
    for options, message in (
        ({"scale": 0.0}, "scale: expected a positive number, got 0.0"),
        ({"peak": -1.0}, "peak: expected a positive number, got -1.0"),
        ({"peak": 9.0, "scale": 2.0}, "scale: expected 1 beside a peak, got 2.0"),
        ({"encoding": "pq"}, "encoding: expected 'banding'"),
    ):
        with pytest.raises(ValueError, match=message):
            metric(x, y, **options)


def test_grey_light_is_its_own_luminance() -> None:
    x, y = (v[..., :1].astype(np.float32) for v in _scene("dusk"))
    want = float(pu_psnr(x, y))
    assert float(pu_psnr(x, y, colour="luminance")) == pytest.approx(want, rel=1e-6)

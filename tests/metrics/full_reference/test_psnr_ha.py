"""PSNR-HA and PSNR-HMA beside the port's values, and what they forgive."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from jiqa.metrics import psnr_ha, psnr_hma, psnr_hvs, psnr_hvs_m
from tests.helpers.golden_modern import ModernRow, modern_image, modern_rows

_METRICS: dict[str, Any] = {"psnr_ha": psnr_ha, "psnr_hma": psnr_hma}


def _plane(row: ModernRow) -> str:
    return row.conditions.get("plane", "all")


def _cases(groups: list[str], *quick: str, planes: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(
            name, group, plane, marks=[] if group in quick else [pytest.mark.slow]
        )
        for name in _METRICS
        for group in groups
        for plane in planes
    ]


def _check(name: str, group: str, plane: str, relative: float) -> None:
    rows = [
        row
        for row in modern_rows("psnr_ha")
        if (row.metric, row.group, _plane(row)) == (name, group, plane)
    ]
    # The sides that blocks of 8 divide; the port takes no others.
    reference, distorted = (
        np.stack([_cropped(image) for image in images])
        for images in zip(*((r.reference, r.distorted) for r in rows), strict=True)
    )
    found = _METRICS[name](reference, distorted, plane=plane)
    np.testing.assert_allclose(found, [row.value for row in rows], rtol=relative)


def _cropped(name: str) -> np.ndarray:
    pixels = modern_image(name)
    height, width = (n // 8 * 8 for n in pixels.shape[:2])
    return pixels[:height, :width]


@pytest.mark.parametrize(
    ("name", "group", "plane"),
    [
        *_cases(["china", "edge"], "china", planes=("all",)),
        *_cases(["edge"], "edge", planes=("y",)),
        *_cases(["astronaut", "camera", "chelsea", "hubble"], planes=("all",)),
    ],
)
def test_float64(name: str, group: str, plane: str) -> None:
    with jax.enable_x64(True):
        _check(name, group, plane, 1e-6)


@pytest.mark.parametrize(
    ("name", "group", "plane"),
    _cases(["china", "chelsea"], "china", planes=("all",)),
)
def test_float32(name: str, group: str, plane: str) -> None:
    _check(name, group, plane, 1e-5)


def _crop() -> np.ndarray:
    return modern_image("../open/images/china_ref.png")[60:108, 80:128] / 255


@pytest.mark.parametrize("name", list(_METRICS))
def test_a_change_of_mean_alone(name: str) -> None:
    x = 0.8 * _crop()
    score = _METRICS[name](x, x + 0.1, plane="y", quantise=False)
    want = 10 * np.log10(255**2 / (0.04 * (0.1 * 219) ** 2))
    assert float(score) == pytest.approx(want, abs=1e-4)


@pytest.mark.parametrize("gain", [1.2, 0.8])
def test_a_change_of_contrast_alone(gain: float) -> None:
    """All of what PSNR-HVS sees, on codes that span 219 of 255."""
    x = 0.2 + 0.6 * _crop()
    y = x.mean((0, 1)) + gain * (x - x.mean((0, 1)))
    share = 0.002 if gain > 1 else 0.25
    want = float(psnr_hvs(x, y)) - 20 * np.log10(219 / 255) - 10 * np.log10(share)
    score = float(psnr_ha(x, y, plane="y", quantise=False))
    assert score == pytest.approx(want, abs=2e-3)


def test_neither_changes() -> None:
    """A mean of 0 and a slope of 1 or so: the kin, of the same codes."""
    x = np.full((64, 64, 1), 0.5)
    y = x + 0.1 * np.sin(np.arange(64) * 0.7)[:, None, None]
    y += 0.5 - y.mean()
    for one, other in ((psnr_ha, psnr_hvs), (psnr_hma, psnr_hvs_m)):
        want = float(other(x, y)) - 20 * np.log10(219 / 255)
        # A flat reference: no contrast brings the other to it but none.
        forgiven = float(one(x, y, plane="y", quantise=False))
        assert forgiven > want + 20
        # A flat distorted image has no contrast to change.
        kept = float(one(y, x, plane="y", quantise=False))
        assert kept == pytest.approx(float(other(y, x)) + want - float(other(x, y)))


def test_grey_images_have_no_chroma() -> None:
    x = _crop()[..., :1].astype(np.float32)
    y = np.random.default_rng(1).random(x.shape, np.float32)
    alone, colour = (float(psnr_hma(x, y, plane=plane)) for plane in ("y", "all"))
    assert colour == pytest.approx(alone + 10 * np.log10(2), abs=1e-4)
    with pytest.raises(ValueError, match="plane: expected 'all' or 'y', got 'cb'"):
        psnr_ha(x, y, plane="cb")

"""PSNR-HVS of Xiph beside libvmaf's values, on planes of codes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import psnr_hvs
from jiqa.metrics.parts.xiph_psnr_hvs import xiph_psnr_hvs
from jiqa.ops.video_planes import Planes
from tests.helpers import golden_open
from tests.helpers.video_planes import Case, cases, planes, rows

_GOLDEN = rows("psnr_hvs")
_SCORES = [case for case in _GOLDEN if case.metric == "xiph_psnr_hvs"]
_PLANES = [case for case in _GOLDEN if case.metric != "xiph_psnr_hvs"]


def _plane(case: Case) -> str:
    return case.metric.removeprefix("xiph_psnr_hvs").strip("_") or "all"


def _stacked(names: list[str]) -> np.ndarray:
    return np.stack([golden_open.image(name) for name in names])


def _check(case: Case, relative: float) -> None:
    golden = _GOLDEN[case]
    found = psnr_hvs(
        _stacked([row.reference for row in golden]),
        _stacked([row.distorted for row in golden]),
        preset="xiph",
        plane=_plane(case),
        yuv=case.yuv,
        bits=case.bits,
    )
    wanted = [row.value for row in golden]
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=5e-4)


@pytest.mark.parametrize(
    "case", [*cases(_SCORES, "bt709", "china", "edge"), *cases(_PLANES, "bt709")]
)
def test_float64(case: Case) -> None:
    with jax.enable_x64(True):
        _check(case, 0)


@pytest.mark.parametrize("case", cases(_SCORES, "bt709", "chelsea"))
def test_float32(case: Case) -> None:
    _check(case, 1e-5)


@pytest.mark.parametrize(
    "case", [*cases(_SCORES, "bt601", "china"), *cases(_PLANES, "bt601")]
)
def test_on_given_planes(case: Case) -> None:
    """BT.601 has so many exact halves that the planes have to be the programs' own.

    libvmaf adds up in float32, term by term. Of the chroma of one pair that loses 9e-4
    dB: the same sum in float32 gives its values to 1e-6.
    """
    plane, golden = _plane(case), _GOLDEN[case]

    @jax.jit
    def score(x: Planes, y: Planes) -> Any:
        return xiph_psnr_hvs(x, y, plane, case.bits, (None,) * 3)

    with jax.enable_x64(True):
        for row in golden:
            x, y = (
                Planes(*map(jnp.asarray, planes(name, case.yuv, case.bits)))
                for name in (row.reference, row.distorted)
            )
            chroma = plane != "all" and row.distorted == "hubble_jpeg10.png"
            bar = 1e-3 if chroma else 5e-4
            assert float(score(x, y)) == pytest.approx(row.value, abs=bar), row


def _crop(size: int = 48) -> np.ndarray:
    return golden_open.image("china_ref.png")[60 : 60 + size, 80 : 80 + size] / 255


def test_gradient() -> None:
    """Finite and 0 where nothing is seen; elsewhere towards the reference."""
    x = jnp.asarray(_crop(), jnp.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, x.shape)
    slope = jax.jit(jax.value_and_grad(lambda d, r: psnr_hvs(r, d, preset="xiph")))
    for image in (x, jnp.zeros_like(x), jnp.full_like(x, 0.4)):
        value, gradient = slope(image, image)
        assert value == np.inf and not np.any(gradient)
    noisy = jnp.clip(x + noise, 0, 1).astype(x.dtype)
    value, gradient = slope(noisy, x)
    assert np.isfinite(gradient).all()
    better, _ = slope(noisy + 0.02 * gradient / jnp.abs(gradient).max(), x)
    assert better > value + 0.1


def test_grey_and_smallest_images() -> None:
    x, y = _crop(15)[..., :1], _crop(16)[1:, 1:, :1]
    all_planes, luma = (
        float(psnr_hvs(x, y, preset="xiph", plane=plane)) for plane in ("all", "y")
    )
    assert all_planes == pytest.approx(luma - 10 * np.log10(0.8), abs=1e-4)
    assert np.isfinite(psnr_hvs(x[:8, :8], y[:8, :8], preset="xiph", plane="y"))
    with pytest.raises(ValueError, match="at least 15 pixels, got 8x8"):
        psnr_hvs(x[:8, :8], y[:8, :8], preset="xiph")
    with pytest.raises(ValueError, match="plane: expected 'all', 'y', 'cb' or 'cr'"):
        psnr_hvs(x, y, preset="xiph", plane="u")

"""XPSNR beside ffmpeg's values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import psnr, xpsnr
from jiqa.metrics.full_reference.xpsnr import of_planes
from jiqa.ops.video_planes import Planes
from tests.helpers import golden_open
from tests.helpers.video_planes import Case, cases, planes, rows

_GOLDEN = rows("xpsnr")
_LUMA = [case for case in _GOLDEN if case.metric == "xpsnr_y"]
_CHROMA = [case for case in _GOLDEN if case.metric != "xpsnr_y"]


def _check(case: Case, absolute: float) -> None:
    golden = _GOLDEN[case]
    reference, distorted = (
        np.stack([golden_open.image(name) for name in names])
        for names in zip(*((r.reference, r.distorted) for r in golden), strict=True)
    )
    plane = case.metric.removeprefix("xpsnr_")
    found = xpsnr(reference, distorted, plane=plane, yuv=case.yuv, bits=case.bits)
    wanted = [row.value for row in golden]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=absolute)


@pytest.mark.parametrize(
    "case", [*cases(_LUMA, "bt709", "china"), *cases(_CHROMA, "bt709", "chelsea")]
)
def test_float64(case: Case) -> None:
    with jax.enable_x64(True):
        _check(case, 5e-6)


@pytest.mark.parametrize("case", cases(_LUMA, "bt709", "chelsea", "edge"))
def test_float32(case: Case) -> None:
    _check(case, 5e-5)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt601"))
def test_on_given_planes(case: Case) -> None:
    """BT.601 has so many exact halves that the planes have to be the programs' own."""
    score = jax.jit(of_planes, static_argnums=(2, 3))
    with jax.enable_x64(True):
        for row in _GOLDEN[case]:
            x, y = (
                Planes(*map(jnp.asarray, planes(name, case.yuv, case.bits)))
                for name in (row.reference, row.distorted)
            )
            found = float(score(x, y, case.metric.removeprefix("xpsnr_"), case.bits))
            assert found == pytest.approx(row.value, abs=5e-6), row


def test_tiny_images_have_no_blocks() -> None:
    """Under 2048 pixels or so it is the PSNR of codes."""
    x, y = (
        golden_open.image(f"china_{name}.png")[:32, :40, :1] for name in ("ref", "sp")
    )
    found, wanted = xpsnr(x, y, yuv="bt709-full-444"), psnr(x, y)
    assert float(found) == pytest.approx(float(wanted), abs=1e-4)


def test_large_images_weigh_the_detail_of_their_half() -> None:
    """Beside a loop over pixels, as the program is written."""
    rng = np.random.default_rng(4)
    x = rng.integers(40, 60, (1160, 2050)).astype(float)
    x[:400] = np.round(x[:400] / 4) * 4 + rng.integers(0, 90, (400, 2050))
    y = x + rng.integers(-3, 4, x.shape)
    score: Any = jax.jit(of_planes, static_argnums=(2, 3))
    with jax.enable_x64(True):
        pair = (Planes(*(jnp.asarray(p),) * 3) for p in (x, y))
        found = float(score(*pair, "y", 8))
    assert found == pytest.approx(_large(x, y), abs=1e-6)


def _large(x: np.ndarray, y: np.ndarray) -> float:
    """In NumPy: 2x2 pixels, their neighbours twice or thrice, the ring around once."""
    height, width = x.shape
    ratio = height * width / (3840 * 2160)
    side = 4 * int(32 * np.sqrt(ratio) + 0.5)
    at_y, at_x = np.mgrid[2 : height - 2 : 2, 2 : width - 2 : 2]

    def near(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        offsets = [(r, c) for r in range(top, bottom) for c in range(left, right)]
        return np.sum([x[at_y + r, at_x + c] for r, c in offsets], 0)

    core, around = near(0, 2, 0, 2), near(-1, 3, -1, 3)
    sides = near(-1, 3, 0, 2) + near(0, 2, -1, 3) - 2 * core
    ring = near(-2, 4, -1, 3) + near(-1, 3, -2, 4) - 2 * around
    detail = np.abs(12 * core - 2 * (around - core) - sides - ring)
    total = 0.0
    for top in range(0, height, side):
        for left in range(0, width, side):
            block = np.s_[top : top + side, left : left + side]
            inside = (at_y >= top) & (at_y < top + side)
            inside &= (at_x >= left) & (at_x < left + side)
            rows = min(top + side, height - 2) - max(top, 2)
            cols = min(left + side, width - 2) - max(left, 2)
            activity = 1.0
            if rows > 0 and cols > 0:
                activity = detail[inside].sum() / (rows * cols) + 2 * x[block].mean()
                activity = max(activity, 4)
            total += np.square(x - y)[block].sum() / activity
    error = np.floor(np.sqrt(2**11 / np.sqrt(ratio)) * total + 0.5)
    return float(10 * np.log10(height * width * 255**2 / error))


def test_the_minimum_is_the_least_plane() -> None:
    x, y = (golden_open.image(f"china_{name}.png") for name in ("ref", "satur"))
    found = {p: float(xpsnr(x, y, plane=p)) for p in ("y", "u", "v", "minimum")}
    assert found.pop("minimum") == min(found.values())
    with pytest.raises(ValueError, match="plane: expected 'y', 'u', 'v' or 'minimum'"):
        xpsnr(x, y, plane="cb")

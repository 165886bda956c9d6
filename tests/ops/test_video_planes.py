"""Planes of codes: to the code of NumPy's, in both precisions, with a slope."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.ops.extent import Extent
from jiqa.ops.video_planes import (
    FORMATS,
    matlab_planes,
    plane_extents,
    video_planes,
)
from tests.helpers.video_planes import planes_of

_planes = jax.jit(video_planes, static_argnames=("yuv", "bits", "quantise"))


def _colours() -> np.ndarray:
    """Colours at random, an odd number of rows and columns of them."""
    return np.random.default_rng(5).integers(0, 256, (511, 513, 3)).astype(np.uint8)


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("yuv", [f for f in FORMATS if "709-limited" in f])
@pytest.mark.parametrize("x64", [False, True])
def test_codes_are_exact(yuv: str, bits: int, x64: bool) -> None:
    colours = _colours()
    wanted = planes_of(colours, yuv, bits)
    with jax.enable_x64(x64):
        image = colours.astype(float if x64 else np.float32) / np.float32(255)
        found = _planes(image, yuv, bits)
    for plane, want in zip(found, wanted, strict=True):
        # Exact halves are rounded up here, and by the last digit there.
        assert (np.asarray(plane) != want).mean() < 1e-5
        np.testing.assert_allclose(plane, want, atol=1)


@pytest.mark.parametrize("yuv", FORMATS[::3])
def test_codes_are_near_what_is_not_rounded(yuv: str) -> None:
    image = _colours()[:31, :33].astype(np.float32) / 255
    for bits in (8, 12):
        whole = _planes(jnp.asarray(image), yuv, bits)
        smooth = _planes(jnp.asarray(image), yuv, bits, quantise=False)
        for code, value in zip(whole, smooth, strict=True):
            assert np.array_equal(code, np.round(code))
            np.testing.assert_allclose(code, value, atol=0.501)


def test_black_white_and_grey() -> None:
    for level, luma in ((0.0, (16, 0)), (1.0, (235, 255))):
        grey = jnp.full((4, 4, 1), level)
        for name, want in zip(("limited", "full"), luma, strict=True):
            y, cb, cr = _planes(grey, f"bt709-{name}-420")
            assert np.all(y == want) and np.all(cb == 128) and np.all(cr == 128)


def test_the_gradient_passes_through_the_rounding() -> None:
    image = jnp.asarray(_colours()[:6, :8] / 255, jnp.float32)
    weights = [jnp.asarray(np.random.default_rng(k).random((6, 8))) for k in range(3)]

    def score(x: Any, quantise: bool) -> Any:
        planes = video_planes(x, "bt709-full-444", quantise=quantise)
        return sum((w * p).sum() for w, p in zip(weights, planes, strict=True))

    slope = jax.jit(jax.grad(score), static_argnums=1)
    rounded, smooth = (slope(image, quantise) for quantise in (True, False))
    np.testing.assert_allclose(rounded, smooth, rtol=1e-6)


@pytest.mark.parametrize("size", [(20, 30), (21, 31)])
@pytest.mark.parametrize("yuv", ["bt709-limited-420", "bt601-full-444"])
def test_a_padded_image_has_the_same_planes(size, yuv) -> None:
    height, width = size
    image = _colours()[:height, :width] / np.float32(255)
    array = np.full((32, 32, 3), 0.3, np.float32)
    array[:height, :width] = image
    extent = Extent(np.int32(height), np.int32(width))
    padded = _planes(jnp.asarray(array), yuv, extent=extent)
    for plane, want, part in zip(
        padded,
        _planes(jnp.asarray(image), yuv),
        plane_extents(extent, yuv),
        strict=True,
    ):
        assert part is not None and want.shape == (part.rows, part.cols)
        assert np.array_equal(plane[: part.rows, : part.cols], want)


def test_unknown_ways_are_refused() -> None:
    with pytest.raises(ValueError, match="yuv: expected 'bt601-limited-420'"):
        video_planes(jnp.zeros((8, 8, 3)), "bt709")
    with pytest.raises(ValueError, match="bits: expected 8, 10 or 12, got 9"):
        video_planes(jnp.zeros((8, 8, 3)), bits=9)


@pytest.mark.parametrize("x64", [False, True])
def test_codes_of_matlab_are_exact(x64: bool) -> None:
    """In whole numbers: sums of thousandths, halves rounded down."""
    colours = _colours()
    matrix = np.array(
        [
            [65481, 128553, 24966],
            [-37797, -74203, 112000],
            [112000, -93786, -18214],
        ]
    )
    sums = colours.astype(np.int64) @ matrix.T + np.array([16, 128, 128]) * 255000
    whole, rest = np.divmod(sums, 255000)
    wanted = whole + (2 * rest > 255000)
    with jax.enable_x64(x64):
        image = colours.astype(float if x64 else np.float32) / np.float32(255)
        found = np.stack(jax.jit(matlab_planes)(image), -1)
    np.testing.assert_array_equal(found, wanted)

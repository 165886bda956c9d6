"""FLIP against the authors' programs, its filters, and its options."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.core.images import to_float
from jiqa.metrics import flip
from jiqa.metrics.parts.flip_map import error_map, per_degree, windows_of
from jiqa.ops.colour import to_linear
from jiqa.ops.luma import rgb
from tests.helpers.golden_modern import ModernRow, modern_image, modern_rows

#: Pixels in a degree for the authors' screen.
USUAL = 0.7 * 3840 / 0.7 * math.pi / 180

_GROUPS = [
    pytest.param(group, marks=[] if group in ("china", "edge") else [pytest.mark.slow])
    for group in ("china", "edge", "chelsea", "camera", "astronaut", "hubble")
]


def _rows(group: str, dtype: str) -> list[ModernRow]:
    return [
        row
        for row in modern_rows("flip")
        if row.group == group and row.conditions["dtype"] == dtype
    ]


def _scores(rows: list[ModernRow], score: Callable[..., Any]) -> np.ndarray:
    pairs = [(modern_image(r.reference), modern_image(r.distorted)) for r in rows]
    return np.array([float(score(*pair)) for pair in pairs])


@functools.partial(jax.jit, static_argnames="least")
def _score(reference: Any, distorted: Any, least: float) -> Any:
    pair = zip(rgb(to_float(reference)), rgb(to_float(distorted)), strict=True)
    light = [to_linear(jnp.stack(planes)) for planes in pair]
    return error_map(light, USUAL, least=least).mean()


@pytest.mark.parametrize("group", _GROUPS)
def test_double_precision(group: str) -> None:
    """To 1e-12 where equal pixels differ by as much as in the authors' PyTorch."""
    rows = _rows(group, "float64")
    want = [row.value for row in rows]
    with jax.enable_x64(True):
        theirs = _scores(rows, functools.partial(_score, least=1e-15))
        np.testing.assert_allclose(theirs, want, rtol=1e-12, atol=1e-14)
        # By that alone the metric itself is lower.
        got = _scores(rows, flip)
    assert np.all((got <= theirs + 1e-14) & (got >= theirs - 3.3e-7))


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("group", _GROUPS)
def test_single_precision(group: str, x64: bool) -> None:
    """The authors' package in float32; flat images differ by its own rounding."""
    rows = _rows(group, "float32")
    with jax.enable_x64(x64):
        got = _scores(rows, flip)
    bar = 4e-5 if group == "edge" else 1e-5
    np.testing.assert_allclose(got, [row.value for row in rows], rtol=0, atol=bar)
    identical = [row.reference == row.distorted for row in rows]
    assert not got[identical].any()


@pytest.mark.parametrize("density", [3.0, 40.0, USUAL, 130.0])
def test_filters_are_those_of_the_definition(density: float) -> None:
    windows = windows_of(density)
    offset = np.arange(-windows.radius, windows.radius + 1)
    row, column = offset[None], offset[:, None]
    squares = (row**2 + column**2) / density**2

    def outer(down: Any, along: Any) -> np.ndarray:
        return np.outer(down, along)

    def sensitivity(*gaussians: tuple[float, float]) -> np.ndarray:
        reach = math.ceil(3 * math.sqrt(0.04 / (2 * math.pi**2)) * density)
        total = np.zeros(squares.shape)
        for a, b in gaussians:
            total += a * math.sqrt(math.pi / b) * np.exp(-(math.pi**2) * squares / b)
        total[(abs(row) > reach) | (abs(column) > reach)] = 0
        return total / total.sum()

    def detector(kernel: np.ndarray) -> np.ndarray:
        below, above = -kernel[kernel < 0].sum(), kernel[kernel > 0].sum()
        return np.where(kernel < 0, kernel / below, kernel / above)

    deviation = 0.041 * density
    gauss = np.exp(-(row**2 + column**2) / (2 * deviation**2))
    reach = math.ceil(3 * deviation)
    gauss[(abs(row) > reach) | (abs(column) > reach)] = 0
    both = zip(windows.shares, windows.blue_yellow, strict=True)
    for got, want in (
        (outer(windows.achromatic, windows.achromatic), sensitivity((1, 0.0047))),
        (outer(windows.red_green, windows.red_green), sensitivity((1, 0.0053))),
        (
            sum(share * outer(window, window) for share, window in both),
            sensitivity((34.1, 0.04), (13.5, 0.025)),
        ),
        (outer(windows.smooth, windows.edge), detector(-row * gauss)),
        (
            outer(windows.smooth, windows.point),
            detector((row**2 / deviation**2 - 1) * gauss),
        ),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-17)
    if density == USUAL:
        assert windows.radius == 10


def test_viewing_conditions(rng: np.random.Generator) -> None:
    assert per_degree(None, None, None, None) == pytest.approx(USUAL)
    assert per_degree(None, 1.4, None, None) == pytest.approx(2 * USUAL)
    assert per_degree(None, None, 1.4, None) == pytest.approx(USUAL / 2)
    assert per_degree(None, None, None, 1920) == pytest.approx(USUAL / 2)
    x, y = rng.random((2, 20, 24, 3), np.float32)
    assert float(flip(x, y, distance=0.35)) == pytest.approx(
        float(flip(x, y, pixels_per_degree=USUAL / 2)), rel=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels_per_degree": 60, "width": 0.6}, "either it or .* got it and width"),
        ({"pixels_per_degree": 0.5}, "at least 1, got 0.5"),
        ({"pixels_per_degree": math.nan}, "at least 1, got nan"),
        ({"distance": -1}, "distance: expected a positive number, got -1"),
        ({"resolution": 0}, "resolution: expected a positive number, got 0"),
        ({"output": "maps"}, "output: expected 'score' or 'map', got 'maps'"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    x = np.zeros((8, 8, 1), np.float32)
    with pytest.raises(ValueError, match=message):
        flip(x, x, **options)


def test_the_largest_error_is_1() -> None:
    green, blue = np.zeros((2, 20, 24, 3), np.float32)
    green[..., 1] = blue[..., 2] = 1
    score = float(flip(green, blue, pixels_per_degree=USUAL / 2))
    assert score == pytest.approx(1, abs=1e-6)

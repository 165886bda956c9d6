"""SSIMULACRA 2 against its authors' program and an independent version in NumPy.

The program blurs by a recursion in float32, which moves photographs by up to 0.08 and
flat images by up to 0.5; the independent version has the window that it stands for.
"""

from __future__ import annotations

import csv
import functools
from collections import defaultdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from jiqa.metrics import ssimulacra2
from jiqa.metrics.full_reference.ssimulacra2 import TAPS, scales
from tests.helpers import golden_open
from tests.helpers import ssimulacra2_oracle as oracle

TABLE = Path(__file__).parents[2] / "golden" / "modern" / "ssimulacra2.csv"


@functools.cache
def _rows() -> dict[str, dict[tuple[str, str], list[float]]]:
    """By group and pair, the program's values for PNG and for PFM files."""
    found: dict[str, Any] = defaultdict(lambda: defaultdict(list))
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            pair = (Path(row["reference"]).name, Path(row["distorted"]).name)
            found[pair[0].split("_")[0]][pair].append(float(row["value"]))
    return found


def _pair(names: tuple[str, str]) -> list[np.ndarray]:
    return [golden_open.image(name) / 255 for name in names]


def _scores(group: str, x64: bool) -> np.ndarray:
    pairs = np.stack([_pair(names) for names in _rows()[group]], 1)
    kind = np.float64 if x64 else np.float32
    with jax.enable_x64(x64):
        return np.asarray(ssimulacra2(*pairs.astype(kind)))


@functools.cache
def _direct(group: str) -> list[float]:
    return [oracle.score(*_pair(names)) for names in _rows()[group]]


_GROUPS = [
    pytest.param(g, marks=[] if g in ("china", "edge") else [pytest.mark.slow])
    for g in ("astronaut", "camera", "chelsea", "china", "edge", "hubble")
]


@pytest.mark.parametrize("group", _GROUPS)
@pytest.mark.parametrize("x64", [True, False], ids=["float64", "float32"])
def test_agrees_with_the_authors_and_with_numpy(group: str, x64: bool) -> None:
    scores, rows = _scores(group, x64), _rows()[group]
    np.testing.assert_allclose(scores, _direct(group), rtol=1e-6 if x64 else 1e-4)
    for score, (names, values) in zip(scores, rows.items(), strict=True):
        if names[0] == names[1]:
            assert score == 100 and set(values) == {100.0}
        assert len(values) == 2
        for value in values:
            assert abs(score - value) < (0.5 if group == "edge" else 0.08), names


def test_window_is_what_its_definition_says() -> None:
    np.testing.assert_allclose(oracle.window(), [0, *TAPS, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((8, 9), 2),
        ((33, 57), 4),
        pytest.param((12, 30), 2, marks=pytest.mark.slow),
        pytest.param((113, 112), 5, marks=pytest.mark.slow),
        pytest.param((127, 113), 6, marks=pytest.mark.slow),
    ],
)
def test_small_and_odd_images(size: tuple[int, int], count: int, rng) -> None:
    """Under 113 pixels some scales are absent, and the weights move up."""
    x = golden_open.image("chelsea_ref.png")[40:, 60:][: size[0], : size[1]] / 255
    y = np.clip(x + 0.05 * rng.standard_normal(x.shape), 0, 1)
    assert scales(x.shape) == count
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            float(ssimulacra2(x, y)), oracle.score(x, y), rtol=1e-6
        )


def test_maps() -> None:
    """Of the finest scale, against NumPy; of coarser ones the shape."""
    x, y = _pair(("china_ref.png", "china_jpeg10.png"))
    x, y = x[:45, :50], y[:45, :50]
    want = oracle.maps(*(oracle.xyb(oracle.linear(v)) for v in (x, y)))
    with jax.enable_x64(True):
        for c, channel in enumerate("XYB"):
            term = ("structure", "ringing", "blurring")[c]
            got = ssimulacra2(x, y, output="map", term=term, channel=channel)
            np.testing.assert_allclose(got, want[c][..., c], rtol=1e-7, atol=1e-12)
    of_scale = functools.partial(ssimulacra2, output="map", scale=3)
    assert jax.eval_shape(of_scale, x, y).shape == (6, 7)


def test_gradients_where_nothing_differs() -> None:
    slope = jax.jit(jax.grad(ssimulacra2, (0, 1)))
    noise = np.random.default_rng(0).random((12, 13, 3), np.float32)
    dot = np.zeros_like(noise)
    dot[6, 6, 1] = 1e-6
    for x in (np.zeros_like(noise), np.full_like(noise, 0.5), noise):
        for y in (x, np.zeros_like(x), np.ones_like(x), x + dot):
            for gradient in slope(x, y):
                assert np.isfinite(gradient).all()
                if y is x:
                    assert not np.any(gradient)


def test_wrong_options_are_named() -> None:
    x = np.zeros((16, 16, 3), np.float32)
    for option, given in {"output": "maps", "term": "edges", "channel": "L"}.items():
        with pytest.raises(ValueError, match=f"{option}: expected .*, got '{given}'"):
            ssimulacra2(x, x, **{option: given})  # pyright: ignore
    with pytest.raises(ValueError, match=r"scale: expected 0 to 2 for .*, got 3"):
        ssimulacra2(x, x, output="map", scale=3)

"""ColorVideoVDP beside the authors' package, and the displays that it knows."""

from __future__ import annotations

import csv
import functools
from collections import defaultdict
from pathlib import Path

import jax
import numpy as np
import pytest

from jiqa.metrics import cvvdp
from jiqa.metrics.full_reference.cvvdp import DISPLAYS
from jiqa.metrics.parts.cvvdp_bands import band_frequencies
from jiqa.ops.display import Display
from tests.helpers import golden_open

_TABLE = Path(__file__).parents[2] / "golden" / "modern" / "cvvdp.csv"
#: (display, group, x64) that a run without ``-m slow`` checks: odd and degenerate
#: images in double precision, grey ones in single.
_QUICK = {
    ("standard_4k", "chelsea", True),
    ("standard_phone", "edge", True),
    ("standard_fhd", "camera", False),
}


@functools.cache
def _rows() -> dict[tuple[str, str], list[tuple[str, str, float]]]:
    found = defaultdict(list)
    with _TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            display = row["variant"].split(";")[0].removeprefix("display=")
            names = [Path(row[k]).name for k in ("reference", "distorted")]
            group = names[1].split("_")[0]
            found[display, group].append((*names, float(row["value"])))
    return dict(found)


_CASES = [
    pytest.param(*key, x64, marks=[] if (*key, x64) in _QUICK else [pytest.mark.slow])
    for key in _rows()
    # A program for every size: single precision is tried on grey ones and on edges.
    for x64 in ((True, False) if key[1] in ("camera", "edge") else (True,))
]


@pytest.mark.parametrize(("display", "group", "x64"), _CASES)
def test_authors_package(display: str, group: str, x64: bool) -> None:
    """To 5e-6 JOD in both precisions; the package computes in float32."""
    rows = _rows()[display, group]
    references, distorted = (
        np.stack([golden_open.image(row[k]) for row in rows]) for k in (0, 1)
    )
    with jax.enable_x64(x64):
        scores = np.asarray(cvvdp(references, distorted, display=display))
    assert scores.dtype == (np.float64 if x64 else np.float32)
    np.testing.assert_allclose(scores, [row[2] for row in rows], rtol=0, atol=5e-6)


def test_map_is_the_authors_heat_map() -> None:
    """Samples of the package's raw heat map, which it keeps in float16."""
    pair = [golden_open.image(f"china_{name}.png") for name in ("ref", "blur")]
    found = np.asarray(cvvdp(*pair, output="map"))
    assert found.shape == (192, 256)
    assert found.mean() == pytest.approx(0.093177, rel=1e-4)
    places = [(0, 0), (10, 200), (100, 100), (150, 30), (191, 255)]
    authors = [0.09735107, 0.00423813, 0.14794922, 0.08074951, 0.00155830]
    np.testing.assert_allclose([found[p] for p in places], authors, rtol=1e-3)
    same = np.asarray(cvvdp(pair[0], pair[0], output="map"))
    np.testing.assert_allclose(same, 0, atol=1e-7)


def test_bands_follow_the_display_and_the_image() -> None:
    """Band frequencies of the package for 75.4 pixels per degree."""
    found = band_frequencies(DISPLAYS["standard_4k"].density, 1080)
    wanted = [37.70, 12.17, 6.084, 3.042, 1.521, 0.7605, 0.3803, 0.1901, 0.1]
    np.testing.assert_allclose(found, wanted, rtol=1e-3)
    counts = [len(band_frequencies(75.4, side)) for side in (4, 7, 8, 255, 256, 4096)]
    assert counts == [2, 2, 3, 7, 8, 9]


def test_displays_of_ones_own() -> None:
    pair = [golden_open.image(f"china_{name}.png") for name in ("ref", "noise")]
    named = float(cvvdp(*pair, display="standard_fhd"))
    same = Display(resolution=(1920, 1080), diagonal=24, distance=0.6)
    assert float(cvvdp(*pair, display=same)) == named
    far = Display(resolution=(1920, 1080), diagonal=24, distance=1.8)
    assert float(cvvdp(*pair, display=far)) > named + 0.5
    with pytest.raises(ValueError, match="unknown display 'standard_4K'; did you mean"):
        cvvdp(*pair, display="standard_4K")
    with pytest.raises(ValueError, match="display: expected the name of a display"):
        cvvdp(*pair, display=3)  # pyright: ignore


def test_black_that_emits_nothing_has_finite_gradients() -> None:
    """A contrast without limit in a dark room: the background's floor is met."""
    dark = Display(contrast=1e12, ambient=0)
    black = np.zeros((24, 21, 3), np.float32)
    lit = black.copy()
    lit[5:9, 3:11] = (0.9, 0.02, 0.4)
    slope = jax.jit(
        jax.value_and_grad(lambda x, y: cvvdp(x, y, display=dark), argnums=(0, 1))
    )
    for pair in ((black, black), (black, lit), (lit, black), (lit, lit)):
        score, gradients = slope(*pair)
        assert np.isfinite(score) and all(np.isfinite(g).all() for g in gradients)
        assert (float(score) == 10) == (pair[0] is pair[1])

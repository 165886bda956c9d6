"""Butteraugli beside libjxl: its code of August 2026, and its release 0.7.0."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import butteraugli
from tests.helpers import golden_open

_TABLE = Path(__file__).parents[2] / "golden" / "modern" / "butteraugli.csv"
_POOLING = {"butteraugli_max": "max", "butteraugli_3norm": "3-norm"}


class _Case(NamedTuple):
    group: str
    pooling: str
    variant: str

    @property
    def options(self) -> dict[str, Any]:
        given = dict(pair.split("=") for pair in self.variant.split(";")[1:])
        old = self.variant.startswith("libjxl_0.7.0")
        return {
            "pooling": self.pooling,
            "preset": "libjxl-0.7" if old else "libjxl",
            "intensity_target": float(given["intensity_target"]),
        }


def _golden() -> dict[_Case, list[dict[str, str]]]:
    found = defaultdict(list)
    with _TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            group = Path(row["distorted"]).name.split("_")[0]
            found[_Case(group, _POOLING[row["metric"]], row["variant"])].append(row)
    return dict(found)


_GOLDEN = _golden()
#: Programs that a run without ``-m slow`` compiles, by image and precision.
_QUICK = {
    ("china", "max", "libjxl_head;intensity_target=80;hf_asymmetry=1", True),
    ("china", "3-norm", "libjxl_0.7.0;input=png8_rgb;intensity_target=80", True),
    ("edge", "max", "libjxl_head;intensity_target=80;hf_asymmetry=1", False),
}
_CASES = [
    pytest.param(
        case,
        x64,
        id=f"{case.group}-{case.pooling}-{'-'.join(case.variant.split(';')[:2])}-{x64}",
        marks=[] if (*case, x64) in _QUICK else [pytest.mark.slow],
    )
    for case in _GOLDEN
    # A program for every size: single precision is tried on a small image and on edges.
    for x64 in ((True, False) if case.group in ("china", "edge") else (True,))
]


def _stacked(rows: list[dict[str, str]], which: str) -> np.ndarray:
    return np.stack([golden_open.image(Path(row[which]).name) for row in rows])


@pytest.mark.parametrize(("case", "x64"), _CASES)
def test_golden(case: _Case, x64: bool) -> None:
    rows = _GOLDEN[case]
    with jax.enable_x64(x64):
        found = butteraugli(
            _stacked(rows, "reference"), _stacked(rows, "distorted"), **case.options
        )
    for row, value in zip(rows, np.asarray(found), strict=True):
        assert value == pytest.approx(
            float(row["value"]), rel=5e-5 if x64 else 1e-4, abs=1e-6
        ), row


@pytest.mark.slow
def test_no_part_of_the_map_overflows() -> None:
    """The 12th power of a distance of some hundred, summed, is beyond float32."""
    black, white = (np.full((64, 64, 3), v, np.float32) for v in (0, 1))
    for pooling in ("max", "3-norm"):

        def score(x: Any, pooling: str = pooling) -> Any:
            return butteraugli(black, x, pooling=pooling, intensity_target=1e4)

        value, slope = jax.value_and_grad(score)(jnp.asarray(white))
        assert 100 < float(value) < 1e4
        assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "mean"}, "pooling: expected 'max' or '3-norm', got 'mean'"),
        ({"preset": "guetzli"}, "preset: expected 'libjxl' or 'libjxl-0.7'"),
        ({"intensity_target": 0.0}, "intensity_target: expected a positive number"),
        ({"hf_asymmetry": -1.0}, "hf_asymmetry: expected a positive number, got -1.0"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    x = np.zeros((16, 16, 3), np.float32)
    with pytest.raises(ValueError, match=message):
        butteraugli(x, x, **options)

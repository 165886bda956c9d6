"""Y'CbCr planes in NumPy, and the golden values that the programs of codecs gave them.

The planes are made in float64, as those were that the programs read.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.helpers.golden_open import image

FOLDER = Path(__file__).parents[1] / "golden" / "modern"


class Case(NamedTuple):
    """What a golden value was computed of, in jiqa's words: the options of planes."""

    group: str
    metric: str
    yuv: str
    bits: int


class Row(NamedTuple):
    """One golden value."""

    reference: str
    distorted: str
    value: float


@functools.cache
def rows(table: str) -> dict[Case, list[Row]]:
    """The rows of ``tests/golden/modern/TABLE.csv``; a group is a name's first word."""
    found: dict[Case, list[Row]] = {}
    with (FOLDER / f"{table}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            reference, distorted = (
                Path(row[k]).name for k in ("reference", "distorted")
            )
            words = row["variant"].split(";")[0].removeprefix("yuv=").split("_")
            bits = int(words.pop().removesuffix("bit")) if len(words) == 4 else 8
            case = Case(distorted.split("_")[0], row["metric"], "-".join(words), bits)
            found.setdefault(case, []).append(
                Row(reference, distorted, float(row["value"]))
            )
    return found


def cases(golden: Iterable[Case], yuv: str, *quick: str) -> list[Any]:
    """The cases whose planes are made in a way, as parameters of a test.

    Those of other groups than the ``quick`` ones are slow.
    """
    return [
        pytest.param(
            case,
            id="-".join(map(str, case)),
            marks=[] if case.group in quick else [pytest.mark.slow],
        )
        for case in golden
        if case.yuv.startswith(yuv)
    ]


@functools.cache
def planes(name: str, yuv: str, bits: int = 8) -> tuple[np.ndarray, ...]:
    """Whole codes of an image of the golden set, float64: Y', Cb, Cr."""
    return planes_of(image(name), yuv, bits)


def planes_of(pixels: np.ndarray, yuv: str, bits: int = 8) -> tuple[np.ndarray, ...]:
    """Whole codes of an image of 8 bits."""
    matrix, codes, sampling = yuv.split("-")
    # As literals: halves are then rounded as in the planes that the programs read.
    (kr, kg, kb), (blues, reds) = {
        "bt709": ((0.2126, 0.7152, 0.0722), (1.8556, 1.5748)),
        "bt601": ((0.299, 0.587, 0.114), (1.772, 1.402)),
    }[matrix]
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(float)
    if codes == "limited":
        pixels = pixels / 255
    red, green, blue = np.moveaxis(pixels, -1, 0)
    luma = kr * red + kg * green + kb * blue
    cb, cr = (blue - luma) / blues, (red - luma) / reds
    if codes == "limited":
        luma, cb, cr = 16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr
    else:
        cb, cr = 128 + cb, 128 + cr
    if sampling == "420":
        cb, cr = (_halved(x) for x in (cb, cr))
    scale = 2 ** (bits - 8)
    return tuple(
        np.clip(np.floor(scale * x + 0.5), 0, 2**bits - 1) for x in (luma, cb, cr)
    )


def _halved(x: np.ndarray) -> np.ndarray:
    x = np.pad(x, [(0, n % 2) for n in x.shape], mode="edge")
    return (x[::2, ::2] + x[::2, 1::2] + x[1::2, ::2] + x[1::2, 1::2]) / 4

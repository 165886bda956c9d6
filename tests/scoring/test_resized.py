"""Images at the size of others, as MATLAB's imresize gives them."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.ops.resize import imresize
from jiqa.scoring.resized import resized


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(11, 40), (33, 17), (90, 90)])
def test_as_imresize_rounded(rng, kind, size):
    most = np.iinfo(kind).max
    pixels = rng.integers(0, most, (30, 40, 3), kind, endpoint=True)
    found = resized(pixels, size)
    assert found.dtype == kind and found.shape == (*size, 3)
    planes = np.moveaxis(pixels.astype(np.float32), -1, 0)
    want = np.moveaxis(np.asarray(imresize(planes, size=size)), 0, -1)
    off = np.abs(found.astype(np.float64) - np.clip(want, 0, most))
    assert off.max() < 0.5 + 1e-6 * most


def test_one_size_changes_nothing(rng):
    pixels = rng.integers(0, 256, (9, 12, 1), dtype=np.uint8)
    np.testing.assert_array_equal(resized(pixels, (9, 12)), pixels)

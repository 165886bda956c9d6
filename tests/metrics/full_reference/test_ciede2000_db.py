"""CIEDE2000 in decibels beside libvmaf's values."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import ciede2000_db, delta_e
from jiqa.metrics.full_reference.ciede2000_db import of_planes
from jiqa.ops.video_planes import Planes
from tests.helpers import golden_open
from tests.helpers.video_planes import Case, cases, planes, rows

_GOLDEN = rows("ciede2000_db")


def _check(case: Case, absolute: float) -> None:
    golden = _GOLDEN[case]
    reference, distorted = (
        np.stack([golden_open.image(name) for name in names])
        for names in zip(*((r.reference, r.distorted) for r in golden), strict=True)
    )
    found = ciede2000_db(reference, distorted, yuv=case.yuv, bits=case.bits)
    wanted = [row.value for row in golden]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=absolute)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt709", "china", "edge"))
def test_float64(case: Case) -> None:
    with jax.enable_x64(True):
        _check(case, 1e-5)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt709", "chelsea"))
def test_float32(case: Case) -> None:
    _check(case, 1e-4)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt601", "china"))
def test_on_given_planes(case: Case) -> None:
    """BT.601 has so many exact halves that the planes have to be the programs' own."""
    score = jax.jit(of_planes, static_argnums=2)
    with jax.enable_x64(True):
        for row in _GOLDEN[case]:
            x, y = (
                Planes(*map(jnp.asarray, planes(name, case.yuv, case.bits)))
                for name in (row.reference, row.distorted)
            )
            found = float(score(x, y, case.bits))
            assert found == pytest.approx(row.value, abs=1e-5), row


def test_it_is_nearly_the_logarithm_of_the_difference() -> None:
    """But for the colours, and for lightness and hue that weigh otherwise."""
    x, y = (golden_open.image(f"china_{name}.png") for name in ("ref", "noise"))
    weighted = delta_e(x, y, factors=(0.65, 1.0, 4.0))
    found: Any = ciede2000_db(x, y, yuv="bt709-limited-444")
    assert float(found) == pytest.approx(45 - 20 * np.log10(float(weighted)), abs=0.5)

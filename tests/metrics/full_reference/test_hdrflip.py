"""HDR-FLIP against the authors' programs, its exposures, and what it accepts."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.errors import UsageError
from jiqa.metrics import flip, hdrflip, mse
from jiqa.metrics.parts.flip_exposures import (
    automatic_exposures,
    exposed,
    luminance,
    tone_mapper_of,
)
from jiqa.ops.colour import from_linear
from jiqa.scoring.choose_metrics import choose
from tests.helpers.golden_modern import ModernRow, modern_image, modern_rows

#: A small eye, whose filters compile fast.
FAST: dict[str, Any] = {"pixels_per_degree": 10.0}


def _rows(mapper: str, dtype: str) -> list[ModernRow]:
    return [
        row
        for row in modern_rows("hdrflip")
        if row.conditions["tone_mapper"] == mapper and row.conditions["dtype"] == dtype
    ]


@pytest.mark.parametrize(
    "mapper",
    ["aces", *(pytest.param(m, marks=pytest.mark.slow) for m in ("hable", "reinhard"))],
)
def test_double_precision(mapper: str) -> None:
    """To 1e-12 but for equal pixels, which the authors' PyTorch counts as 3e-7."""
    with jax.enable_x64(True):
        for row in _rows(mapper, "float64"):
            pair = (modern_image(n) for n in (row.reference, row.distorted))
            got = float(hdrflip(*(x.astype(float) for x in pair), tone_mapper=mapper))
            under = 3.3e-7 if "_clip" in row.distorted else 1e-12
            assert row.value - under <= got <= row.value + 1e-12, row


def test_single_precision() -> None:
    for row in _rows("aces", "float32"):
        got = float(hdrflip(modern_image(row.reference), modern_image(row.distorted)))
        assert got == pytest.approx(row.value, abs=1e-6), row


@pytest.mark.parametrize("name", ["lamps", "dusk"])
@pytest.mark.parametrize("mapper", ["aces", "hable", "reinhard"])
def test_exposures_are_the_authors(mapper: str, name: str) -> None:
    (row, *_) = (r for r in _rows(mapper, "float64") if name in r.reference)
    want = dict(part.split("=") for part in row.notes.split(";"))
    with jax.enable_x64(True):
        light = jnp.moveaxis(jnp.asarray(modern_image(row.reference), float), -1, 0)
        start, stop = automatic_exposures(light, mapper, None)
        peak = luminance(light).max()
        target = tone_mapper_of(mapper)(exposed(jnp.full((3, 1), peak), start))
    np.testing.assert_allclose(start, float(want["start"]), rtol=1e-10)
    np.testing.assert_allclose(stop, float(want["stop"]), rtol=1e-10)
    assert max(2, math.ceil(stop - start)) == int(want["exposures"])
    np.testing.assert_allclose(target, 0.85, rtol=1e-12)


def _scene(rng: np.random.Generator) -> np.ndarray:
    return np.exp2(rng.uniform(-4, 6, (14, 18, 3))).astype(np.float32)


def test_one_exposure_after_the_other(rng: np.random.Generator) -> None:
    """The largest error of FLIP over the exposures, of what the tone mapper shows."""
    x = _scene(rng)
    y = x * rng.uniform(0.7, 1.4, x.shape).astype(np.float32)
    start, stop = automatic_exposures(jnp.moveaxis(jnp.asarray(x), -1, 0), "aces", None)
    count = max(2, math.ceil(stop - start))
    shown = tone_mapper_of("aces")
    maps = []
    for stops in np.linspace(float(start), float(stop), count):
        pair = (
            jnp.moveaxis(shown(exposed(jnp.moveaxis(v, -1, 0), stops)), 0, -1)
            for v in map(jnp.asarray, (x, y))
        )
        maps.append(flip(*(from_linear(v) for v in pair), output="map", **FAST))
    want = np.max(maps, 0)
    got = hdrflip(x, y, output="map", **FAST)
    np.testing.assert_allclose(got, want, atol=2e-5)
    by_hand: dict[str, Any] = {"start": float(start), "stop": float(stop)}
    for options in (by_hand, {**by_hand, "exposures": count}, {"exposures": count}):
        np.testing.assert_allclose(
            hdrflip(x, y, **options, **FAST), want.mean(), atol=2e-5
        )


def test_dark_references_are_finite(rng: np.random.Generator) -> None:
    scene = _scene(rng)
    black = np.zeros_like(scene)
    lamp = black.copy()
    lamp[2:5, 3:6] = scene[2:5, 3:6]
    huge = scene * 1e30
    slope = jax.jit(
        jax.value_and_grad(functools.partial(hdrflip, **FAST), argnums=(0, 1))
    )
    for x, y in (
        *((x, x) for x in (scene, black, lamp, huge)),
        (black, scene),
        (lamp, scene),
        (scene, black),
        (huge, lamp),
    ):
        score, gradients = slope(x, y)
        assert 0 <= float(score) <= 1
        assert (float(score) == 0) == (x is y)
        assert all(np.isfinite(g).all() for g in gradients)
    # Of the samples with light, the lamp is looked at as without the dark around it.
    found, want = (
        automatic_exposures(jnp.moveaxis(jnp.asarray(v), -1, 0), "aces", None)
        for v in (lamp, scene[2:5, 3:6])
    )
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_light_is_accepted_by_those_that_say_so(rng: np.random.Generator) -> None:
    x = _scene(rng)
    assert hdrflip.info.dynamic_range == "high" and x.max() > 1
    with pytest.raises(ValueError, match=r"reference: expected values in \[0, 1\]"):
        mse(x, x)
    for names in (["hdrflip", "mse"], ["mse", "hdrflip"]):
        with pytest.raises(ValueError, match=r"reference: expected values in \[0, 1\]"):
            jiqa.load(names)(x, x)
    for wrong, message in (
        (-1, "got values from -1 to .*set negative light to 0"),
        (np.nan, "got NaN"),
        (np.inf, "to inf"),
    ):
        y = x.copy()
        y[0, 0] = wrong
        with pytest.raises(ValueError, match=f"distorted: expected linear.*{message}"):
            hdrflip(x, y)


def test_image_files_are_no_light() -> None:
    with pytest.raises(UsageError, match="hdrflip takes arrays of linear light"):
        choose("ssim,hdrflip", [], have_reference=True)
    names = [c.name for c in choose("all-classical", [], have_reference=True)]
    assert "flip" in names and "hdrflip" not in names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tone_mapper": "filmic"}, "'aces', 'hable' or 'reinhard', got 'filmic'"),
        ({"exposures": 1}, "exposures: expected a whole number, 2 or more, got 1"),
        ({"start": 2.0, "stop": 1.0}, "stop: expected more than start=2.0, got 1.0"),
        ({"output": "maps"}, "output: expected 'score' or 'map', got 'maps'"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    x = np.zeros((8, 8, 1), np.float32)
    with pytest.raises(ValueError, match=message):
        hdrflip(x, x, **options)

"""What must hold for any image, on images that hypothesis draws."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiqa.core.images import to_float
from jiqa.metrics import gmsd, mse, psnr, ssim
from jiqa.registry import get_metric

check = settings(derandomize=True, deadline=None, max_examples=25)

#: Few shapes, so that few programs are compiled; widths are even for GMSD's flip.
SHAPES = [((16, 20, 3), "uint8"), ((33, 16, 1), "uint8"), ((24, 40, 3), "float32")]
SEEDS = st.integers(0, 2**32 - 1)


def _image(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Grey levels 0..255 of noise, a flat field, a ramp, stripes or near black."""
    level = rng.integers(0, 256, (1, 1, shape[-1]))
    column = np.arange(shape[1])[:, None]
    fields = {
        "noise": rng.integers(0, 256, shape),
        "flat": level,
        "ramp": column * 255 // (shape[1] - 1),
        "stripes": column // rng.integers(1, 5) % 2 * level,
        "dark": rng.integers(0, 2, shape),
    }
    return np.broadcast_to(fields[kind], shape)


@st.composite
def pairs(draw, count: int = 2) -> tuple[np.ndarray, ...]:
    """Images of one shape and type, each noise, flat or regular."""
    shape, dtype = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(SEEDS))
    kinds = st.sampled_from(["noise", "flat", "ramp", "stripes", "dark"])
    images = [_image(rng, shape, draw(kinds)) for _ in range(count)]
    if dtype == "uint8":
        return tuple(x.astype(np.uint8) for x in images)
    return tuple((x / 255).astype(dtype) for x in images)


@check
@given(pairs(), SEEDS)
def test_ssim_is_in_its_range_and_one_for_identical_images_only(pair, seed):
    x, y = pair
    assert -1 - 1e-6 <= float(ssim(x, y)) <= 1 + 1e-6
    assert float(ssim(x, x)) == pytest.approx(1, abs=1e-6)
    # One grey level in one sample is more than rounding only in float64.
    place = tuple(np.random.default_rng(seed).integers(5, n - 5) for n in x.shape[:2])
    with jax.enable_x64(True):
        x = np.asarray(to_float(x), np.float64)
        changed = x.copy()
        changed[(*place, 0)] += 1 / 255 if x[(*place, 0)] < 0.5 else -1 / 255
        assert float(ssim(x, x)) == pytest.approx(1, abs=1e-13)
        assert float(ssim(x, changed)) < 1 - 1e-11


@check
@given(pairs())
def test_psnr_is_the_logarithm_of_mse(pair):
    error, ratio = float(mse(*pair)), float(psnr(*pair))
    want = np.asarray(pair, np.float64) / (255 if pair[0].dtype == np.uint8 else 1)
    assert error == pytest.approx(np.mean((want[0] - want[1]) ** 2), rel=1e-5)
    if error == 0:
        assert ratio == np.inf and np.array_equal(*pair)
    else:
        assert ratio == pytest.approx(10 * np.log10(1 / error), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["ssim", "gmsd", "mse", "uqi"])
@check
@given(pairs(count=4))
def test_changing_places_and_company_changes_nothing(name, images):
    metric = get_metric(name)
    x, y, *others = images
    score = float(metric(x, y))
    assert float(metric(y, x)) == pytest.approx(score, rel=1e-5, abs=1e-6)
    one, two = (
        np.asarray(metric(np.stack([x, a]), np.stack([y, b])))
        for a, b in (others, others[::-1])
    )
    last = np.asarray(metric(np.stack([others[0], x]), np.stack([others[1], y])))
    assert one[0] == two[0] == last[1] == pytest.approx(score, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("metric", [ssim, gmsd, mse], ids=lambda m: m.info.name)
@check
@given(pairs())
def test_mirroring_both_images_changes_nothing(metric, pair):
    mirrored = [np.ascontiguousarray(x[:, ::-1]) for x in pair]
    want = float(metric(*pair))
    assert float(metric(*mirrored)) == pytest.approx(want, rel=1e-4, abs=1e-5)


@check
@given(pairs(count=4), SEEDS)
def test_what_a_mask_hides_has_no_part_in_ssim(images, seed):
    x, y, a, b = images
    rng = np.random.default_rng(seed)
    mask = rng.choice([0.0, 0.0, 0.3, 1.0], x.shape[:2]).astype(np.float32)
    mask[x.shape[0] // 2, x.shape[1] // 2] = 1  # one window has its centre in it
    seen = mask[..., None] > 0
    hidden = (np.where(seen, x, a), np.where(seen, y, b))
    score = float(ssim(x, y, mask=mask))
    assert -1 - 1e-5 <= score <= 1 + 1e-5
    assert float(ssim(*hidden, mask=mask)) == score


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_are_divided_exactly(dtype, x64):
    peak = np.iinfo(dtype).max
    levels = np.arange(peak + 1, dtype=dtype).reshape(-1, 16, 1)
    with jax.enable_x64(x64):
        kind = np.float64 if x64 else np.float32
        for convert in (to_float, jax.jit(to_float)):
            got = np.asarray(convert(levels))
            assert got.dtype == kind
            np.testing.assert_array_equal(got, levels.astype(kind) / kind(peak))

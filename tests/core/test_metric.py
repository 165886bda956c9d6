"""Checks of a metric's images and options: what is refused, how, and what passes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.core import images
from jiqa.metrics import mse, psnr, ssim

GOOD = np.full((16, 20, 3), 0.5, np.float32)


def _one_nan(image: np.ndarray) -> np.ndarray:
    image = image.copy()
    image[7, 9, 1] = np.nan
    return image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            GOOD[..., 0],
            r"distorted: expected shape \[.*got shape \(16, 20\) .*image\[..., None\]",
        ),
        (
            GOOD[..., :2],
            r"expected 1 \(grey\) or 3 .*got 2, shape \(16, 20, 2\) .*alpha",
        ),
        (
            np.moveaxis(GOOD, -1, 0),
            r"got 20, shape \(3, 16, 20\) .*channels seem to come first",
        ),
        (GOOD.astype(np.int32), r"distorted: expected floating .*got dtype int32"),
        (GOOD > 0, r"got dtype bool"),
        (
            GOOD * 255,
            r"in \[0, 1\], got values from 127.5 to 127.5 \(divide by 255",
        ),
        (GOOD - 1, r"map \[-1, 1\] by \(image \+ 1\) / 2"),
        (GOOD * np.nan, r"expected values in \[0, 1\], got NaN"),
        (_one_nan(GOOD), r"expected values in \[0, 1\], got NaN"),
        (GOOD[:-1], r"reference, \(16, 20, 3\), got shape \(15, 20, 3\)"),
    ],
)
@pytest.mark.parametrize("metric", [mse, jiqa.load("mse")])
def test_bad_images_are_named(image, message, metric):
    with pytest.raises(ValueError, match=message):
        metric(GOOD, image)
    with pytest.raises(ValueError, match=message):
        metric(GOOD, jnp.asarray(image))


def test_shape_errors_come_at_trace_time_and_ranges_do_not():
    with pytest.raises(ValueError, match="expected 1"):
        jax.eval_shape(mse, GOOD[..., :2], GOOD[..., :2])
    assert np.isfinite(jax.jit(mse)(GOOD * 255, GOOD))


def test_options_are_by_keyword_and_known():
    with pytest.raises(TypeError, match="takes 2 images"):
        mse(GOOD, GOOD, "luma")  # pyright: ignore
    with pytest.raises(
        TypeError, match=r"mse\(\) has no option lumma; did you mean luma\? \(options: "
    ):
        mse(GOOD, GOOD, lumma="matlab")  # pyright: ignore
    assert float(mse(distorted=GOOD, reference=GOOD)) == 0


def test_small_overshoot_passes_and_is_not_clipped():
    over = GOOD + np.float32(0.5005)
    assert float(mse(GOOD, over)) == pytest.approx(0.5005**2, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_scaled_by_their_own_peak(dtype):
    peak = np.iinfo(dtype).max
    white, black = np.full((8, 8, 1), peak, dtype), np.zeros((8, 8, 1), dtype)
    assert float(mse(white, black)) == 1
    assert float(mse(white, np.ones((8, 8, 1), np.float32))) == 0
    every = np.arange(peak + 1, dtype=dtype).reshape(-1, 16, 1)
    floats = every.astype(np.float32) / np.float32(peak)
    assert float(mse(every, floats)) == 0
    assert np.isinf(psnr(every, every.copy(), colour="luma"))


def test_several_in_one_pass_share_work():
    rng = np.random.default_rng(0)
    x = rng.random((64, 64, 3), dtype=np.float32)
    y = rng.random((64, 64, 3), dtype=np.float32)
    names = ["ssim", "psnr", "mse", "rmse"]
    together = jiqa.load(names)
    assert set(together.info) == set(names)
    values = together(x, y)
    for name in names:
        np.testing.assert_allclose(values[name], jiqa.load(name)(x, y), rtol=1e-6)


def _operations(metric, *shapes):
    compiled = metric._compiled.lower({}, *shapes).compile()
    analysis = compiled.cost_analysis()
    return (analysis[0] if isinstance(analysis, list) else analysis)["flops"]


def test_shared_parts_are_computed_once():
    image = jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)
    alone = [_operations(jiqa.load(n), image, image) for n in ("mse", "rmse", "psnr")]
    together = _operations(jiqa.load(["mse", "rmse", "psnr"]), image, image)
    assert together < 0.5 * sum(alone)


def test_load_says_what_is_wrong():
    with pytest.raises(ValueError, match="unknown metric 'sim'; did you mean ssim"):
        jiqa.load("sim")
    with pytest.raises(TypeError, match=r"options .* with a single metric"):
        jiqa.load(["ssim", "mse"], luma="matlab")  # pyright: ignore
    assert repr(jiqa.load("ssim", luma="matlab")) == "jiqa.load('ssim', luma='matlab')"


def test_loaded_takes_as_many_images_as_its_metrics():
    grey = np.full((96, 96, 1), 0.5, np.float32)
    for name, pair in (("ssim", [grey]), ("mse", [grey] * 3), ("niqe", [grey] * 2)):
        with pytest.raises(TypeError, match=rf"{name}\(\) takes . images?"):
            jiqa.load(name)(*pair)
    with pytest.raises(
        ValueError, match=r"distorted: expected the shape of the reference, \(96, "
    ):
        jiqa.load(["mse", "psnr"])(grey, grey[:64])


def test_infinite_psnr_has_a_zero_gradient():
    value, gradient = jax.value_and_grad(lambda d: psnr(GOOD, d))(GOOD)
    assert np.isinf(value) and np.all(np.asarray(gradient) == 0)


def test_as_a_loss_in_a_training_step():
    """Gradient ascent on SSIM, under the caller's own jit, restores the image."""
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.random((24, 24, 1), dtype=np.float32))
    y = jnp.clip(x + 0.2 * rng.standard_normal(x.shape).astype(np.float32), 0, 1)

    @jax.jit
    def step(y):
        return y + 5 * jax.grad(lambda d: ssim(x, d))(y)

    before = float(ssim(x, y))
    for _ in range(30):
        y = step(y)
    assert float(jax.jit(ssim)(x, y)) > before + 0.1


def test_a_jax_array_is_looked_at_once_and_a_numpy_array_each_time(monkeypatch):
    looks = []
    look = images._inside
    monkeypatch.setattr(images, "_inside", lambda x: looks.append(x) or look(x))
    x, y = jnp.asarray(GOOD), jnp.asarray(GOOD)
    for _ in range(3):
        psnr(x, y)
    assert len(looks) == 2
    changed = GOOD.copy()
    psnr(changed, changed)
    changed[0, 0, 0] = 2
    with pytest.raises(ValueError, match="got values from"):
        psnr(changed, changed)
    kept = len(images._SEEN)
    del x, looks[:]
    assert len(images._SEEN) == kept - 1

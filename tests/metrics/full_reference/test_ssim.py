"""SSIM beyond the authors' goldens: the other presets, masks, small windows."""

from __future__ import annotations

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from pytorch_msssim import ms_ssim as torch_ms_ssim
from pytorch_msssim import ssim as torch_ssim
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)

from jiqa.metrics import ms_ssim, mse, psnr, ssim
from tests.helpers import golden_open

PAIRS = [
    ("chelsea_ref.png", "chelsea_jpeg10.png"),
    ("china_ref.png", "china_noise.png"),
    ("camera_ref.png", "camera_blur.png"),
]


def _pair(names):
    return tuple(golden_open.image(n) for n in names)


@pytest.mark.parametrize("names", PAIRS)
def test_scikit_image(names):
    x, y = _pair(names)
    with jax.enable_x64(True):
        assert float(mse(x, y, data_range=255)) == pytest.approx(
            float(mean_squared_error(x, y)), rel=1e-12
        )
        assert float(psnr(x, y)) == pytest.approx(
            peak_signal_noise_ratio(x, y), rel=1e-12
        )
        want = structural_similarity(x, y, channel_axis=-1)
        assert float(ssim(x, y, preset="scikit-image")) == pytest.approx(want, rel=1e-9)
        # scikit-image's advice for Wang et al. 2004, on each channel
        wang = structural_similarity(
            x, y, channel_axis=-1, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )  # fmt: skip
        assert float(ssim(x, y, preset="tensorflow")) == pytest.approx(wang, rel=1e-9)
    assert float(ssim(x, y, preset="scikit-image")) == pytest.approx(want, rel=1e-5)


def _tensorflow_rows():
    path = Path(__file__).parents[2] / "golden" / "peers" / "tensorflow_ssim.csv"
    lines = [n for n in path.read_text().splitlines() if not n.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", _tensorflow_rows(), ids=lambda r: r["distorted"])
def test_tensorflow(row):
    pair = _pair((row["reference"], row["distorted"]))
    with jax.enable_x64(True):
        value = ssim(*pair, preset="tensorflow")
    assert float(value) == pytest.approx(float(row["ssim"]), rel=1e-9)
    single = ssim(*(x.astype(np.float32) / 255 for x in pair), preset="tensorflow")
    assert float(single) == pytest.approx(float(row["ssim"]), rel=1e-5)


@pytest.mark.parametrize("names", PAIRS[1:])  # sides that halve evenly four times
def test_values_and_gradients_of_pytorch_msssim(names):
    """An independent implementation, differentiated by another framework."""
    x, y = (np.asarray(a, np.float32) / 255 for a in _pair(names))
    for mine, theirs in ((ssim, torch_ssim), (ms_ssim, torch_ms_ssim)):

        def score(d, mine=mine):
            # Theirs scores each channel alone, and averages.
            count = x.shape[-1]
            planes = [mine(x[..., c : c + 1], d[..., c : c + 1]) for c in range(count)]
            return sum(planes) / count

        value, gradient = jax.value_and_grad(score)(jnp.asarray(y))
        tx, ty = (torch.tensor(a).permute(2, 0, 1)[None] for a in (x, y))
        ty.requires_grad_()
        want = theirs(tx, ty, data_range=1.0)
        want.backward()
        assert float(value) == pytest.approx(float(want.detach()), rel=2e-5)
        assert ty.grad is not None
        slope = ty.grad[0].permute(1, 2, 0).numpy()
        error = np.abs(np.asarray(gradient) - slope).max()
        assert error < 1e-3 * np.abs(slope).max()


def test_mask_hides_what_is_outside(rng):
    x, y = _pair(PAIRS[0])
    x, y = (np.asarray(a, np.float32) / 255 for a in (x, y))
    mask = np.zeros(x.shape[:2], np.float32)
    mask[60:200, 90:260] = 1
    value = float(ssim(x, y, mask=mask))
    spoiled = np.where(mask[..., None] > 0, y, rng.random(y.shape, dtype=np.float32))
    assert float(ssim(x, spoiled, mask=mask)) == pytest.approx(value, rel=1e-6)
    assert value != pytest.approx(float(ssim(x, y)), abs=1e-3)
    whole = float(ssim(x, y, mask=np.ones_like(mask)))
    assert whole == pytest.approx(float(ssim(x, y)), rel=1e-6)
    batch = ssim(
        np.stack([x, x]), np.stack([y, y]), mask=np.stack([mask, np.ones_like(mask)])
    )
    np.testing.assert_allclose(batch, [value, whole], rtol=1e-6)
    gradient = jax.grad(lambda d: ssim(x, d, mask=mask))(jnp.asarray(y))
    assert np.all(np.asarray(gradient)[mask == 0] == 0)
    assert np.all(np.isfinite(gradient)) and np.any(np.asarray(gradient) != 0)


def test_mask_of_an_inner_rectangle_is_local():
    """Windows wholly inside the mask have the unmasked value."""
    x, y = _pair(PAIRS[2])
    mask = np.zeros(x.shape[:2], np.float32)
    mask[100:300, 150:400] = 1
    whole = np.asarray(ssim(x, y, output="map"))
    masked = np.asarray(ssim(x, y, mask=mask, output="map"))
    np.testing.assert_allclose(masked[100:290, 150:390], whole[100:290, 150:390], 2e-4)


def test_smaller_windows_admit_smaller_images(rng):
    x = rng.random((7, 9, 3), dtype=np.float32)
    with pytest.raises(
        ValueError, match=r"ssim: expected .* at least 11 pixels, got 9x7"
    ):
        ssim(x, x)
    assert float(ssim(x, x, window_size=7)) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match=r"window_size: expected an odd .*, got 6"):
        ssim(x, x, window_size=6)


def test_negative_values_are_not_clamped(rng):
    x = rng.random((32, 32, 1), dtype=np.float32)
    assert float(ssim(x, 1 - x)) < -0.5

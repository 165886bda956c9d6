"""CAMBI beside libvmaf's values, and what it makes of bands and of noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.metrics import cambi
from jiqa.metrics.no_reference.cambi import of_luma
from tests.helpers import golden_open
from tests.helpers.video_planes import Case, cases, planes, rows

_GOLDEN = rows("cambi")


def _check(case: Case, absolute: float) -> None:
    golden = _GOLDEN[case]
    images = np.stack([golden_open.image(row.distorted) for row in golden])
    found = cambi(images, yuv=case.yuv, bits=case.bits)
    wanted = [row.value for row in golden]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=absolute)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt709", "china"))
def test_float64(case: Case) -> None:
    with jax.enable_x64(True):
        _check(case, 1e-7)


@pytest.mark.parametrize("case", cases(_GOLDEN, "bt709", "china"))
def test_float32(case: Case) -> None:
    _check(case, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases(_GOLDEN, "bt601"))
def test_on_given_planes(case: Case) -> None:
    """BT.601 has so many exact halves that the planes have to be the programs' own."""
    score = jax.jit(of_luma, static_argnums=1)
    with jax.enable_x64(True):
        for row in _GOLDEN[case]:
            luma = jnp.asarray(planes(row.distorted, case.yuv, case.bits)[0])
            assert float(score(luma, 8)) == pytest.approx(row.value, abs=1e-7), row


def test_bands_count_and_noise_hides_them() -> None:
    """A slow ramp in steps of one code; flat, and under noise, nothing is seen."""
    ramp = np.repeat(np.arange(216) // 24, 216).reshape(216, 216, 1) + 60
    noise = np.random.default_rng(0).integers(0, 12, ramp.shape)
    images = np.stack([ramp, np.full_like(ramp, 60), ramp + noise]).astype(np.uint8)
    bands, flat, noisy = cambi(images)
    assert bands > 5 and flat == 0 and noisy == 0


def test_its_gradient_is_0() -> None:
    image = jnp.asarray(golden_open.image("china_ref.png"), jnp.float32) / 255
    assert not cambi.info.differentiable
    assert not np.any(jax.jit(jax.grad(cambi))(image))


def test_sizes() -> None:
    assert float(cambi(np.zeros((64, 216, 1), np.uint8))) == 0
    with pytest.raises(ValueError, match=r"longer side .* 216 pixels, got 215x200"):
        cambi(np.zeros((200, 215, 1), np.uint8))
    with pytest.raises(ValueError, match=r"shorter side .* 64 pixels, got 300x63"):
        cambi(np.zeros((63, 300, 1), np.uint8))

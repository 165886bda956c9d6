"""Colour spaces against scikit-image and their inverses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from skimage import color, data

from jiqa.ops.colour import (
    from_linear,
    lab_to_srgb,
    linear_to_xyb,
    rgb_to_ycbcr,
    srgb_to_lab,
    to_linear,
    ycbcr_to_rgb,
)

IMAGE = np.asarray(data.astronaut()[60:130, 160:240] / np.float32(255), np.float32)


def _close(got, want, atol):
    np.testing.assert_allclose(np.asarray(got), want, atol=atol)


def test_lab():
    lab = color.rgb2lab(IMAGE.astype(float))
    _close(srgb_to_lab(jnp.asarray(IMAGE)), lab, 0.02)
    _close(lab_to_srgb(jnp.asarray(lab, jnp.float32)), IMAGE, 5e-4)
    _close(lab_to_srgb(srgb_to_lab(jnp.asarray(IMAGE))), IMAGE, 2e-6)


def test_linear_light():
    ramp = jnp.linspace(0, 1, 1001, dtype=jnp.float32)
    _close(from_linear(to_linear(ramp)), ramp, 2e-6)
    _close(to_linear(jnp.asarray([0.02, 0.5])), [0.02 / 12.92, 0.21404114], 1e-7)


def test_ycbcr():
    _close(rgb_to_ycbcr(jnp.asarray(IMAGE)) * 255, color.rgb2ycbcr(IMAGE), 1e-3)
    _close(ycbcr_to_rgb(rgb_to_ycbcr(jnp.asarray(IMAGE))), IMAGE, 2e-6)


def test_xyb():
    """The ranges over sRGB that stand in SSIMULACRA 2's source, reached at corners."""
    red, green, blue = jnp.meshgrid(*[jnp.asarray([0.0, 1.0])] * 3)
    x, y, b = linear_to_xyb((red, green, blue))
    for plane, low, high in (
        (14 * x + 0.42, 0.204594, 0.813402),
        (y + 0.01, 0.010000, 0.855308),
        (b - y + 0.55, 0.272295, 0.938012),
    ):
        _close([plane.min(), plane.max()], [low, high], 2e-6)
    slope = jax.grad(lambda v: sum(p.sum() for p in linear_to_xyb((v, v, v))))
    assert jnp.isfinite(slope(jnp.asarray([-1.0, -0.0037930732, 0.0, 1.0]))).all()

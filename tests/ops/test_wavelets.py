"""Wavelets and the cosine transform against their definitions and other libraries."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import fft, signal

from jiqa.ops.cosine_transform import dct_matrix
from jiqa.ops.wavelets import (
    CDF97_HIGH,
    CDF97_LOW,
    biorthogonal_matrix,
    dwt,
    haar_magnitudes,
    haar_matrix,
)


@pytest.mark.parametrize("size", [1, 2, 16])
def test_haar_matrix_is_orthonormal(size):
    haar = haar_matrix(size)
    assert haar.shape == (size, size)
    np.testing.assert_allclose(haar @ haar.T, np.eye(size), atol=1e-12)
    # One row sees a constant.
    np.testing.assert_allclose(haar.sum(1), [size**0.5] + [0] * (size - 1), atol=1e-12)


def test_biorthogonal_matrix_has_one_low_pass_row():
    wavelet = biorthogonal_matrix(8)
    np.testing.assert_allclose(np.linalg.norm(wavelet, axis=1), 1)
    # One low-pass row; the others see no constant.
    np.testing.assert_allclose(wavelet.sum(1), [8**0.5] + [0] * 7, atol=1e-12)


def test_haar_magnitudes_are_those_of_conv2(rng):
    plane = rng.random((13, 10))
    for axis in (0, 1):
        found = haar_magnitudes(jnp.asarray(plane, jnp.float32), (2, 4, 8), axis)
        for size, got in zip((2, 4, 8), found, strict=True):
            kernel = np.full((size, size), 1 / size)
            kernel[: size // 2] *= -1
            kernel = kernel if axis == 0 else kernel.T
            # MATLAB's "same" begins half a window, rounded up, into the full result.
            full = signal.convolve2d(plane, kernel)
            want = full[size // 2 :, size // 2 :][:13, :10]
            np.testing.assert_allclose(got, np.abs(want), atol=1e-6)


def test_cdf97_parts_an_image_into_its_bands(rng):
    assert CDF97_LOW.sum() == pytest.approx(2**0.5, abs=1e-12)
    assert CDF97_HIGH.sum() == pytest.approx(0, abs=1e-11)
    plane = rng.random((9, 14))
    low, [(low_high, high_low, high_high)] = dwt(jnp.asarray(plane, jnp.float32), 1)
    mirrored = np.pad(plane, 4, mode="reflect")
    for got, down, across in (
        (low, CDF97_LOW, CDF97_LOW),
        (low_high, CDF97_LOW, CDF97_HIGH),
        (high_low, CDF97_HIGH, CDF97_LOW),
        (high_high, CDF97_HIGH, CDF97_HIGH),
    ):
        shifts = [(9 - len(taps)) // 2 for taps in (down, across)]
        full = signal.convolve2d(mirrored, np.outer(down, across), "valid")
        ends = [n - s for n, s in zip(full.shape, shifts, strict=True)]
        same = full[shifts[0] : ends[0], shifts[1] : ends[1]]
        phases = [int(len(taps) == 7) for taps in (down, across)]
        np.testing.assert_allclose(got, same[phases[0] :: 2, phases[1] :: 2], atol=1e-6)


@pytest.mark.parametrize("size", [1, 5, 8])
def test_dct_matrix_is_scipy_s(size):
    want = np.asarray(fft.dct(np.eye(size), axis=0, norm="ortho"))
    np.testing.assert_allclose(dct_matrix(size), want, atol=1e-12)

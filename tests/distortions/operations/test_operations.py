"""Distortions against SciPy, scikit-image, Pillow and the definitions in NumPy."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
import skimage.exposure
import skimage.filters
import skimage.restoration
from PIL import Image
from scipy import ndimage

import jiqa
from jiqa.distortions import distort
from jiqa.distortions.operations.blurs import gaussian_blur
from jiqa.distortions.operations.cbm3d import cbm3d
from jiqa.distortions.operations.codecs import jpeg, jpeg2000_at_rate
from jiqa.distortions.operations.colours import (
    chromatic_shift,
    saturation_ycbcr,
    ycbcr_levels,
)
from jiqa.distortions.operations.local import mean_colour_blocks, shifted_patches
from jiqa.distortions.operations.noises import (
    _pink_field,
    gaussian_noise,
    high_pass_noise,
    multiplicative_noise,
    salt_and_pepper,
    ycbcr_noise,
)
from jiqa.distortions.operations.palettes import (
    dithered_palette,
    least_variance_palette,
)
from jiqa.distortions.operations.quantisation import otsu_thresholds, quantise
from jiqa.distortions.operations.tones import stretched_contrast

PHOTO = np.asarray(Image.open(Path(jiqa.__file__).parent / "sample/reference.png"))
PIXELS = PHOTO[64:128, 150:222]
IMAGE = jnp.asarray(PIXELS / np.float32(255))
KEY = jax.random.key(0)
#: One size for all tests of noise: what draws it compiles once.
FLAT = jnp.full((200, 200, 3), 128 / 255, jnp.float32)
_BLUR = jax.jit(functools.partial(gaussian_blur, largest=199))


def _levels(image) -> np.ndarray:
    """Whole levels, and proof that they are."""
    levels = np.asarray(image, float) * 255
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    return np.round(levels)


def _rounded(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(levels + 0.5), 0, 255)


def _mostly_equal(got: np.ndarray, want: np.ndarray) -> None:
    """Equal, but for values so near a half that precision decides them."""
    assert np.abs(got - want).max() <= 1
    assert (got != want).mean() < 1e-3


@pytest.mark.parametrize("size", [3, 15, 91, 199])
def test_blur_is_scipy_s(size):
    """199 pixels is wider than the image: the borders mirror more than once."""
    want = ndimage.gaussian_filter(
        PIXELS.astype(float), size / 6, mode="reflect", radius=size // 2, axes=(0, 1)
    )
    _mostly_equal(_levels(_BLUR(IMAGE, size)), _rounded(want))
    if size == 15:
        _mostly_equal(_levels(gaussian_blur(IMAGE, size)), _rounded(want))


def test_blur_takes_a_width_of_its_own():
    want = ndimage.gaussian_filter(
        PIXELS.astype(float), 2.5, mode="reflect", radius=4, axes=(0, 1)
    )
    _mostly_equal(_levels(gaussian_blur(IMAGE, 9, sigma=2.5)), _rounded(want))


@pytest.mark.parametrize("quality", [0, 4, 43, 90])
def test_jpeg_is_pillow_s(quality):
    file = io.BytesIO()
    # libjpeg counts a quality of 0 as 1.
    Image.fromarray(PHOTO).save(file, "JPEG", quality=quality or 1)
    want = np.asarray(Image.open(file))
    np.testing.assert_array_equal(_levels(jpeg(PHOTO / 255.0, quality)), want)


@pytest.mark.parametrize("rate", [0.46, 0.07])
def test_jpeg2000_has_the_rate_and_the_pixels_of_openjpeg(rate):
    import imagecodecs

    file = io.BytesIO()
    options = {"quality_mode": "rates", "quality_layers": [24 / rate]}
    Image.fromarray(PHOTO).save(file, "JPEG2000", irreversible=True, **options)
    target = rate * PHOTO.shape[0] * PHOTO.shape[1] / 8
    assert len(file.getvalue()) == pytest.approx(target, rel=0.03)
    # Decoded by another library.
    want = imagecodecs.jpeg2k_decode(file.getvalue())
    np.testing.assert_array_equal(_levels(jpeg2000_at_rate(PHOTO / 255.0, rate)), want)


def test_gaussian_noise_has_the_variance():
    noise = _levels(gaussian_noise(FLAT, 0.005, KEY)) - 128
    assert noise.mean() == pytest.approx(0, abs=0.2)
    # Rounding adds a twelfth of a level squared.
    assert noise.var() == pytest.approx(0.005 * 255**2 + 1 / 12, rel=0.02)
    across = np.corrcoef(noise.reshape(-1, 3).T)
    np.testing.assert_allclose(across, np.eye(3), atol=0.02)


def test_multiplicative_noise_grows_with_the_level():
    halves = FLAT.at[:100].set(0.2).at[100:].set(0.6)
    levels = _levels(multiplicative_noise(halves, 0.1, KEY))
    assert levels[:100].std() == pytest.approx(5.1, rel=0.05)
    assert levels[100:].std() == pytest.approx(15.3, rel=0.05)


def test_salt_and_pepper_hit_half_each():
    levels = _levels(salt_and_pepper(FLAT, 0.1, KEY))
    assert (levels == 0).mean() == pytest.approx(0.05, abs=0.003)
    assert (levels == 255).mean() == pytest.approx(0.05, abs=0.003)
    assert (levels == 128).mean() == pytest.approx(0.9, abs=0.005)
    # Samples are hit, not pixels.
    assert ((levels == 0).any(-1) & (levels == 255).any(-1)).any()


def test_pink_noise_falls_as_one_over_f():
    field = np.asarray(_pink_field(KEY, jnp.float32), float)
    assert field.std() == pytest.approx(1, abs=0.01)
    amplitude = np.abs(np.fft.fft2(field))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(512, 1 / 512)] * 2))
    rings = [(frequency >= low) & (frequency < 2 * low) for low in 2 ** np.arange(1, 8)]
    means = [amplitude[ring].mean() for ring in rings]
    slope = np.polyfit(np.arange(len(means)), np.log2(means), 1)[0]
    assert slope == pytest.approx(-1, abs=0.03)


def test_pink_noise_is_scaled_by_its_largest():
    flat = jnp.full((512, 512, 1), 0.5, jnp.float32)
    noise = _levels(distort(flat, "dbcnn/pink_noise", 1, KEY)) - 128
    # Rounded down, the largest magnitude is 0.3 * 255.
    assert np.abs(noise + 0.5).max() == pytest.approx(0.3 * 255, abs=1)
    assert noise.mean() == pytest.approx(-0.5, abs=0.5)


def test_high_pass_takes_what_the_authors_program_takes():
    """Their filter written out in NumPy; noise of variance 0 shows it alone."""
    rows, columns, _ = PIXELS.shape
    i, j = np.mgrid[1 : rows + 1, 1 : columns + 1]
    distance = np.hypot(i - rows / 2, j - columns / 2)
    keep = 1 - np.exp(-(distance**2) / (2 * 10**2))
    spectrum = np.fft.fft2(PIXELS.astype(float), axes=(0, 1)) * keep[..., None]
    want = _rounded(np.fft.ifft2(spectrum, axes=(0, 1)).real)
    _mostly_equal(_levels(high_pass_noise(IMAGE, 0.0, KEY)), want)
    assert (want != PIXELS).mean() > 0.1


def test_ycbcr_is_scikit_image_s():
    want = _rounded(skimage.color.rgb2ycbcr(PIXELS))
    np.testing.assert_array_equal(np.asarray(ycbcr_levels(IMAGE)), want)


@pytest.mark.parametrize("factor", [0.4, -0.8])
def test_saturation_is_the_formula_s(factor):
    ycbcr = _rounded(skimage.color.rgb2ycbcr(PIXELS)) / 255
    ycbcr[..., 1:] = 0.5 + (ycbcr[..., 1:] - 0.5) * factor
    want = _rounded(np.clip(skimage.color.ycbcr2rgb(ycbcr * 255), 0, 1) * 255)
    _mostly_equal(_levels(saturation_ycbcr(IMAGE, factor)), want)


def test_colour_noise_is_white_in_ycbcr():
    levels = _levels(ycbcr_noise(FLAT, 0.0004, KEY))
    spread = skimage.color.rgb2ycbcr(levels / 255).reshape(-1, 3).std(0)
    np.testing.assert_allclose(spread, 0.02 * 255, rtol=0.03)


@pytest.mark.parametrize("level", [2, 14])
def test_chromatic_shift_moves_red_and_half_as_far_green(level):
    moved = PIXELS.astype(float)
    for channel, shift in ((0, level - 1), (1, level // 2 - 1)):
        moved[:, shift:, channel] = PIXELS[:, : PIXELS.shape[1] - shift, channel]
    want = ndimage.gaussian_filter(moved, 0.5, mode="reflect", radius=1, axes=(0, 1))
    _mostly_equal(_levels(chromatic_shift(IMAGE, level)), _rounded(want))


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("rankiqa_tid2013/brighter", lambda v, p: v + p),
        ("rankiqa_tid2013/darker", lambda v, p: v + p),
        ("rankiqa_tid2013/lower_contrast", lambda v, p: v * p),
        ("rankiqa_tid2013/higher_contrast", lambda v, p: v * p),
        ("dbcnn/overexposure", lambda v, p: 255 * (v / 255 + p)),
        ("dbcnn/underexposure", lambda v, p: 255 * (v / 255 + p)),
    ],
)
def test_tones_are_exact_on_all_levels(kind, formula):
    from jiqa.distortions import get_kind

    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    for level, strength in enumerate(get_kind(kind).levels, start=1):
        exact = formula(ramp.astype(float), strength)
        got, want = _levels(distort(ramp, kind, level, 0)), _rounded(exact)
        # MATLAB's doubles sit on either side of some halves.
        clear = np.abs(exact - np.floor(exact) - 0.5) > 1e-9
        np.testing.assert_array_equal(got[clear], want[clear])
        assert np.abs(got - want).max() <= 1


def test_contrast_is_rescaled_between_percentiles():
    want = np.empty(PIXELS.shape)
    for channel in range(3):
        plane = PIXELS[..., channel]
        # So few samples tie with the percentile that both definitions agree.
        ends = np.percentile(plane, [1, 99], method="inverted_cdf")
        rescale: Any = skimage.exposure.rescale_intensity
        want[..., channel] = rescale(
            plane.astype(float), in_range=tuple(ends), out_range=(0.2, 0.8)
        )
    got = stretched_contrast(IMAGE, (0.2, 0.8))
    _mostly_equal(_levels(got), _rounded(want * 255))
    flat = jnp.full((8, 8, 1), 100 / 255, jnp.float32)
    level = 255 * (0.2 + 0.6 * 100 / 255)
    assert (_levels(stretched_contrast(flat, (0.2, 0.8))) == round(level)).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_thresholds_are_otsu_s(count):
    # From 0 to 255, so that nothing is spread; scikit-image tries all.
    levels = np.round((PIXELS - PIXELS.min()) / np.ptp(PIXELS) * 255)
    image = levels.reshape(-1, PIXELS.shape[1]).astype(np.uint8)
    want = skimage.filters.threshold_multiotsu(image, count + 1)
    got = otsu_thresholds(jnp.asarray(levels, jnp.float32), count)
    assert np.abs(np.asarray(got) - want).max() <= 1
    longer = otsu_thresholds(jnp.asarray(levels, jnp.float32), count, most=5)
    np.testing.assert_array_equal(longer[:count], got)
    assert np.isinf(longer[count:]).all()


def test_quantisation_is_imquantize():
    thresholds = np.asarray(otsu_thresholds(jnp.asarray(PIXELS, jnp.float32), 5))
    values = np.array([0, *thresholds[1:], 255])
    want = values[np.searchsorted(thresholds, PIXELS, side="left")]
    np.testing.assert_array_equal(_levels(quantise(IMAGE, 5)), want)
    assert len(np.unique(want)) == 6


def test_palette_varies_less_than_pillow_s():
    def error(palette: np.ndarray) -> float:
        apart = PHOTO.reshape(-1, 1, 3).astype(float) - palette
        return float((apart**2).sum(-1).min(1).mean())

    for colours in (8, 32):
        ours = least_variance_palette(PHOTO, colours)
        median_cut = Image.fromarray(PHOTO).quantize(colours).getpalette()
        assert median_cut is not None
        theirs = np.reshape(median_cut[: 3 * colours], (-1, 3))
        assert ours.shape == (colours, 3) and error(ours) < error(theirs)


def test_palette_of_few_colours_is_those():
    three = np.array([[0, 0, 0], [250, 10, 10], [30, 200, 90]], np.uint8)
    pixels = three[np.arange(64).reshape(8, 8) % 3]
    palette = least_variance_palette(pixels, 16)
    assert {tuple(c) for c in palette} == {tuple(c) for c in three}
    got = dithered_palette(pixels / 255.0, 16)
    np.testing.assert_array_equal(_levels(got), pixels)


def test_dither_spreads_the_error():
    """Of a ramp, local means survive between the palette's ends."""
    ramp = np.repeat(np.arange(256.0)[None, :, None], 64, axis=0)
    got = _levels(dithered_palette(ramp / 255, 4))
    palette = np.unique(got)
    assert len(palette) == 4
    means = ndimage.convolve(got[..., 0], np.full((33, 17), 1 / 561))[32]
    between = slice(int(palette[0]) + 10, int(palette[-1]) - 10)
    apart = np.abs(means - ramp[32, :, 0])[between]
    # Without dither the steps would be 64 apart, the means off by 16.
    assert apart.mean() < 4


def test_patches_show_what_lies_below():
    got = _levels(shifted_patches(IMAGE, 1, KEY))
    ramp = jnp.asarray(np.arange(PIXELS.size).reshape(PIXELS.shape) % 251 / 255)
    rows, columns, _ = np.nonzero(
        _levels(shifted_patches(ramp, 1, KEY)) != _levels(ramp)
    )
    row, column = rows.min(), columns.min()
    assert rows.max() - row == columns.max() - column == 14
    want = PIXELS.copy()
    source = PIXELS[row + 5 : row + 20, column + 5 : column + 20]
    want[row : row + 15, column : column + 15] = source
    np.testing.assert_array_equal(got, want)


def test_blocks_have_one_colour():
    got = _levels(mean_colour_blocks(IMAGE, (1, 1, 50), KEY))
    colour = _rounded(PIXELS.mean((0, 1)) + np.array([50, 0, 0]))
    inside = (got == colour).all(-1)
    rows, columns = np.nonzero(inside & (got != PIXELS).any(-1))
    assert np.ptp(rows) <= 31 and np.ptp(columns) <= 31
    block = got[rows.min() : rows.min() + 32, columns.min() : columns.min() + 32]
    assert (block == colour).all(-1).mean() > 0.9
    np.testing.assert_array_equal(got[~inside], PIXELS[~inside])


def test_denoiser_beats_non_local_means(rng):
    clean = PHOTO[60:140, 140:220].astype(np.float32)
    noisy = clean + 25 * rng.standard_normal(clean.shape, np.float32)
    plain = skimage.restoration.denoise_nl_means(
        noisy, 5, 9, h=15, sigma=25, fast_mode=False, channel_axis=-1
    )
    denoised = np.asarray(cbm3d(jnp.asarray(noisy), 25.0))
    errors = [((x - clean) ** 2).mean() for x in (noisy, plain, denoised)]
    assert errors[2] < 0.8 * errors[1] < 0.8 * errors[0]


def test_denoiser_keeps_a_plain_without_noise():
    flat = jnp.full((24, 20, 1), 90.0, jnp.float32)
    np.testing.assert_allclose(cbm3d(flat, 25.0), 90, atol=1e-2)

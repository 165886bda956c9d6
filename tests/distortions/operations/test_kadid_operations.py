"""KADID-10k's operations against independent implementations."""

from __future__ import annotations

import io
import math

import imagecodecs
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import fft, interpolate, ndimage
from skimage import color, data
from skimage.filters import threshold_multiotsu

from jiqa.distortions.operations import blurs, codecs, colours, local, noises, tones
from jiqa.distortions.operations.dct_denoising import dct_threshold
from jiqa.distortions.operations.palettes import (
    dithered_mean_colours,
    variance_palette,
)
from jiqa.distortions.operations.quantisation import (
    MATLAB_MOST,
    otsu_thresholds,
    quantise_unrounded,
)
from jiqa.distortions.operations.rounding import to_levels

KEY = jax.random.key(5)
PIXELS = data.astronaut()[60:130, 160:240]
IMAGE = np.asarray(PIXELS / np.float32(255), np.float32)
#: Inside sRGB also after a change in Lab, where libraries clip in their own ways.
MUTED = 0.4 + 0.2 * IMAGE


def _close(got, want, atol=2e-6):
    np.testing.assert_allclose(np.asarray(got), want, atol=atol)


def _correlated(image, kernel):
    """SciPy's correlation of each channel, edge pixels repeated."""
    planes = [ndimage.correlate(p, kernel, mode="nearest") for p in image.T]
    return np.stack(planes).T


@pytest.mark.parametrize("sigma", [0.5, 2, 9.5])
def test_gaussian(sigma):
    reach = math.ceil(2 * sigma)
    want = ndimage.gaussian_filter(
        IMAGE.astype(float), sigma, mode="nearest", radius=(reach, reach, 0)
    )
    _close(blurs.gaussian_smoothing(jnp.asarray(IMAGE), sigma), want)


@pytest.mark.parametrize("radius", [1, 2, 4.3, 8])
def test_disk(radius):
    kernel = blurs.disk_kernel(radius)
    fine, reach = 201, kernel.shape[0] // 2
    place = (np.arange(kernel.shape[0] * fine) + 0.5) / fine - reach - 0.5
    inside = place[:, None] ** 2 + place[None] ** 2 <= radius**2
    share = inside.reshape(len(kernel), fine, len(kernel), fine).mean((1, 3))
    np.testing.assert_allclose(kernel, share / share.sum(), atol=5e-5)
    blurred = blurs.lens_blur(jnp.asarray(IMAGE), radius)
    _close(blurred, _correlated(IMAGE, kernel.T))


def test_disk_of_matlab():
    # fspecial('disk', 1), to the four decimals that MATLAB prints
    side, corner = 0.1453, 0.0251
    want = [[corner, side, corner], [side, 0.3183, side], [corner, side, corner]]
    np.testing.assert_allclose(blurs.disk_kernel(1), want, atol=5e-5)


def _quadrant_motion(length, angle):
    """One quadrant of the line's kernel, turned by 180 degrees for the opposite."""
    half, turn = (length - 1) / 2, math.radians(angle % 180)
    size = 2 * math.ceil(half + 1) + 1
    kernel, middle = np.zeros((size, size)), size // 2
    sign = 1 if math.cos(turn) >= 0 else -1
    for down in range(int(half * math.sin(turn) + 1) + 1):
        for step in range(int(half * abs(math.cos(turn)) + 1) + 1):
            x = sign * step
            across = down * math.cos(turn) - x * math.sin(turn)
            if math.hypot(x, down) >= half and abs(across) <= 1:
                along = x * math.cos(turn) + down * math.sin(turn)
                across = math.hypot(across, half - abs(along))
            weight = max(1 - abs(across), 0)
            # Counter-clockwise: what is right of the middle is above it.
            kernel[middle - down, middle + x] = weight
            kernel[middle + down, middle - x] = weight
    return kernel / kernel.sum()


@pytest.mark.parametrize("length", [1, 2, 10])
def test_motion_kernel(length):
    turned = jax.vmap(lambda a: blurs.motion_kernel(length, a, jnp.float32))
    angles = np.arange(0, 181, 15)
    kernels = np.asarray(turned(jnp.asarray(angles)))
    for angle, kernel in zip(angles, kernels, strict=True):
        want = _quadrant_motion(length, int(angle))
        around = (len(want) - len(kernel)) // 2
        np.testing.assert_allclose(np.pad(kernel, around), want, atol=2e-6)


def test_motion_draws_its_angle():
    plane = IMAGE[:30, :31, :1]
    blurred = np.asarray(blurs.motion_blur(jnp.asarray(plane), 6, KEY))
    turned = jax.vmap(lambda a: blurs.motion_kernel(6, a, jnp.float32))
    gaps = [
        np.abs(_correlated(plane, kernel.T) - blurred).max()
        for kernel in np.asarray(turned(jnp.arange(181)))
    ]
    assert min(gaps) < 2e-6 < np.median(gaps)


def test_diffusion_and_saturation_in_lab():
    muted = jnp.asarray(MUTED)
    lab = color.rgb2lab(MUTED.astype(float))
    vivid = color.lab2rgb(lab * [1, 2, 2])
    _close(colours.saturation_lab(muted, 2), vivid, 5e-4)
    sigma, reach = 1.5 * 2 + 2, 10
    hue = ndimage.gaussian_filter(
        lab[..., 1:], sigma, mode="nearest", radius=(reach, reach, 0)
    )
    spread = color.lab2rgb(np.concatenate([lab[..., :1], 2 * hue], -1))
    _close(colours.colour_diffusion(muted, 2), spread, 5e-4)


@pytest.mark.parametrize("factor", [0.4, 0, -0.4])
def test_saturation_in_hsv(factor):
    hsv = np.asarray(color.rgb2hsv(IMAGE.astype(float)))
    hsv[..., 1] *= factor
    want = np.asarray(color.hsv2rgb(hsv))
    # MATLAB divides by the largest of what multiplies V.
    largest = float((want / np.maximum(hsv[..., 2:], 1e-9)).max())
    want = np.divide(want, max(largest, 1.0))
    _close(colours.saturation_hsv(jnp.asarray(IMAGE), factor), want)


def test_colour_shift():
    shifted = np.asarray(jax.jit(colours.colour_shift)(jnp.asarray(IMAGE), 6, KEY))
    np.testing.assert_array_equal(shifted[..., [0, 2]], IMAGE[..., [0, 2]])

    def stretched(x):
        return (x - x.min()) / (x.max() - x.min())

    grey = IMAGE.astype(float) @ [0.2989, 0.5870, 0.1140]
    down, right = np.gradient(grey)
    edges = ndimage.gaussian_filter(np.hypot(down, right), 4, mode="nearest", radius=8)
    mask = stretched(np.maximum(stretched(edges), 0.1))
    # The 56th sample from below and the 5544th of 5600
    ranked = np.sort(mask.ravel())
    mask = stretched(np.clip(mask, ranked[56], ranked[5543]))
    gaps = {}
    for down in range(7):
        for right in range(7):
            if abs(math.hypot(down, right) - 6) > 0.8:
                continue
            padded = np.pad(IMAGE[..., 1], 8, mode="edge")
            moved = np.roll(padded, (down, right), (0, 1))[8:-8, 8:-8]
            want = moved * mask + IMAGE[..., 1] * (1 - mask)
            gaps[down, right] = np.abs(want - shifted[..., 1]).max()
    assert sorted(gaps.values())[0] < 2e-5 < sorted(gaps.values())[1]


def test_tone_curves():
    ramp = np.linspace(0, 1, 101)
    x = jnp.asarray(ramp, jnp.float32)[:, None, None]
    parabola = np.polyval(np.polyfit([0, 0.5, 1], [0, 0.3, 1], 2), ramp)
    _close(tones.darken(x, 0.4)[:, 0, 0], parabola.clip(0, 1))
    points = [0, 0.3, 0.5, 0.7, 1], [0, 0.175, 0.5, 0.825, 1]
    spline = interpolate.make_interp_spline(*points, k=3)  # ends not a knot
    _close(tones.s_curve(x, 0.3)[:, 0, 0], spline(ramp).clip(0, 1))
    _close(tones.s_curve(x, -0.2)[:, 0, 0], ramp)
    # The same parabola, turned by 180 degrees
    _close(tones.brighten(x, 0.4)[::-1, 0, 0], 1 - parabola)


def test_brighten_colour():
    def curve(v):
        return np.polyval(np.polyfit([0, 0.5, 1], [0, 0.7, 1], 2), v).clip(0, 1)

    lab = color.rgb2lab(IMAGE.astype(float))
    lab[..., 0] = 100 * curve(lab[..., 0] / 100)
    want = (2 * curve(IMAGE) + color.lab2rgb(lab)) / 3
    _close(tones.brighten(jnp.asarray(IMAGE), 0.4), want, 1e-3)


def test_sharpen():
    lab = color.rgb2lab(MUTED.astype(float))
    blurred = ndimage.gaussian_filter(lab[..., 0], 3, mode="nearest", radius=6)
    lab[..., 0] += 2 * (lab[..., 0] - blurred)
    sharp = blurs.unsharp_masking(jnp.asarray(MUTED), 2)
    _close(sharp, color.lab2rgb(lab), 5e-4)
    grey = IMAGE[..., :1]
    blurred = ndimage.gaussian_filter(grey, 3, mode="nearest", radius=(6, 6, 0))
    sharp = np.clip(grey + 2 * (grey - blurred), 0, 1)
    _close(blurs.unsharp_masking(jnp.asarray(grey), 2), sharp)


def test_noises():
    half = jnp.full((300, 310, 3), 0.5)
    white = np.asarray(noises.clipped_gaussian_noise(half, 0.003, KEY)) - 0.5
    assert white.mean() == pytest.approx(0, abs=5e-4)
    assert white.var() == pytest.approx(0.003, rel=0.02)
    # Normal: half of it within 0.6745 deviations
    assert np.median(np.abs(white)) == pytest.approx(0.6745 * 0.003**0.5, rel=0.02)
    speckle = np.asarray(noises.uniform_speckle(half, 0.05, KEY)) - 0.5
    assert speckle.var() == pytest.approx(0.05 / 4, rel=0.02)
    # Uniform: nothing beyond the square root of 3 deviations
    assert np.abs(speckle).max() == pytest.approx((3 * 0.05 / 4) ** 0.5, rel=1e-3)
    salted = np.asarray(noises.clipped_salt_and_pepper(half, 0.03, KEY))
    assert set(np.unique(salted)) == {0, 0.5, 1}
    assert (salted == 0).mean() == pytest.approx(0.015, rel=0.05)
    assert (salted == 1).mean() == pytest.approx(0.015, rel=0.05)
    assert (salted.min(-1) == salted.max(-1)).mean() < 0.93  # channels apart
    tinted = color.rgb2ycbcr(np.asarray(noises.clipped_ycbcr_noise(half, 0.001, KEY)))
    np.testing.assert_allclose(tinted.var((0, 1)) / 255**2, 0.001, rtol=0.03)


def test_denoiser():
    noisy = IMAGE[:11, :13, :1] + 0.1 * np.asarray(
        jax.random.normal(KEY, (11, 13, 1)), np.float32
    )
    padded = np.pad(noisy[..., 0].astype(float), 7, mode="edge")
    total = np.zeros_like(padded)
    cosines = np.asarray(fft.dct(np.eye(8), axis=0, norm="ortho"))
    for i in range(padded.shape[0] - 7):
        for j in range(padded.shape[1] - 7):
            found = cosines @ padded[i : i + 8, j : j + 8] @ cosines.T
            kept = np.abs(found) >= 0.3
            kept[0, 0] = True
            total[i : i + 8, j : j + 8] += cosines.T @ (found * kept) @ cosines
    _close(dct_threshold(jnp.asarray(noisy), 0.1)[..., 0], total[7:-7, 7:-7] / 64, 1e-5)
    _close(dct_threshold(jnp.asarray(noisy), 0.0), noisy, 1e-5)


def test_jitter():
    image = jnp.asarray(IMAGE)
    _close(local.jitter(image, 0.0, KEY), IMAGE)
    # Cubic convolution reproduces parabolas: the move itself comes out.
    row, column = np.mgrid[:60.0, :60.0]
    planes = jnp.asarray(np.stack([row, column, row**2 / 60], -1), jnp.float32)
    moved = np.asarray(local.jitter(planes, 0.5, KEY, times=1), float)
    down, right = row - moved[..., 0], column - moved[..., 1]
    inner = (slice(6, -6),) * 2
    assert np.std(down[inner]) == pytest.approx(0.5, rel=0.05)
    assert np.std(right[inner]) == pytest.approx(0.5, rel=0.05)
    np.testing.assert_allclose(
        moved[inner][..., 2], ((row - down) ** 2 / 60)[inner], atol=1e-4
    )
    assert moved[..., 0].min() > -0.1  # the border repeats


def test_patches_and_blocks():
    image = jnp.asarray(IMAGE)
    colours_of = {tuple(c) for c in IMAGE.reshape(-1, 3)}
    copied = jax.jit(local.copied_patches)
    patched = np.asarray(copied(image, 3, KEY))
    assert {tuple(c) for c in patched.reshape(-1, 3)} <= colours_of
    changed = (patched != IMAGE).any(-1)
    assert 16 * 8 < changed.sum() <= 3 * 16 * 16
    # One copy: its content is found at most 8 pixels away.
    one = np.asarray(copied(image, 1, KEY))
    rows, columns = np.nonzero((one != IMAGE).any(-1))
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    assert bottom - top < 16 and right - left < 16
    found = [
        (dy, dx)
        for dy in range(-8, 9)
        for dx in range(-8, 9)
        if np.array_equal(
            one[top : bottom + 1, left : right + 1],
            IMAGE[top + dy : bottom + 1 + dy, left + dx : right + 1 + dx],
        )
    ]
    assert found
    blocks = np.asarray(local.random_colour_blocks(image, 1, KEY))
    covered = (blocks != IMAGE).any(-1)
    assert 31 * 31 <= covered.sum() <= 32 * 32
    assert len(np.unique(blocks[covered], axis=0)) == 1


@pytest.mark.parametrize("strength", [0.01, 0.2, 0.5])
def test_pixelate(strength):
    scale = 0.95 - strength**0.6
    # At a power of two no place falls between two pixels.
    side, small = 64, math.ceil(scale * 64)
    picture = Image.fromarray(
        np.pad(PIXELS[:side, :side], ((0, 8), (0, 8), (0, 0)), mode="edge")
    )
    nearest, box = Image.Resampling.NEAREST, (0, 0, small / scale, small / scale)
    picture = picture.resize((small, small), nearest, box)
    want = np.asarray(picture.resize((side, side), nearest)) / 255
    got = local.pixelate(jnp.asarray(IMAGE[:side, :side]), strength)
    _close(got, want)


def test_otsu():
    @jax.jit
    def thresholds(x, count):
        return otsu_thresholds(to_levels(x), count, most=4, spread=False)

    for count in (1, 2, 3):
        got = np.asarray(thresholds(jnp.asarray(IMAGE[..., 0]), count))
        want = threshold_multiotsu(PIXELS[..., 0], classes=count + 1, nbins=256)
        assert got[:count].tolist() == want.tolist()
        assert set(got[count:]) == {np.inf}


def test_quantization():
    @jax.jit
    def thresholds(x, count):
        return otsu_thresholds(to_levels(x), count, most=MATLAB_MOST, spread=False)

    quantised = jax.jit(quantise_unrounded)
    for count in (7, 20):
        levels = np.asarray(thresholds(jnp.asarray(IMAGE), count))[:count]
        values = np.array([0, *levels[1:], 255]) / 255
        want = values[np.digitize(PIXELS, levels, right=True)]
        _close(quantised(jnp.asarray(IMAGE), count), want)
    with pytest.raises(ValueError, match=r"count: expected 1 to 20 .*, got 21"):
        quantise_unrounded(jnp.asarray(IMAGE), 21)
    with pytest.raises(ValueError, match=r"most: .*, got 256"):
        otsu_thresholds(jnp.asarray(PIXELS, jnp.float32), 7, most=256)


def test_palette():
    # Six colours, each in a cell of its own
    few = np.array([[8 * i + 3, 40 * i, 255 - 30 * i] for i in range(6)], np.uint8)
    drawn = few[np.random.default_rng(0).integers(6, size=(40, 41))]
    palette = variance_palette(drawn, 16)
    assert sorted(map(tuple, palette)) == sorted(map(tuple, few.astype(float)))
    image = drawn / np.float32(255)
    np.testing.assert_allclose(dithered_mean_colours(image, 6), image, atol=1e-6)
    assert len(np.unique(dithered_mean_colours(IMAGE, 16).reshape(-1, 3), axis=0)) <= 16
    with pytest.raises(ValueError, match="colours: expected 1 to 256, got 257"):
        dithered_mean_colours(IMAGE, 257)

    def error(colours_):
        gaps = PIXELS.reshape(-1, 1, 3) - np.asarray(colours_, float)[None]
        return (gaps**2).sum(-1).min(1).mean()

    median = Image.fromarray(PIXELS).quantize(16, Image.Quantize.MEDIANCUT)
    peer = np.reshape(median.getpalette() or [], (-1, 3))[:16]
    assert error(variance_palette(PIXELS, 16)) < error(peer)


def test_codecs():
    coded = imagecodecs.jpeg_encode(PIXELS, level=24, subsampling="420")
    want = imagecodecs.jpeg_decode(coded) / np.float32(255)
    np.testing.assert_allclose(codecs.jpeg(IMAGE, 24), want, atol=1.5 / 255)
    whole = data.astronaut()[:256, :256]
    file = io.BytesIO()
    Image.fromarray(whole).save(
        file,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[32],
        irreversible=True,
        num_resolutions=5,
    )
    assert len(file.getvalue()) == pytest.approx(whole.size / 32, rel=0.05)
    want = imagecodecs.jpeg2k_decode(file.getvalue()) / 255
    np.testing.assert_allclose(
        codecs.jpeg2000_at_ratio(whole / 255, 32), want, atol=1.5 / 255
    )

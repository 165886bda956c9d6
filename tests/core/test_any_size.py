"""``jiqa.load(..., sizes="any")``, lists of images and ``jiqa.pad``."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.core.any_size import LADDER, smallest_bucket

_SIZES = ((40, 71), (64, 64), (90, 33), (33, 120))


@pytest.fixture
def pairs(rng):
    """References and distorted images, each pair of another size."""
    references = [rng.random((*size, 3)).astype(np.float32) for size in _SIZES]
    noise = [rng.normal(0, 0.1, x.shape).astype(np.float32) for x in references]
    distorted = [np.clip(x + n, 0, 1) for x, n in zip(references, noise, strict=True)]
    return references, distorted


def _exact(name, references, distorted):
    metric = jiqa.load(name)
    return [float(metric(x, y)) for x, y in zip(references, distorted, strict=True)]


def test_a_list_of_sizes_is_scored_in_one_call(pairs):
    metric = jiqa.load("ssim", sizes="any")
    found = metric(*pairs)
    np.testing.assert_allclose(found, _exact("ssim", *pairs), rtol=1e-6)
    named = metric(distorted=pairs[1], reference=pairs[0])
    np.testing.assert_array_equal(found, named)
    assert metric.info.name == "ssim" and repr(metric) == (
        "jiqa.load('ssim', sizes=\"any\")"
    )


def test_arrays_keep_their_leading_dimensions(pairs):
    images = [np.stack([x[0]] * 6).reshape(2, 3, *x[0].shape) for x in pairs]
    found = jiqa.load("ssim", sizes="any")(*images)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found, _exact("ssim", *pairs)[0], rtol=1e-6)


def test_several_metrics_and_those_that_are_compiled_for_a_size(pairs):
    found = jiqa.load(["psnr", "gmsd", "wsnr"], sizes="any")(*pairs)
    for name, values in found.items():
        np.testing.assert_allclose(values, _exact(name, *pairs), rtol=1e-6)


def test_images_under_the_smallest_side_are_compiled_for_their_size(rng):
    x, y = rng.random((2, 20, 300, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        jiqa.load("ssim", sizes="any")(x, y), jiqa.load("ssim")(x, y)
    )


def test_without_a_reference(rng):
    images = [rng.random((*size, 1)).astype(np.float32) for size in _SIZES]
    found = jiqa.load("piqe", sizes="any")(images)
    want = [float(jiqa.load("piqe")(x)) for x in images]
    np.testing.assert_allclose(found, want, rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["ssim", "gmsd", "delta_e", "uqi", "fsim", "haarpsi", "mdsi", "vsi", "msvd"],
)
def test_maps_are_those_of_the_exact_program(pairs, name):
    padded = jiqa.load(name, sizes="any", output="map")
    exact = jiqa.load(name, output="map")
    fitting = [k for k, size in enumerate(_SIZES) if min(size) >= 40]
    references, distorted = ([x[k] for k in fitting] for x in pairs)
    found = padded(references, distorted)
    for k, value in enumerate(found):
        want = exact(references[k], distorted[k])
        assert value.shape == want.shape
        scale = float(jnp.abs(want).max())
        np.testing.assert_allclose(value, want, atol=2e-5 * scale)
    programs = padded._programs[0]
    assert programs._cache_size() <= 2  # of the ladder's sizes, not of the images'
    one = padded(references[0][None], distorted[0][None])
    assert one.shape == (1, *found[0].shape)


def test_a_gradient_is_that_of_the_exact_program(pairs):
    x, y = pairs[0][0], pairs[1][0]
    padded, exact = jiqa.load("ms_gmsd", sizes="any"), jiqa.load("ms_gmsd")
    found, want = (
        jax.grad(lambda d, metric=metric: metric(x, d).sum())(y)
        for metric in (padded, exact)
    )
    np.testing.assert_allclose(found, want, atol=1e-4 * float(jnp.abs(want).max()))


def test_padded_images_are_scored_inside_jit(pairs):
    metric = jiqa.load(["ssim", "psnr"], sizes="any")
    (references, extent), (distorted, _) = map(jiqa.pad, pairs)
    assert references.shape == (len(_SIZES), 96, 128, 3)
    assert [*zip(extent.rows, extent.cols, strict=True)] == list(_SIZES)
    found = jax.jit(metric.padded)(extent, references, distorted)
    for name, values in found.items():
        np.testing.assert_allclose(values, _exact(name, *pairs), rtol=1e-6)


def test_a_copy_scores_the_same(pairs):
    metric = jiqa.load("ssim", sizes="any")
    copy = pickle.loads(pickle.dumps(metric))
    np.testing.assert_array_equal(copy(*pairs), metric(*pairs))


def test_what_cannot_be_padded_is_refused(pairs, rng):
    metric = jiqa.load("ssim", sizes="any")
    references, distorted = pairs
    with pytest.raises(ValueError, match="lists of as many images, at least one"):
        metric(references, distorted[:2])
    with pytest.raises(ValueError, match="lists of as many images, at least one"):
        metric([], [])
    with pytest.raises(TypeError, match=r"expected options in jiqa\.load, got luma"):
        metric(references, distorted, luma="matlab")  # pyright: ignore
    with pytest.raises(ValueError, match="shape of the reference"):
        metric(references, distorted[::-1])
    with pytest.raises(ValueError, match="sizes: expected 'exact' or 'any'"):
        jiqa.load("ssim", sizes="some")  # pyright: ignore
    with pytest.raises(ValueError, match=r"images\[1\]: expected one image with"):
        jiqa.pad([references[0], references[0][:8]])
    with pytest.raises(ValueError, match=r"3 channels of float32, as the first"):
        jiqa.pad([references[0], references[1][..., :1]])
    with pytest.raises(ValueError, match="a sequence of images"):
        jiqa.pad([])
    arrays, extent = jiqa.pad(references)
    with pytest.raises(ValueError, match="distorted: expected padded images"):
        metric.padded(extent, arrays, arrays[:1])
    with pytest.raises(ValueError, match="a program for any size, got wsnr"):
        jiqa.load("wsnr", sizes="any").padded(extent, arrays, arrays)
    several, mixed = jiqa.pad([rng.random((64, 64, 3)), rng.random((600, 600, 3))])
    with pytest.raises(ValueError, match="decimates by one factor"):
        jiqa.load("vsi", sizes="any").padded(mixed, several, several)


def test_buckets_are_of_the_ladder_and_of_one_factor():
    for height, width in ((32, 4096), (383, 384), (385, 1000), (640, 641)):
        rows, cols, factor = smallest_bucket(height, width, decimates=True)
        assert rows in LADDER and cols in LADDER
        assert rows >= height and cols >= width
        assert factor == max(1, int(min(height, width) / 256 + 0.5))
    assert smallest_bucket(700, 700, decimates=False).factor == 1

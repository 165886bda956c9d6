"""Attacks find the known extremes of quadratic metrics, and keep their PSNR."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa import analysis
from jiqa.analysis.synthesis.constraints import at_distance
from jiqa.analysis.synthesis.scores import psnr_of
from tests.helpers.quadratic_metrics import (
    SHAPE,
    SIZE,
    around_grey,
    form,
    linear,
    quadratic,
)

GREY = np.full(SHAPE, 0.5, np.float32)


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_ends_at_the_extreme_eigenvectors_of_a_quadratic_metric(direction):
    matrix = form(0)
    metric = quadratic(matrix, direction=direction)
    found = analysis.attack(metric, GREY, psnr=30, steps=200)
    squared = SIZE * 1e-3
    values, vectors = np.linalg.eigh(matrix)
    least, most = found.found if direction == "lower" else reversed(found.found)
    for end, picture in ((0, least), (-1, most)):
        score = picture.scores["quadratic"]
        assert score == pytest.approx(squared * values[end], rel=1e-4)
        moved = (picture.image - GREY).ravel()
        assert abs(moved @ vectors[:, end]) == pytest.approx(squared**0.5, rel=1e-4)
        assert picture.psnr == pytest.approx(30, abs=1e-3)
    for course in found.courses.values():
        up = np.diff(course.scores)
        assert (up >= 0).all() or (up <= 0).all()
        assert (up[~course.taken[1:]] == 0).all()


def test_the_closest_image_is_the_closest(rng):
    centre = rng.uniform(0, 1, (6, 7, 1)).astype(np.float32)
    centre[:2] = 0
    image = centre + rng.normal(0, 0.4, centre.shape).astype(np.float32)
    closest = jax.jit(at_distance)
    found = np.asarray(closest(image, centre, jnp.float32(3)))
    assert found.min() >= 0 and found.max() <= 1
    assert np.square(found - centre).sum() == pytest.approx(3, rel=1e-5)
    # Of other images at that distance, none is closer.
    for _ in range(50):
        other = found + rng.normal(0, 0.05, centre.shape).astype(np.float32)
        other = np.asarray(closest(other, centre, jnp.float32(3)))
        gap = np.square(other - image).sum() - np.square(found - image).sum()
        assert gap > -1e-4


def test_within_a_ball_an_image_may_stay(rng):
    centre = rng.uniform(0.2, 0.8, (4, 4, 1)).astype(np.float32)
    near = centre + 0.01
    found = at_distance(
        jnp.asarray(near), jnp.asarray(centre), jnp.float32(1), within=True
    )
    np.testing.assert_allclose(found, near, atol=1e-7)


@pytest.mark.parametrize(
    "metric", ["ssim", pytest.param("ms_ssim", marks=pytest.mark.slow)]
)
def test_psnr_is_kept(metric, rng):
    smooth = rng.uniform(0, 1, (6, 6, 3)).repeat(32, 0).repeat(32, 1)
    image = np.round(255 * smooth).astype(np.uint8)
    image[:40] = 0  # where noise is cut off
    found = analysis.attack(metric, image, psnr=32, steps=12)
    best, worst = found.found
    for picture in (found.start, best, worst):
        assert picture.psnr == pytest.approx(32, abs=0.05)
        assert picture.image.min() >= 0 and picture.image.max() <= 1
        rounded = picture.pixels / 255
        assert picture.psnr_saved == pytest.approx(psnr_of(rounded, image / 255))
        again = float(getattr(jiqa.metrics, metric)(image, picture.pixels))
        assert picture.scores_saved[metric] == pytest.approx(again, abs=1e-5)
    start = found.start.scores[metric]
    assert best.scores[metric] > start + 0.005
    assert worst.scores[metric] < start - 0.05


def test_without_reference_the_image_itself_changes(rng):
    weights = rng.normal(size=SHAPE)
    image = rng.uniform(0.4, 0.6, SHAPE).astype(np.float32)
    found = analysis.attack(linear(weights), image, psnr=40, steps=40)
    assert found.start.psnr == np.inf
    np.testing.assert_array_equal(found.start.image, image)
    # As far along the gradient as the PSNR allows.
    way = weights * (SIZE * 1e-4) ** 0.5 / np.linalg.norm(weights)
    for picture, sign in zip(found.found, (1, -1), strict=True):
        np.testing.assert_allclose(picture.image, image + sign * way, atol=2e-5)
        assert picture.psnr == pytest.approx(40, abs=0.01)


def test_an_image_stays_where_it_scores_best():
    metric = around_grey()
    found = analysis.attack(metric, GREY - 0.02, psnr=20, steps=60, direction="best")
    np.testing.assert_allclose(found.found[0].image, GREY, atol=1e-3)
    assert found.found[0].psnr == pytest.approx(34, abs=0.5)


def test_a_distorted_image_is_the_start(rng):
    reference = rng.uniform(0.3, 0.7, SHAPE).astype(np.float32)
    distorted = 0.9 * reference
    metric = quadratic(form(1))
    found = analysis.attack(metric, reference, distorted, steps=3, direction="worst")
    assert found.psnr == pytest.approx(psnr_of(distorted, reference))
    np.testing.assert_allclose(found.start.image, distorted, atol=1e-6)
    assert [p.name for p in found.found] == ["worst"]
    moved = analysis.attack(metric, reference, distorted, psnr=30, steps=1)
    gone = moved.start.image - reference
    np.testing.assert_allclose(gone / gone.mean(), reference / reference.mean(), 1e-3)


@pytest.mark.parametrize(
    ("metric", "images", "given", "said"),
    [
        ("cambi", (GREY,), {}, "cambi: expected a differentiable metric, got one that"),
        ("hdrflip", (GREY,), {}, "hdrflip: expected a metric of images in"),
        ("niqe", (GREY, GREY), {}, "images: expected one image, got 2"),
        ("mse", (GREY, GREY), {}, "the distorted image equals the reference"),
        ("mse", (GREY, GREY), {"psnr": 30}, "expected an image other than the ref"),
        ("mse", (GREY,), {"psnr": -1}, "psnr: expected a number of dB above 0"),
        ("mse", (GREY,), {"psnr": 5}, "psnr: expected at least 6.02 dB from this"),
        ("mse", (GREY,), {"steps": 0}, "steps: expected more than 0, got 0"),
        ("mse", (GREY,), {"direction": "up"}, "direction: expected 'best', 'worst'"),
        ("mse", (GREY, GREY[:3]), {}, "images: expected images of one size, got 3x5 a"),
        ("ssim", (GREY,), {"options": {"output": "map"}}, "ssim"),
    ],
)
def test_what_cannot_be_attacked_is_named(metric, images, given, said):
    with pytest.raises(ValueError, match=said):
        analysis.attack(metric, *images, **given)

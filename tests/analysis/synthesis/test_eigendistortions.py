"""Eigendistortions of quadratic metrics and of features are those of their matrices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa import analysis
from jiqa.analysis.synthesis.lanczos import extremes
from tests.helpers.quadratic_metrics import SHAPE, SIZE, form, metric_of, quadratic

GREY = np.full(SHAPE, 0.5, np.float32)


def test_ends_of_a_spectrum(rng):
    matrix = form(3)
    found = extremes(lambda v: matrix @ v, rng.normal(size=SIZE), steps=100)
    values, vectors = np.linalg.eigh(matrix)
    assert found.values == pytest.approx((values[-1], values[0]))
    assert np.abs(vectors[:, [-1, 0]].T @ found.vectors.T).diagonal() == pytest.approx(
        1
    )
    assert len(found.course) <= SIZE and max(found.residuals) < 1e-6
    few = extremes(lambda v: matrix @ v, rng.normal(size=SIZE), steps=8)
    made = few.vectors @ matrix
    off = np.linalg.norm(made - np.array(few.values)[:, None] * few.vectors, axis=1)
    np.testing.assert_allclose(off, few.residuals, rtol=1e-6)
    # A start that the matrix does not leave.
    whole = extremes(lambda v: 3 * v, rng.normal(size=SIZE), steps=9)
    assert whole.values == pytest.approx((3, 3)) and len(whole.course) == 1


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_a_quadratic_metric_has_those_of_its_matrix(direction):
    matrix, sign = form(2), 1 if direction == "lower" else -1
    metric = quadratic(sign * matrix, direction=direction)
    found = analysis.eigendistortions(metric, GREY, psnr=30)
    values, vectors = np.linalg.eigh(matrix)
    assert found.values == pytest.approx((2 * values[-1], 2 * values[0]), rel=1e-4)
    assert found.agreement == pytest.approx(1, rel=1e-3)
    for end, vector, picture in zip((-1, 0), found.vectors, found.found, strict=True):
        assert abs(vector.ravel() @ vectors[:, end]) == pytest.approx(1, abs=1e-4)
        assert picture.psnr == pytest.approx(30, abs=1e-3)
        score = picture.scores["quadratic"]
        assert score == pytest.approx(found.predicted[picture.name], rel=1e-3)
        assert score == pytest.approx(sign * SIZE * 1e-3 * values[end], rel=1e-3)


def test_a_distance_of_features_has_those_of_their_jacobian(rng):
    weights = rng.normal(size=(40, SIZE))

    def features(image):
        return jnp.tanh(jnp.asarray(weights, image.dtype) @ image.reshape(-1) / 5)

    def distance(reference, distorted):
        return jnp.square(features(distorted) - features(reference)).sum()

    image = rng.uniform(0.2, 0.8, SHAPE).astype(np.float32)
    found = analysis.eigendistortions(metric_of(distance), image, psnr=50)
    jacobian = np.asarray(jax.jacobian(features)(jnp.asarray(image))).reshape(40, SIZE)
    values, vectors = np.linalg.eigh(2 * jacobian.T @ jacobian)
    assert found.values == pytest.approx((values[-1], values[0]), rel=1e-3)
    for end, vector in zip((-1, 0), found.vectors, strict=True):
        assert abs(vector.ravel() @ vectors[:, end]) == pytest.approx(1, abs=1e-3)


def test_what_has_no_second_derivative_is_named(rng):
    image = rng.uniform(0.2, 0.8, (16, 16, 1)).astype(np.float32)
    root = quadratic(form(0), "root", power=0.5)
    fourth = quadratic(form(0), "fourth", power=2)
    for metric, given, said in (
        (
            root,
            GREY,
            r"root: expected a score with .* power 1.00 of a .*a root, as rmse",
        ),
        (
            fourth,
            GREY,
            "fourth: expected a score with .*, got one that is 0",
        ),
        ("rmse", image, "rmse: expected a score with .* power 1.00 of a distortion"),
        (
            "psnr",
            image,
            "psnr: expected a score with .*, got inf for equal images and ",
        ),
        ("gmsd", image, "gmsd: expected a score with .*, got one that is 0"),
        ("niqe", image, "niqe: expected a metric with a reference, got one without"),
        ("cambi", image, "cambi: expected a differentiable metric"),
    ):
        with pytest.raises(ValueError, match=said):
            analysis.eigendistortions(metric, given)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["ssim", "ms_ssim"])
def test_metrics_notice_the_one_more_than_the_other(metric, rng):
    image = rng.uniform(0.1, 0.9, (6, 6, 1)).repeat(32, 0).repeat(32, 1)
    found = analysis.eigendistortions(metric, image, psnr=40, steps=30)
    most, least = found.found
    assert found.values[0] > 20 * abs(found.values[1])
    assert found.agreement == pytest.approx(1, abs=0.1)
    assert most.scores[metric] < least.scores[metric] <= 1.0001
    for made in found.found:
        assert made.psnr == pytest.approx(40, abs=0.05)

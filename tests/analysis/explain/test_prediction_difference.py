"""Prediction difference: its samplers, its arithmetic, and a planted detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.analysis.explain.patch_samplers import ConditionalSampler, MarginalSampler
from jiqa.analysis.explain.prediction_difference import prediction_difference
from jiqa.analysis.explain.targets import of_maps, of_score
from jiqa.cli import main
from jiqa.io.decode import read_image
from jiqa.nn import NETWORKS
from jiqa.weights import load as load_weights
from tests.helpers.analysis_data import pictures
from tests.helpers.planted_networks import BLUE, RED, Planted, planted_params

SQUARE = slice(14, 24), slice(26, 36)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Grey clutter with a red square."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0.3, 0.7, (12, 12, 1)).repeat(4, 0).repeat(4, 1)
    image = (coarse + rng.normal(0, 0.02, (48, 48, 3))).astype(np.float32)
    image[SQUARE] = (0.9, 0.1, 0.1)
    return np.clip(image, 0, 1)


@pytest.fixture(scope="module")
def others() -> list[np.ndarray]:
    return [(x / 255).astype(np.float32) for x in pictures(48)]


@pytest.mark.parametrize("kind", [ConditionalSampler, MarginalSampler])
def test_points_at_the_planted_detector(kind, scene, others):
    grey = [x.mean(-1, keepdims=True).repeat(3, -1) for x in others]
    sampler = kind(grey, 12)
    target = of_maps(Planted(), planted_params(), [("relu", RED), ("relu", BLUE)])
    steps = []
    found = prediction_difference(
        target,
        scene,
        sampler,
        stride=4,
        samples=4,
        on_progress=lambda *step: steps.append(step),
    )
    assert found.values.shape == (48, 48, 2) and found.windows == 10 * 10
    assert steps[-1] == (100, 100) and len(steps) == 10
    red = found.values[..., 0]
    inside = red[SQUARE]
    outside = (red.sum() - inside.sum()) / (red.size - inside.size)
    assert inside.min() > 0 and inside.mean() > 2.5 * outside
    peak = np.unravel_index(red.argmax(), red.shape)
    assert all(s.start <= p < s.stop for s, p in zip(SQUARE, peak, strict=True))
    assert np.abs(found.values[..., 1]).max() < 0.2 * red.max()
    assert found.of_image[0] > 0 and found.of_image[1] == 0


class _Fixed:
    """Puts a constant in, so that everything follows by hand."""

    window = 2

    def sample(self, image, row, column, samples, rng):
        return np.full((samples, 2, 2, image.shape[-1]), 0.25, image.dtype)


def test_is_the_mean_over_the_windows_of_a_pixel():
    image = np.zeros((4, 4, 1), np.float32)
    image[1, 1] = 1
    found = prediction_difference(
        lambda x: x.sum((1, 2)), image, _Fixed(), samples=3, batch=6
    )
    fall = np.full((3, 3), -1.0)
    fall[:2, :2] = 0.0  # these windows hold the one
    expected, count = np.zeros((2, 4, 4))
    for row in range(3):
        for column in range(3):
            expected[row : row + 2, column : column + 2] += fall[row, column]
            count[row : row + 2, column : column + 2] += 1
    np.testing.assert_allclose(found.values[..., 0], expected / count, atol=1e-6)
    assert (
        prediction_difference(
            lambda x: x.sum((1, 2)), image, _Fixed(), stride=2
        ).windows
        == 4
    )


def test_log_odds_of_corrected_probabilities():
    image = np.zeros((2, 2, 1), np.float32)
    image[0, 0] = 0.5
    found = prediction_difference(
        lambda x: x.max((1, 2)), image, _Fixed(), compare="log_odds"
    )
    p, q = ((v * 1e5 + 1) / (1e5 + 1000) for v in (0.5, 0.25))
    expected = np.log2(p / (1 - p)) - np.log2(q / (1 - q))
    np.testing.assert_allclose(found.values[..., 0], expected, rtol=1e-6)


def test_samples_fit_their_surroundings(others):
    """The mean of the samples is the least squares guess, far better than the mean."""
    sampler = ConditionalSampler(others, 4, padding=3, patches=6000)
    rng, image = np.random.default_rng(3), others[2]
    errors, spreads = [], []
    for row, column in rng.integers(0, 45, (40, 2)):
        drawn = sampler.sample(image, row, column, 200, rng)
        assert drawn.shape == (200, 4, 4, 3) and drawn.min() >= 0 and drawn.max() <= 1
        true = image[row : row + 4, column : column + 4]
        errors.append(np.square(drawn.mean(0) - true).mean())
        spreads.append(drawn.var(0).mean())
    assert np.mean(errors) < 0.35 * image.var()
    assert 0 < np.mean(spreads) < 0.5 * image.var()


def test_gaussians_given_what_is_around():
    """Of a Gaussian that is known, the conditional moments are those of theory."""
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(0.5, 0.1, (200, 200, 1)), 0, 1)
    image = ((image + np.roll(image, 1, 1)) / 2).repeat(3, -1)
    sampler = ConditionalSampler([image], 1, padding=1, patches=20000)
    drawn = sampler.sample(image, 50, 50, 4000, rng)[:, 0, 0, 0]
    # A moving average of two.
    around = image[50, 49, 0] + image[50, 51, 0] - 1
    covariance = 0.005 * np.array([[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]])
    gain = np.linalg.solve(covariance[np.ix_([0, 2], [0, 2])], covariance[[0, 2], 1])
    np.testing.assert_allclose(drawn.mean(), 0.5 + gain[0] * around, atol=0.01)
    variance = covariance[1, 1] - gain @ covariance[[0, 2], 1]
    np.testing.assert_allclose(drawn.var(), variance, rtol=0.1)


def test_scores_are_targets(scene, others):
    reference, image = scene.copy(), scene.copy()
    reference[SQUARE] = image[SQUARE] = 0.5
    image[SQUARE] = 1.0
    found = prediction_difference(
        of_score(jiqa.load("mse"), reference),
        image,
        MarginalSampler([reference], 8),
        stride=4,
        samples=2,
    )
    harm = found.values[..., 0]
    inside = harm[SQUARE].mean()
    harm[SQUARE] = 0
    assert inside > 2.5 * np.abs(harm).mean()
    images = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    blind = of_score(jiqa.load("brisque"))(images)
    assert blind.shape == (2, 1)


def test_what_does_not_fit_is_named(others):
    with pytest.raises(ValueError, match="none of 4"):
        ConditionalSampler(others, 60)
    sampler = MarginalSampler(others, 6)
    target = of_maps(Planted(), planted_params(), [("relu", 0)])
    with pytest.raises(ValueError, match="no smaller than the window"):
        prediction_difference(target, np.zeros((4, 9, 3), np.float32), sampler)
    with pytest.raises(
        ValueError, match=r"image: expected floating point .*, got dtype uint8"
    ):
        prediction_difference(target, np.zeros((9, 9, 3), np.uint8), sampler)
    with pytest.raises(ValueError, match="at least 12 pixels per side"):
        small = np.zeros((11, 40, 3), np.float32)
        ConditionalSampler(others, 8).sample(small, 0, 0, 1, np.random.default_rng(0))


def test_the_command_writes_overlays(tmp_path, capsys):
    path = tmp_path / "photo.png"
    Image.fromarray(pictures(64)[0]).save(path)
    words = ["analyse", "prediction-difference", str(path), "--no-cache"]
    quick = ["--stride", "16", "--samples", "2", "--patches", "500"]
    output = tmp_path / "out"
    maps = ["--map", "conv1:17", "conv1:3", "--unit", "4,5"]
    assert main([*words, *maps, *quick, "-o", str(output)]) == 0
    held = np.load(output / "values.npz")
    assert held["values"].shape == (64, 64, 2)
    assert held["names"].tolist() == ["conv1:17", "conv1:3"]
    x = NETWORKS["alexnet"]
    params = load_weights("alexnet").params
    unit: Any = read_image(path)[None] / np.float32(255)
    own = x.apply(params, x.preprocess(unit.astype(np.float32)), ["conv1"])["conv1"]
    np.testing.assert_allclose(held["of_image"], own[0, 4, 5, [17, 3]], rtol=1e-4)
    assert read_image(output / "conv1-17.png").shape == (64, 64, 3)
    score = ["--metric", "ssim", "--reference", str(path), "--sampler", "marginal"]
    assert main([*words, *score, *quick, "-o", str(tmp_path / "score")]) == 0
    assert (tmp_path / "score" / "ssim.png").is_file()
    for wrong in (["--metric", "ssim"], ["--map", "conv1"], [], ["--map", "conv9:1"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *wrong, "-o", str(output)])
        assert ended.value.code == 2

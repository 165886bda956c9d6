"""Competitions of quadratic metrics end where the generalised eigenvectors are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from jiqa import analysis
from tests.helpers.quadratic_metrics import SHAPE, form, quadratic

GREY = np.full(SHAPE, 0.5, np.float32)


def test_ends_at_the_generalised_eigenvectors_of_quadratic_metrics():
    forms = {"one": form(0), "other": form(1)}
    one, other = (quadratic(matrix, name) for name, matrix in forms.items())
    found = analysis.compete(one, other, GREY, psnr=30, steps=300)
    assert found.metrics == ("one", "other")
    for picture in found.found:
        driven, held = found.moved[picture.name], found.held[picture.name]
        level = found.start.scores[held]
        assert picture.scores[held] == pytest.approx(level, rel=1e-3)
        ratios, vectors = scipy.linalg.eigh(forms[driven], forms[held])
        end = 0 if picture.name.startswith("best") else -1  # lower is better
        wanted = ratios[end] * picture.scores[held]
        assert picture.scores[driven] == pytest.approx(wanted, rel=1e-3)
        moved, vector = (picture.image - GREY).ravel(), vectors[:, end]
        alike = moved @ vector / np.linalg.norm(moved) / np.linalg.norm(vector)
        assert abs(alike) == pytest.approx(1, abs=1e-3)
        course = found.courses[picture.name]
        np.testing.assert_allclose(course.held, level, rtol=1e-3)
        up = np.diff(course.scores)
        assert (up >= 0).all() or (up <= 0).all()


@pytest.mark.slow
def test_the_score_that_is_held_is_held(rng):
    image = rng.uniform(0, 1, (4, 4, 3)).repeat(16, 0).repeat(16, 1)
    image[:20] = 0  # where noise is cut off
    found = analysis.compete("mse", "ssim", image, steps=10)
    start = found.start.scores
    for picture in found.found:
        held, driven = found.held[picture.name], found.moved[picture.name]
        allowed = 2e-3 * abs(start[held] - (1 if held == "ssim" else 0))
        assert abs(picture.scores[held] - start[held]) <= allowed
        assert picture.image.min() >= 0 and picture.image.max() <= 1
        rose = picture.scores[driven] > start[driven]
        assert rose == (picture.name in ("best-ssim", "worst-mse"))
    # Where MSE is held, so is the PSNR.
    assert found.found[0].psnr == pytest.approx(30, abs=0.05)


def test_wrong_usage_is_named():
    metric = quadratic(form(0))
    with pytest.raises(ValueError, match="second: expected another metric, got quadr"):
        analysis.compete(metric, metric, GREY)
    with pytest.raises(ValueError, match="cambi: expected a differentiable metric"):
        analysis.compete(metric, "cambi", GREY)
    with pytest.raises(ValueError, match="images: expected a reference, or a refer"):
        analysis.compete(metric, "mse", GREY, GREY, GREY)
    with pytest.raises(ValueError, match="tolerance: expected more than 0, got 0"):
        analysis.compete(metric, "mse", GREY, tolerance=0)

"""The logistic by variable projection, against SciPy's least squares."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.evaluation.statistics.logistic_fit import (
    estimated,
    fit_logistics,
    standardised,
)
from jiqa.evaluation.statistics.logistic_newton import _explained
from tests.helpers.logistic_peers import (
    logistic,
    noisy,
    plain_correlation,
    saturating,
    steepness_limit,
    tid2013,
)


def columns(rng, size=120):
    """Scores of several shapes beside subjective ones: skewed, bent, stretched."""
    y = rng.normal(size=size)
    noise = rng.normal(size=(6, size))
    clean = y + 0.4 * noise
    x = np.stack(
        [
            np.tanh(clean[0]),
            1 - np.exp(-clean[1]),
            np.exp(0.7 * clean[2]),
            clean[3] ** 3,
            -np.tanh(2 * clean[4] + 1),
            noise[5],
        ]
    )
    return x * np.array([1e-3, 1, 50, 1, 1, 1])[:, None] + 7, y


def test_as_good_as_plain_fits(rng):
    x, y = columns(rng)
    fits = fit_logistics(x, y)
    for row, found in zip(x, fits.correlation, strict=True):
        assert found >= plain_correlation(row, y) - 1e-6
    for mapped, found in zip(
        logistic(x, fits.parameters), fits.correlation, strict=True
    ):
        assert np.corrcoef(mapped, y)[0, 1] == pytest.approx(found, abs=1e-7)
        assert mapped.mean() == pytest.approx(y.mean(), abs=1e-5)


def test_finds_the_curve_that_scores_lie_on(rng):
    x = rng.uniform(0, 100, (3, 80))
    truth = np.array([30.0, 0.12, 45.0, -0.05, 50.0])
    for row in x:
        fits = fit_logistics(row, logistic(row, truth))
        assert fits.correlation == pytest.approx(1, abs=1e-9)
        np.testing.assert_allclose(fits.parameters, truth, rtol=1e-3)


@pytest.mark.parametrize("bent", [np.exp, lambda z: z**2, lambda z: z**3 + z])
def test_reaches_the_limits_of_the_logistic(rng, bent):
    """Exponentials, parabolas and cubics: no finite parameters are the best."""
    z = rng.normal(size=150)
    assert fit_logistics(z, bent(z)).correlation == pytest.approx(1, abs=1e-5)


def _distortion(number):
    values, mos = tid2013(number)
    return {f"{number}-{name}": (x, mos) for name, x in values.items()}


SETS = {
    **_distortion(8),
    **_distortion(16),
    **{f"saturating-{i}": xy for i, xy in enumerate(saturating(12))},
    **{f"noisy-{i}": xy for i, xy in enumerate(noisy(8))},
}


@pytest.mark.parametrize("name", SETS)
def test_equals_least_squares_from_many_starts(name):
    """Blur and a mean shift of TID2013, and made-up metrics, within the limits."""
    x, y = SETS[name]
    found = float(fit_logistics(x, y).correlation)
    plain = plain_correlation(x, y, random_starts=30)
    assert plain - 1e-5 <= found <= plain + 1e-3


@pytest.mark.parametrize("metric", ["SSIM", "FSIMc", "VIFP"])
def test_no_limit_is_felt_on_a_whole_data_set(metric):
    """Neither this one's nor, a thousand times as wide, plain least squares'."""
    values, mos = tid2013()
    found = float(fit_logistics(values[metric], mos).correlation)
    plain = plain_correlation(values[metric], mos, 7500.0)
    assert found == pytest.approx(plain, abs=1e-5)


def test_a_step_between_neighbours_is_no_fit(rng):
    """Without a limit noise is explained by steps; with it, hardly."""
    x, y = rng.normal(size=(2, 60))
    free, held = (
        float(fit_logistics(x, y, steepest=k).correlation) for k in (1e3, 7.5)
    )
    assert held < free - 0.02


def test_units_do_not_matter_where_scores_lie_close():
    """A long tail: most scores are within hundredths of a standard deviation."""
    for x, y in saturating(4)[1::2]:
        plain = fit_logistics(x, y)
        moved = fit_logistics(-1e3 * x + 5, y)
        assert moved.correlation == pytest.approx(plain.correlation, abs=1e-9)
        assert plain.ended and moved.ended


def test_a_line_is_never_beaten_by_nothing(rng):
    x, y = columns(rng)
    linear = [abs(np.corrcoef(row, y)[0, 1]) for row in x]
    assert (fit_logistics(x, y).correlation >= np.array(linear) - 1e-12).all()
    assert fit_logistics(y, y).correlation == pytest.approx(1, abs=1e-12)


def test_limit_of_steepness(rng):
    x = rng.normal(size=100)
    y = np.where(x > 0.1, 1.0, 0.0) + 0.01 * rng.normal(size=100)
    gentle, steep = (fit_logistics(x, y, steepest=k) for k in (2.0, 15.0))
    assert gentle.correlation < steep.correlation
    limit = steepness_limit((x - x.mean()) / x.std(), 2.0)
    assert abs(gentle.parameters[1]) * x.std() / 2 == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize("tilted", [True, False])
def test_derivatives_against_differences(rng, tilted):
    z = rng.normal(size=(2, 60))
    z = (z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True)
    y = standardised(rng.normal(size=60))
    rest = y - tilted * (z @ y / 60)[:, None] * z
    place = np.array([[0.4, 0.3], [-0.5, -1.2]])
    _, slope, bend = _explained(z, rest, place, tilted)
    k, e = np.exp(place[:, 0]), 1e-5
    for axis, unit in ((0, 1.0), (1, 1 / k)):
        up, down = place.copy(), place.copy()
        up[:, axis] += e * unit
        down[:, axis] -= e * unit
        (high, above, _), (low, below, _) = (
            _explained(z, rest, p, tilted) for p in (up, down)
        )
        np.testing.assert_allclose((high - low) / (2 * e), slope[:, axis], atol=1e-8)
        if axis == 1:  # the gradient in c is in units of 1 / k, which stays
            np.testing.assert_allclose(
                (above - below) / (2 * e), bend[:, 1:], atol=1e-8
            )


def test_estimates_are_near(rng):
    x, y = columns(rng, 400)
    z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    near = estimated(z, standardised(y))
    np.testing.assert_allclose(near, fit_logistics(x, y).correlation, atol=0.02)


def test_constant_and_broken_columns_have_no_fit(rng):
    x, y = columns(rng)
    x[1], x[2, 5] = 3.0, np.nan
    fits = fit_logistics(x.reshape(2, 3, -1), y)
    assert fits.parameters.shape == (2, 3, 5)
    lost = np.isnan(fits.correlation)
    np.testing.assert_array_equal(lost, [[False, True, True], [False, False, False]])
    assert np.isnan(fits.parameters[lost]).all()


def test_refuses_what_cannot_be_fitted(rng):
    with pytest.raises(ValueError, match="six or more"):
        fit_logistics(rng.normal(size=5), rng.normal(size=5))
    with pytest.raises(ValueError, match="all equal"):
        fit_logistics(rng.normal(size=9), np.ones(9))

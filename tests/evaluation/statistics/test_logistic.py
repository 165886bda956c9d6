"""The curve from a metric's values to scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit

from jiqa.evaluation.statistics.logistic import (
    FitError,
    fit_logistic,
    monotonic_beside,
)


def _four(x, b1, b2, b3, b4):
    return (b1 - b2) / (1 + np.exp(-(x - b3) / b4)) + b2


def _five(x, b1, b2, b3, b4, b5):
    return b1 * (0.5 - 1 / (1 + np.exp(b2 * (x - b3)))) + b4 * x + b5


@pytest.mark.parametrize(
    ("curve", "truth"),
    [
        (_four, (8.0, 1.0, 30.0, 4.0)),
        (_four, (90.0, 10.0, 0.9, 0.02)),
        (_four, (1.0, 8.0, 30.0, 4.0)),
        (_five, (6.0, 0.3, 28.0, 0.05, 2.0)),
        (_five, (-70.0, 25.0, 0.8, -30.0, 60.0)),
    ],
    ids=["psnr-like", "ssim-like", "falling", "five", "five-falling"],
)
def test_a_curve_is_found_again(rng, curve, truth):
    spread = abs(truth[3]) if curve is _four else 1 / truth[1]
    x = truth[2] + 3 * spread * rng.uniform(-1, 1, 300)
    y = curve(x, *truth)
    fit = fit_logistic(x, y, mapping=4 if curve is _four else 5)
    assert fit.parameters == pytest.approx(truth, rel=1e-3)
    assert fit(x) == pytest.approx(y, abs=1e-4 * np.ptp(y))
    assert fit.plcc == pytest.approx(1, abs=1e-8) and fit.converged
    assert fit.course == ("rising" if y[np.argmax(x)] > y[np.argmin(x)] else "falling")


@pytest.mark.parametrize("mapping", [4, 5])
def test_no_worse_than_scipys_own_fit_from_the_published_start(rng, mapping):
    """The starts in use: DBCNN's for five parameters, pyiqa's for four."""
    x = rng.gamma(3, 2, 400)
    y = 9 * expit((x - 6) / 2) + rng.normal(0, 0.8, 400)
    model = _four if mapping == 4 else _five
    start = (
        (y.max(), y.min(), x.mean(), x.std() / 4)
        if mapping == 4
        else (10, 0.1, x.mean(), 0.1, 0.1)
    )
    theirs, _ = optimize.curve_fit(model, x, y, p0=start, maxfev=20000)
    fit = fit_logistic(x, y, mapping=mapping)
    peer = np.sqrt(np.mean((model(x, *theirs) - y) ** 2))
    assert fit.rmse <= peer * (1 + 1e-6)
    assert fit.rmse == pytest.approx(np.sqrt(np.mean((fit(x) - y) ** 2)))
    assert fit(x) == pytest.approx(model(x, *fit.parameters))


@pytest.mark.parametrize("mapping", [4, 5])
def test_units_and_offsets_do_not_matter(rng, mapping):
    x = rng.normal(size=200)
    y = np.tanh(x) + rng.normal(0, 0.2, 200)
    plain = fit_logistic(x, y, mapping=mapping)
    moved = fit_logistic(1e-4 * x + 3, 100 * y - 700, mapping=mapping)
    assert moved.rmse == pytest.approx(100 * plain.rmse, rel=1e-5)
    assert moved.plcc == pytest.approx(plain.plcc, rel=1e-6)


@pytest.mark.parametrize("mapping", [4, 5])
def test_jacobian_by_differences(rng, mapping):
    x = rng.uniform(20, 40, 50)
    y = _four(x, 8, 1, 30, 3) + rng.normal(0, 0.3, 50)
    fit = fit_logistic(x, y, mapping=mapping)
    model = _four if mapping == 4 else _five
    exact = fit.jacobian(x)
    for number, value in enumerate(fit.parameters):
        step = 1e-6 * max(1, abs(value))
        up, down = (list(fit.parameters) for _ in range(2))
        up[number] += step
        down[number] -= step
        slope = (model(x, *up) - model(x, *down)) / (2 * step)
        assert exact[:, number] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_same_data_give_the_same_curve_in_any_order(rng):
    x = rng.normal(size=500)
    y = x**3 + rng.normal(size=500)
    order = rng.permutation(500)
    first, second = fit_logistic(x, y), fit_logistic(x[order], y[order])
    assert fit_logistic(x, y) == first
    assert second.rmse == pytest.approx(first.rmse, rel=1e-6)


def test_a_step_stays_finite(rng):
    """The best curve is a step: slopes without bound fit no better and no worse."""
    x = np.concatenate([rng.uniform(0, 1, 40), rng.uniform(2, 3, 40)])
    y = (x > 1.5) * 5 + rng.normal(0, 0.1, 80)
    for mapping in (4, 5):
        fit = fit_logistic(x, y, mapping=mapping)
        assert np.isfinite(fit.parameters).all() and fit.converged
        assert fit.plcc and fit.plcc > 0.999


def test_a_bend_is_said(rng):
    x = np.linspace(-3, 3, 100)
    fit = fit_logistic(x, x**2 + rng.normal(0, 0.1, 100))
    assert fit.course == "bent"
    assert fit_logistic(x, x**2, mapping=4).course != "bent"


def test_a_monotonic_curve_is_offered_beside_one_that_turns_round(rng):
    x = np.linspace(0, 10, 80)
    y = 20 - (x - 6.5) ** 2 / 4 + rng.normal(0, 0.2, 80)
    fit = fit_logistic(x, y)
    beside = monotonic_beside(fit, x, y)
    assert fit.course == "bent" and beside is not None
    assert beside == fit_logistic(x, y, mapping=4)
    assert (np.diff(beside(x)) > 0).all()
    assert beside.plcc is not None and fit.plcc is not None
    assert 0.5 < beside.plcc < fit.plcc
    assert monotonic_beside(fit_logistic(x, x + y / 9), x, x + y / 9) is None


def test_infinite_values_stand_at_the_extremes(rng):
    x = rng.uniform(20, 40, 60)
    y = x / 4 + rng.normal(0, 0.2, 60)
    with_infinity = np.where(x > 38, np.inf, x)
    fit = fit_logistic(with_infinity, y)
    assert fit.infinite == (x > 38).sum() > 0
    largest = x[x <= 38].max()
    assert fit.high == largest
    assert fit([np.inf, -np.inf]) == pytest.approx(fit([largest, x.min()]))
    same = fit_logistic(np.where(x > 38, largest, x), y)
    assert same.parameters == fit.parameters


def test_values_as_they_are():
    x = np.array([1.0, 2, 3, 5])
    fit = fit_logistic(x, 2 * x, mapping=None)
    assert (fit.kind, fit.parameters) == ("none", ())
    assert fit(x).tolist() == x.tolist() and fit.jacobian(x).shape == (4, 0)
    assert fit.plcc == pytest.approx(1) and fit.rmse == pytest.approx(39**0.5 / 2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.arange(9.0),
            np.arange(9.0),
            "expected at least 10 rows for a curve, got 9",
        ),
        (np.ones(20), np.arange(20.0), "the values are all 1"),
        (np.arange(20.0), np.full(20, 3.5), "the scores are all 3.5"),
        (np.full(20, np.inf), np.arange(20.0), "all values are infinite"),
    ],
)
def test_why_there_is_no_fit(x, y, message):
    with pytest.raises(FitError, match=message):
        fit_logistic(x, y)


def test_one_value_among_thousands_that_are_equal():
    x, y = np.zeros(5000), np.linspace(0, 1, 5000)
    x[17] = 1.0
    fit = fit_logistic(x, y)
    assert np.isfinite(fit.rmse) and np.isfinite(fit(x)).all()

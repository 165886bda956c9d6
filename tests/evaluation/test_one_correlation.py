"""``jiqa evaluate`` and ``jiqa analyse select`` print one PLCC for the same scores."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.evaluation.evaluate import evaluate
from jiqa.evaluation.statistics.correlations import plcc
from jiqa.selectors.score_mapping import fit_curves
from tests.helpers.logistic_peers import noisy, saturating, tid2013


def evaluated(x, y) -> float:
    """PLCC in the summary of an evaluation."""
    rows = [
        {"data": "set", "image": f"{i:04}.png", "metric": "m", "value": a, "score": b}
        for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    found = evaluate(
        rows,
        directions={"m": "higher"},
        score_direction={"set": "higher"},
        resamples=0,
    )
    return found.summary[0]["plcc"]


def selected(x, y) -> tuple[float, float]:
    """The criterion of a study with one map, and PLCC after the mapping it keeps."""
    found = forward_select(x[:, None], y)
    predicted = plcc(found.predicted(x[:, None]), y)
    assert predicted is not None
    return found.value, predicted


def _agree(x, y) -> float:
    value = evaluated(x, y)
    assert selected(x, y) == pytest.approx((value, value), abs=1e-7)
    mapped = fit_curves(x[:, None], y)(x[:, None])[:, 0]
    assert plcc(mapped, y) == pytest.approx(value, abs=1e-7)
    return value


@pytest.mark.parametrize("distortion", [None, 8, 10, 23])
def test_on_official_scores(distortion):
    values, mos = tid2013(distortion)
    for x in values.values():
        _agree(x, mos)


@pytest.mark.parametrize("made_up", [saturating, noisy])
def test_on_made_up_scores(made_up):
    found = [_agree(x, y) for x, y in made_up(60, seed=1)]
    assert 0 < min(found) < max(found) < 1 and np.std(found) > 0.01

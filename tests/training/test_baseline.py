"""Metrics that were not trained are compared with on the same images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jiqa.data.splits import select
from jiqa.data.user_tables.resolve import resolved
from jiqa.io.decode import read_image
from jiqa.training.baseline import baselines
from tests.helpers import selector_data


def test_a_metric_is_judged_in_its_direction(tmp_path, monkeypatch):
    selector_data.toys_are_known(monkeypatch)
    table = selector_data.photographs(tmp_path / "rated", 30)
    spec = resolved(str(table), tmp_path / "prepared")
    dataset, entries = select(spec, tmp_path / "prepared")
    found = baselines("toy_green,toy_blue", dataset, entries[:24])
    images = [read_image(dataset.image(e)) for e in entries[:24]]
    score = [e.score for e in entries[:24]]
    for name, channel in (("toy_green", 1), ("toy_blue", 2)):
        # toy_blue is the mean's negative, and lower for better.
        values = [np.mean(image[..., channel]) for image in images]
        wanted = float(stats.spearmanr(values, score)[0])  # pyright: ignore
        assert found[name]["srcc"] == pytest.approx(wanted, abs=1e-6)
        assert found[name]["n"] == 24
    assert baselines("", dataset, entries) == {} == baselines("brisque", dataset, [])

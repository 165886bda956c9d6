"""A score explained by name of the metric, and its files."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa import analysis
from jiqa.analysis.explain.gradients import Explainer
from jiqa.report.explanations import write_explanation, write_relevance
from tests.helpers.analysis_data import pictures, versions


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    clean = pictures(48)[0]
    return clean, versions(clean, 0)["noise2"]


def test_is_what_the_explainer_says_of_arrays_and_of_files(pair, tmp_path):
    found = analysis.explain_score("ssim", *pair, steps=4)
    explainer = Explainer(jiqa.load("ssim"))
    np.testing.assert_array_equal(found.gradient, explainer.gradient(*pair))
    np.testing.assert_array_equal(
        found.integrated.values, explainer.integrated(*pair, steps=4).values
    )
    assert (found.metric, found.direction) == ("ssim", "higher")
    assert found.baseline == "reference" and found.map_rises
    expected = jiqa.load("ssim", output="map")(*pair)
    np.testing.assert_array_equal(found.map, expected)
    files = [tmp_path / "r.png", str(tmp_path / "d.png")]
    for file, pixels in zip(files, pair, strict=True):
        Image.fromarray(pixels).save(file)
    again = analysis.explain_score("ssim", *files, steps=4)
    np.testing.assert_array_equal(again.gradient, found.gradient)
    write_explanation(tmp_path / "out", found)
    facts = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert facts["score"] == found.integrated.score and facts["steps"] == 4
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        *("gradient.png", "integrated.png", "map.png", "report.html"),
        *("scores.json", "values.npz"),
    ]


def test_shows_its_progress_and_keeps_both_images(pair):
    steps, compiled = [], []

    class Recorded:
        def __call__(self):
            steps.append(1)

        @contextlib.contextmanager
        def compiling(self, number, total):
            compiled.append((number, total, len(steps)))
            yield

    @contextlib.contextmanager
    def recorded(what, total, start=0):
        assert (what, total) == ("explaining", 5)
        yield Recorded()

    found = analysis.explain_score("mse", *pair, steps=5, progress=recorded)
    assert len(steps) == 5 and compiled == [(1, 1, 0)]
    np.testing.assert_array_equal(found.reference, pair[0])


def test_options_and_grey_images(pair):
    grey = pair[0][..., :1]
    found = analysis.explain_score("mse", grey, pair[1], steps=1)
    assert found.image.shape == pair[1].shape and found.map is None
    colour = np.repeat(grey, 3, -1)
    same = analysis.explain_score("mse", colour, pair[1], steps=1)
    np.testing.assert_array_equal(same.gradient, found.gradient)
    auto = analysis.explain_score("ssim", *pair, options={"downsample": "auto"})
    assert auto.metric == "ssim(downsample=auto)"
    value = jiqa.load("ssim", downsample="auto")(*pair)
    np.testing.assert_allclose(auto.integrated.score, value, rtol=1e-5)
    with pytest.raises(ValueError, match="ssim: expected 2 images, got 1"):
        analysis.explain_score("ssim", pair[0])
    with pytest.raises(ValueError, match="baseline"):
        analysis.explain_score("ssim", *pair, baseline="white")


def test_relevance_as_files(pair, tmp_path):
    image = (pair[1] / 255).astype(np.float32)
    found = analysis.prediction_difference(
        lambda x: x.mean((1, 2))[:, :2],
        image,
        analysis.patch_sampler(image, kind="marginal", window=8),
        stride=20,
        samples=2,
    )
    write_relevance(tmp_path / "new", image, found, ["red", "gr:een"])
    held = np.load(tmp_path / "new" / "values.npz")
    np.testing.assert_array_equal(held["values"], found.values.astype(np.float32))
    assert held["names"].tolist() == ["red", "gr:een"]
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        *("red.png", "gr-een.png", "values.npz")
    }

"""Per-pixel explanations: gradients, and integrated gradients that add up."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.analysis.explain.gradients import Explainer, harm
from jiqa.cli import main
from jiqa.io.decode import read_image
from tests.helpers.analysis_data import pictures, versions


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    clean = pictures(48)[0]
    return clean / 255, versions(clean, 0)["noise2"] / 255


@pytest.mark.parametrize(
    ("name", "options", "most"),
    [
        ("ssim", {}, 1e-3),
        ("gmsd", {}, 5e-3),
        ("haarpsi", {}, 2e-2),
        ("cnn_iqm", {"layers": ("conv1",), "peak": 1.0}, 5e-3),
    ],
)
def test_the_parts_add_up(pair, name, options, most):
    found = Explainer(jiqa.load(name, **options)).integrated(*pair)
    assert found.values.shape == pair[1].shape and abs(found.change) > 0.02
    assert abs(found.gap) < most * abs(found.change) + 1e-6
    value = float(jiqa.load(name, **options)(*pair))
    np.testing.assert_allclose(found.score, value, rtol=1e-5)


def test_of_a_squared_error_are_its_terms(pair):
    found = Explainer(jiqa.load("mse")).integrated(*pair, steps=1)
    scale = float(jiqa.load("mse")(*pair)) / np.square(pair[1] - pair[0]).mean()
    terms = scale * np.square(pair[1] - pair[0]) / pair[0].size
    np.testing.assert_allclose(found.values, terms, rtol=1e-3, atol=1e-7 * scale)
    assert harm(found.values, "lower").min() >= 0


@pytest.mark.slow
def test_without_a_reference_it_starts_from_a_blurred_image(pair):
    explainer = Explainer(jiqa.load("brisque"))
    found = explainer.integrated(pair[1], steps=64)
    assert abs(found.gap) < 0.1 * abs(found.change)
    with pytest.raises(ValueError, match="needs a metric with a reference"):
        explainer.integrated(pair[1], baseline="reference")


def test_each_point_is_a_step_and_the_shares_are_of_the_change(pair):
    explainer, seen = Explainer(jiqa.load("mse")), []
    found = explainer.integrated(*pair, steps=3, on_step=seen.append)
    assert seen == [1, 2, 3]
    assert found.unexplained == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(found.baseline, pair[0], rtol=1e-6)
    half = dataclasses.replace(found, values=found.values / 2)
    assert half.unexplained == pytest.approx(0.5, abs=1e-4)
    same = explainer.integrated(pair[0], pair[0], steps=1)
    assert same.unexplained is None


def test_gradients_are_those_of_small_changes(pair):
    metric = jiqa.load("ssim")
    middle = np.clip(pair[1], 0.01, 0.99)
    slope = Explainer(metric).gradient(pair[0], middle)
    step = 1e-3 * np.sign(slope)
    ends = [float(metric(pair[0], middle + sign * step)) for sign in (-1, 1)]
    np.testing.assert_allclose(ends[1] - ends[0], 2 * (slope * step).sum(), rtol=2e-2)


def test_what_cannot_be_explained_is_named(pair):
    psnr = Explainer(jiqa.load("psnr"))
    with pytest.raises(
        ValueError,
        match=r"finite scores .*, got inf .* baseline of black, grey, blur\)",
    ):
        psnr.integrated(*pair)
    with pytest.raises(ValueError, match="baseline of reference, black, grey, blur"):
        psnr.integrated(*pair, baseline=pair[0])
    found = psnr.integrated(*pair, baseline="black", steps=64)
    assert abs(found.gap) < 1e-2 * abs(found.change)
    with pytest.raises(
        ValueError, match=r"baseline: expected the shape of the image.*, got"
    ):
        psnr.integrated(*pair, baseline=np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match="images: expected single images"):
        psnr.gradient(pair[0][None], pair[1][None])
    with pytest.raises(TypeError, match="expected a single metric"):
        Explainer(jiqa.load(["mse", "ssim"]))


def test_the_command_shows_where_the_damage_is(tmp_path, capsys):
    clean = pictures(48)[1]
    spoilt = clean.copy()
    spoilt[8:20, 24:40] = 255 - spoilt[8:20, 24:40]
    files = []
    for name, pixels in (("r", clean), ("d", spoilt)):
        files.append(str(tmp_path / f"{name}.png"))
        Image.fromarray(pixels).save(files[-1])
    output = tmp_path / "out"
    words = ["analyse", "explain", "ssim", *files, "-o", str(output), "--no-cache"]
    assert main(words) == 0
    facts = json.loads((output / "scores.json").read_text())
    assert facts["baseline_score"] == pytest.approx(1) and facts["score"] < 0.95
    assert abs(facts["gap"]) < 1e-3
    values = np.load(output / "values.npz")
    where = -values["integrated"].sum(-1)
    inside = where[8:20, 24:40].sum()
    assert inside == pytest.approx(where.sum(), rel=1e-3) and inside > 0.05
    assert "map" in values
    assert "The map explains 100 % of the change of -0." in capsys.readouterr().out
    shown = read_image(output / "integrated.png").astype(int)
    redness = shown[..., 0] - shown[..., 2]
    assert redness[8:20, 24:40].max() > 150 and abs(redness[30:, :16]).max() < 10
    assert {p.name for p in output.iterdir()} == {
        "gradient.png",
        "integrated.png",
        "map.png",
        "report.html",
        "scores.json",
        "values.npz",
    }
    with pytest.raises(SystemExit) as ended:
        main(["analyse", "explain", "ssim", files[0], "-o", str(output)])
    assert ended.value.code == 2

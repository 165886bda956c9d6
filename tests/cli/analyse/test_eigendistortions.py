"""``jiqa analyse eigendistortions``: eigenvalues and images, or why there are none."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main


@pytest.fixture
def folder(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(40, 200, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path


def test_page_files_and_scores(folder, capsys):
    words = "analyse eigendistortions mse a.png -o out --steps 5 --psnr 32"
    assert main(words.split()) == 0
    said = capsys.readouterr()
    value = 2 / (24 * 32 * 3)
    assert (
        f"Largest eigenvalue of the second derivative of mse: {value:.6g}" in said.out
    )
    assert said.err == ""
    facts = json.loads((folder / "out" / "scores.json").read_text())
    assert facts["eigenvalues"]["least"] == pytest.approx(value, rel=1e-4)
    assert facts["agreement"] == pytest.approx(1, rel=1e-3)
    assert [i["image"] for i in facts["images"]] == ["most", "least"]
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    kept = np.load(folder / "out" / "values.npz")
    original = np.asarray(Image.open("a.png")) / 255
    for made in facts["images"]:
        vector = kept[f"{made['image']}_vector"]
        assert np.square(vector).sum() == pytest.approx(1, rel=1e-4)
        saved = np.asarray(Image.open(folder / "out" / made["file"])) / 255
        mse = np.square(saved - original).mean()
        assert made["scores_8_bits"]["mse"] == pytest.approx(mse, rel=1e-4)
        assert f"<td>{made['scores_8_bits']['mse']:.6g}</td>" in page
        assert made["psnr"] == pytest.approx(32, abs=0.05)
    with open("out/course.csv") as file:
        assert next(csv.DictReader(file))["step"] == "1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rmse a.png", "rmse: expected a score with a second derivative where both"),
        ("niqe a.png", "niqe: expected a metric with a reference, got one without"),
        ("a.png", "the following arguments are required: IMAGE"),
    ],
)
def test_wrong_usage_is_named(folder, words, said, capsys):
    with pytest.raises(SystemExit):
        main(["analyse", "eigendistortions", *words.split(), "-o", "out"])
    assert said in capsys.readouterr().err

"""``jiqa analyse compete``: four images, both scores of each."""

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
    words = "analyse compete mse,mae a.png -o out --steps 6 --psnr 28"
    assert main(words.split()) == 0
    said = capsys.readouterr()
    assert "While mse stays at 0.00158489, mae (lower is better) goes from" in said.out
    assert "While mae stays at" in said.out and said.err == ""
    facts = json.loads((folder / "out" / "scores.json").read_text())
    names = ["start", "best-mae", "worst-mae", "best-mse", "worst-mse"]
    assert [i["image"] for i in facts["images"]] == names
    assert facts["held"]["best-mae"] == facts["moved"]["worst-mse"] == "mse"
    start, *found = facts["images"]
    original = np.asarray(Image.open("a.png")) / 255
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    for made in found:
        held, driven = facts["held"][made["image"]], facts["moved"][made["image"]]
        level = start["scores"][held]
        assert made["scores"][held] == pytest.approx(level, rel=1e-3)
        better = made["scores"][driven] < start["scores"][driven]
        assert better == made["image"].startswith("best")
        saved = np.asarray(Image.open(folder / "out" / made["file"])) / 255
        mse = np.square(saved - original).mean()
        assert made["scores_8_bits"]["mse"] == pytest.approx(mse, rel=1e-4)
        assert f"<td>{made['scores_8_bits']['mse']:.6g}</td>" in page
    with open("out/course.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 28 and {r["held"] for r in rows} == {"mse", "mae"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mse a.png", "metrics: expected two metrics, with a comma, got mse"),
        ("mse,cambi a.png", "cambi: expected a differentiable metric, got one that"),
        ("mse,mae a.png a.png a.png", "images: expected a reference, or a reference"),
    ],
)
def test_wrong_usage_is_named(folder, words, said, capsys):
    with pytest.raises(SystemExit):
        main(["analyse", "compete", *words.split(), "-o", "out"])
    assert said in capsys.readouterr().err

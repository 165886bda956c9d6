"""``jiqa analyse attack``: one page, files whose scores are those it shows."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main


@pytest.fixture
def pair(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(40, 200, (32, 40, 3), dtype=np.uint8)
    for name, image in (("a.png", pixels), ("b.png", pixels // 2 + 60)):
        Image.fromarray(image).save(tmp_path / name)
    return tmp_path


def test_page_files_and_scores(pair, capsys):
    words = ["analyse", "attack", "uqi", "a.png", "-o", "out", "--steps", "4"]
    assert main([*words, "--psnr", "28"]) == 0
    said = capsys.readouterr()
    assert "uqi (higher is better): " in said.out and said.err == ""
    assert "at a PSNR of 28 dB" in said.out
    assert f"the page is {pair / 'out' / 'report.html'}" in said.out
    facts = json.loads((pair / "out" / "scores.json").read_text())
    assert [i["image"] for i in facts["images"]] == ["start", "best", "worst"]
    page = (pair / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page) and "<script" not in page
    kept = np.load(pair / "out" / "values.npz")
    original = np.asarray(Image.open("a.png")) / 255
    for made in facts["images"]:
        assert made["psnr"] == pytest.approx(28, abs=0.05)
        saved = np.asarray(Image.open(pair / "out" / made["file"])) / 255
        psnr = -10 * np.log10(np.square(saved - original).mean())
        assert made["psnr_8_bits"] == pytest.approx(psnr)
        assert np.abs(kept[made["image"]] - saved).max() < 0.51 / 255
        for kind in ("scores", "scores_8_bits"):
            assert f"<td>{made[kind]['uqi']:.6g}</td>" in page
    with open("out/course.csv") as file:
        rows = list(csv.DictReader(file))
    assert [r["image"] for r in rows] == ["best"] * 5 + ["worst"] * 5
    start, best, worst = (i["scores"]["uqi"] for i in facts["images"])
    assert worst < start < best
    assert float(rows[4]["score"]) == pytest.approx(best, abs=1e-5)


def test_what_cannot_move_is_remarked_on(pair, capsys):
    flat = np.full((32, 32, 3), 128, np.uint8)
    Image.fromarray(flat).save("a.png")
    Image.fromarray(flat + 8).save("b.png")
    words = "analyse attack mse b.png -r a.png -o out --steps 2 --direction best"
    assert main(words.split()) == 0
    said = capsys.readouterr()
    assert said.err.startswith("On the way to the best image the score changed by less")
    page = (pair / "out" / "report.html").read_text(encoding="utf-8")
    assert "changed by less than one part" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("cambi a.png", "cambi: expected a differentiable metric, got one that counts"),
        ("ssim,mse a.png", "metrics: expected one metric, got ssim,mse"),
        ("niqe b.png -r a.png", "images: expected one image, got 2"),
        ("a.png", "jiqa analyse attack: the following arguments are required: IMAGE"),
        ("ssim a.png --psnr 1", "psnr: expected at least"),
    ],
)
def test_wrong_usage_is_named(pair, words, said, capsys):
    with pytest.raises(SystemExit):
        main(["analyse", "attack", *words.split(), "-o", "out"])
    assert said in capsys.readouterr().err

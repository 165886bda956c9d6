"""``jiqa analyse explain``: its images are given as to every other command."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from jiqa.analysis.explain.gradients import Explainer
from jiqa.cli import main


@pytest.fixture
def pair(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(40, 200, (32, 40, 3), dtype=np.uint8)
    for name, image in (("a.png", pixels), ("b.png", pixels // 2 + 60)):
        Image.fromarray(image).save(tmp_path / name)
    return tmp_path


def test_the_reference_is_an_option_or_comes_first(pair):
    call = ["analyse", "explain", "MSE"]
    for number, images in enumerate(
        (
            ["b.png", "--reference", "a.png"],
            ["--reference", "a.png", "b.png"],
            ["a.png", "b.png"],
        )
    ):
        assert main([*call, *images, "-o", str(number), "--steps", "2"]) == 0
    read = [json.loads((pair / f"{n}/scores.json").read_text()) for n in range(3)]
    assert read[0] == read[1] == read[2] and read[0]["score"] > 0
    assert read[0]["baseline_score"] == 0  # the reference, not the distorted image


def test_one_page_and_what_it_leaves_out(pair, capsys, monkeypatch):
    words = ["analyse", "explain", "mse", "b.png", "-r", "a.png", "-o", "out"]
    assert main([*words, "--steps", "1"]) == 0
    said = capsys.readouterr()
    assert "(lower is better); 0 at the baseline, the reference" in said.out
    assert "The map explains 100 % of the change of " in said.out
    assert f"the page is {pair / 'out' / 'report.html'}" in said.out
    page = (pair / "out" / "report.html").read_text(encoding="utf-8")
    assert "mse of b.png" in page and "a.png" in page and said.err == ""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "scores.json is there already: --force" in capsys.readouterr().err
    whole = Explainer.integrated

    def part(self, *images, **given):
        found = whole(self, *images, **given)
        return dataclasses.replace(found, values=0.87 * found.values)

    monkeypatch.setattr(Explainer, "integrated", part)
    assert main([*words, "--steps", "1", "--force"]) == 0
    said = capsys.readouterr()
    assert "The map explains 87 % of the change" in said.out
    assert said.err.startswith("13 % of the change is unexplained: ")
    facts = json.loads((pair / "out" / "scores.json").read_text())
    assert facts["unexplained"] == pytest.approx(0.13, abs=1e-3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mse b.png", "mse needs a reference: give --reference FILE; see"),
        ("mse a.png b.png -r a.png", "expected one metric and IMAGE --reference FILE"),
        ("mse -r a.png", "expected images, got none"),
        ("b.png -r a.png", "jiqa analyse explain ssim b.png --reference a.png"),
    ],
)
def test_hints_name_options_that_it_has(pair, words, said, capsys):
    with pytest.raises(SystemExit):
        main(["analyse", "explain", *words.split(), "-o", "out"])
    assert said in capsys.readouterr().err
    assert not (pair / "out").exists()

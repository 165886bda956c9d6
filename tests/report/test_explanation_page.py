"""The page of one explained score: what it shows, and what it remarks on."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from jiqa.analysis.explain.explain_score import Explanation
from jiqa.analysis.explain.gradients import Attribution
from jiqa.report.explanation_page import (
    explained_words,
    remark,
    write_explanation_page,
)
from jiqa.report.overlays import full_colour, overlay, scale_bar, smoothed


@pytest.fixture
def found(rng) -> Explanation:
    image = rng.uniform(0, 1, (40, 60, 3))
    parts = np.zeros((40, 60, 3))
    parts[10:20, 30:40] = -0.4 / 300
    ends = Attribution(parts, score=0.6, baseline_score=1.0, baseline=image)
    return Explanation(
        metric="ssim",
        direction="higher",
        image=image,
        gradient=rng.normal(0, 1, (40, 60, 3)),
        integrated=ends,
        baseline="reference",
        steps=32,
        map=rng.uniform(0, 1, (30, 50)),
        reference=image,
    )


def test_one_page_has_both_images_the_map_and_its_legend(found, tmp_path):
    path = tmp_path / "report.html"
    names = "original.png", "<b>.png"
    write_explanation_page(path, found, names=names, command="jiqa analyse explain")
    page = path.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page) and "<script" not in page
    captions = re.findall(r"<figcaption><b>(.*?)</b>", page)
    assert captions == [
        *("reference", "distorted", "where the score changes"),
        *("sensitivity", "map of ssim"),
    ]
    assert page.count("data:image/jpeg") == 5 and page.count("data:image/png") == 3
    assert "original.png" in page and "&lt;b&gt;.png" in page
    assert "better by" in page and "worse by" in page
    assert "The map explains 100 % of the change of -0.4." in page
    assert "unexplained" not in page


def test_without_reference_the_baseline_is_shown(found, tmp_path):
    path = tmp_path / "report.html"
    alone = dataclasses.replace(found, reference=None, map=None, baseline="blur")
    write_explanation_page(path, alone)
    page = path.read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption><b>(.*?)</b>", page)
    assert captions == [
        *("baseline, the blurred image", "image", "where the score changes"),
        "sensitivity",
    ]


@pytest.mark.parametrize(
    ("share", "words", "said"),
    [
        (0.995, "explains 100 %", None),
        (0.87, "explains 87 %", "13 % of the change is unexplained: "),
        (0.98, "explains 98 %", "2.0 % of the change is unexplained: "),
        (1.3, "explains 70 %", "30 % of the change is unexplained: "),
        (-1.0, "explains 0.0 %", "200 % of the change is unexplained: "),
    ],
)
def test_what_the_map_leaves_out_is_remarked_on(found, tmp_path, share, words, said):
    ends = found.integrated
    ends = dataclasses.replace(ends, values=ends.values * share)
    found = dataclasses.replace(found, integrated=ends)
    assert words in explained_words(found)
    if said is None:
        assert remark(found) is None
        return
    text = remark(found)
    assert text is not None and text.startswith(said)
    assert f"add up to {-0.4 * share:.6g}, not -0.4." in text
    assert "--steps" in text
    write_explanation_page(tmp_path / "report.html", found)
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_equal_scores_have_nothing_to_explain(found):
    ends = dataclasses.replace(found.integrated, score=1.0)
    found = dataclasses.replace(found, integrated=ends)
    assert "no change to explain" in explained_words(found) and remark(found) is None


def test_smoothing_keeps_the_sum(rng):
    values = rng.normal(0, 1, (200, 300))
    soft, sigma = smoothed(values)
    assert sigma == pytest.approx(3)
    np.testing.assert_allclose(soft.sum(), values.sum(), rtol=1e-6)
    assert soft.std() < 0.2 * values.std()


def test_the_legend_has_the_colours_of_the_map():
    bar = scale_bar(101, 2)
    values = np.array([[-2.0, 0.0, 2.0]])
    drawn = overlay(np.ones((1, 3, 1)), values, limit=2.0)
    np.testing.assert_array_equal(bar[0, [0, 50, 100]], drawn[0])
    assert bar[0, 0, 2] > bar[0, 0, 0] and bar[0, -1, 0] > bar[0, -1, 2]
    assert full_colour(np.arange(1001.0)) == 995

"""Scores on a terminal: no digit is cut, no failure is listed twice."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from jiqa.cli.common import score_table


def _printed(tables, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    for table in tables:
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [50, 80, 160])
@pytest.mark.parametrize("images", [1, 10, 40])
@pytest.mark.parametrize("metrics", [1, 7, 38])
def test_every_score_is_whole_at_every_width(width, images, metrics):
    names = [f"a_longer_name_{n}.png" for n in range(images)]
    labels = [f"metric_{n}" for n in range(metrics)]
    scores = [[f"0.{i:03}{m:03}" for m in range(metrics)] for i in range(images)]
    text = _printed(score_table.fitting_tables(names, labels, scores, width), width)
    assert all(score in text for row in scores for score in row)
    assert "…" not in text and max(map(len, text.splitlines())) <= width


def test_few_metrics_are_columns_and_many_are_rows():
    def corner(images: int, metrics: int) -> str:
        scores = [["1"] * metrics] * images
        names, labels = ["x"] * images, ["y"] * metrics
        (table,) = score_table.fitting_tables(names, labels, scores, 160)
        return str(table.columns[0].header)

    assert corner(3, 2) == corner(60, 10) == "image"
    assert corner(1, 38) == corner(10, 38) == "metric"


def test_a_mean_says_of_what():
    assert score_table.mean_of([1.0, 3.0]) == (2.0, "2")
    many = [1.0] * 13 + [math.inf] * 3
    assert score_table.mean_of(many) == (1.0, "13 finite, 3 infinite")
    assert score_table.mean_of([math.inf]) == (None, "0 finite, 1 infinite")
    assert score_table.mean_of([]) == (None, "0")


def test_failures_are_listed_once_and_not_without_end(capsys):
    rows = [{"image": f"{n}.png", "error": "why" if n else ""} for n in range(13)]
    score_table.say_failures(rows, all_listed=True)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "12 of 13 rows failed:" and said[1] == "  1.png: why"
    assert said[-1] == "  and 2 more, in the column error" and len(said) == 12
    score_table.say_failures(rows, all_listed=False)
    assert len(capsys.readouterr().err.splitlines()) == 13
    score_table.say_failures(rows[:1], all_listed=False)
    assert capsys.readouterr().err == ""

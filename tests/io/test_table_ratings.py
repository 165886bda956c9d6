"""A table with a row a rating: the mean of each image, with deviation and count."""

from __future__ import annotations

import math

import pytest

from jiqa.data.schema import Info
from jiqa.data.user_tables.layout import read_user_table
from jiqa.errors import LayoutError, UsageError
from jiqa.evaluation.read_scores import read_scores
from tests.helpers.data_archives import pictures

BASE = Info("t", "full-reference", layout="LAYOUT", citation="", homepage="")


def _table(folder, text: str):
    pictures(folder, ["a.png", "b.png"])
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


RATINGS = """\
image,rater,score,m
a.png,1,2,.5
b.png,1,4,.7
a.png,2,2,.5
a.png,3,5,.5
"""


def test_ratings_are_averaged_for_data_and_for_scores(tmp_path):
    path = _table(tmp_path, RATINGS)
    contents = read_user_table(path, {}, BASE)
    found = [(r.name, r.score, r.deviation) for r in contents.records]
    assert found == [("a.png", 3, math.sqrt(3)), ("b.png", 4, None)]
    said = "t.csv: 4 ratings of 2 images are averaged, 1 to 3 an image, by score"
    assert said in contents.notes
    scores = read_scores([path])
    assert [(r["image"], r["score"], r["deviation"]) for r in scores.rows] == found
    assert [(r["metric"], r["value"]) for r in scores.rows] == [("m", 0.5), ("m", 0.7)]
    assert scores.columns == [
        "t.csv: columns image = image; rater = rater; score = score; metrics = m",
        said,
    ]


def test_a_rating_needs_no_rater_but_a_mos_does(tmp_path):
    text = RATINGS.replace("rater,", "").replace(",1,", ",").replace(",2,2", ",2")
    path = _table(tmp_path, text.replace(",3,5", ",5"))
    assert [r.score for r in read_user_table(path, {}, BASE).records] == [3, 4]
    path.write_text(path.read_text().replace("score", "mos"))
    said = r"a.png has the score 2.0, but 5.0 in line 5 of t.csv: expected one score"
    with pytest.raises(LayoutError, match=said):
        read_user_table(path, {}, BASE)
    with pytest.raises(UsageError, match=said):
        read_scores([path])
    path.write_text(RATINGS.replace("score", "mos"))
    assert [r.score for r in read_user_table(path, {}, BASE).records] == [3, 4]


def test_a_repeated_row_is_one_image(tmp_path):
    path = _table(tmp_path, "image,mos,m\na.png,2,1\nb.png,3,2\na.png,2,1\n")
    assert [r.score for r in read_user_table(path, {}, BASE).records] == [2, 3]
    assert [r["score"] for r in read_scores([path]).rows] == [2, 3]


def test_an_image_in_two_splits_or_with_two_references_is_not_averaged(tmp_path):
    path = _table(
        tmp_path,
        "image,reference,score,split\na.png,a.png,2,x\na.png,a.png,2,y\n"
        "a.png,b.png,5,x\n",
    )
    contents = read_user_table(path, {}, BASE)
    assert [r.score for r in contents.records] == [2, 2, 5]
    assert not any("averaged" in note for note in contents.notes)


def test_metrics_that_differ_between_ratings_are_refused(tmp_path):
    path = _table(tmp_path, RATINGS.replace("3,5,.5", "3,5,.6"))
    with pytest.raises(UsageError, match=r"m of a.png is 0.5 in one row, but 0.6"):
        read_scores([path])


def test_a_rating_that_is_no_number_is_named(tmp_path):
    path = _table(tmp_path, RATINGS.replace("2,2", "2,good"))
    with pytest.raises(LayoutError, match=r"line 4, score: expected a number, got 'g"):
        read_user_table(path, {}, BASE)
    with pytest.raises(UsageError, match=r"line 4, score: expected a number, got 'g"):
        read_scores([path])


def test_rows_a_metric_are_no_ratings(tmp_path):
    path = _table(
        tmp_path, "image,score,metric,value\na.png,2,m,1\na.png,2,k,3\nb.png,3,m,2\n"
    )
    scores = read_scores([path])
    assert {r["score"] for r in scores.rows} == {2, 3}
    assert not any("averaged" in note for note in scores.columns)

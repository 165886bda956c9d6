"""User tables: data sets by the names of their columns."""

from __future__ import annotations

import json
import math
import unicodedata
from pathlib import Path
from typing import Any

import pandas
import pytest

from jiqa.data.schema import Info
from jiqa.data.store import open_dataset, prepare
from jiqa.data.user_tables.layout import read_user_table
from jiqa.errors import LayoutError
from tests.helpers.data_archives import picture, pictures, through, write

BASE = Info("t", "full-reference", layout="LAYOUT", citation="", homepage="")


def _read(root: Path, **options: str) -> Any:
    return read_user_table(root, options, BASE)


def _scale(root: Path, **options: str):
    info = _read(root, **options).info
    assert info is not None
    return info.scales[""]


def test_the_whole_way_under_two_names(tmp_path):
    root = tmp_path / "our ratings"
    pictures(root, ["images/a.png", "images/b.png", "ref/r.png"])
    write(
        root / "scores.csv",
        "image,reference,score,deviation,distortion,level,split\n"
        "a.png,ref/r.png,3.25,0.5,blur,1,train\n"
        "b.png,ref/r.png,1.5,,blur,2,test\n",
    )
    dataset = through("table", root, tmp_path)
    assert dataset.name == "table/our_ratings"
    first, second = dataset.entries("train") + dataset.entries("test")
    assert (first.name, first.score, first.deviation) == ("a.png", 3.25, 0.5)
    assert (first.distortion, first.level, first.reference) == ("blur", 1, "ref/r.png")
    assert second.deviation is None
    assert dataset.info.kind == "full-reference"
    assert dataset.info.distortions == ("blur",)
    assert (dataset.scale.low, dataset.scale.high) == (1.5, 3.25)

    other = prepare("table/other", root, tmp_path / "prepared")
    assert other.folder != dataset.folder
    for name in ("our_ratings", "table/our_ratings"):
        again = open_dataset(name, tmp_path / "prepared")
        assert again.entries() == dataset.entries()
        assert (again.info, again.scale) == (dataset.info, dataset.scale)
        assert again.name == "table/our_ratings"
    with pytest.raises(ValueError, match="did you mean our_ratings"):
        open_dataset("our_rating", tmp_path / "prepared")
    with pytest.raises(
        FileNotFoundError,
        match=r"expected table/NAME.*\(prepared: other, our_ratings\)",
    ):
        open_dataset("table", tmp_path / "prepared")
    with pytest.raises(FileNotFoundError, match="table/new is not prepared"):
        open_dataset("table/new", tmp_path / "prepared")
    with pytest.raises(ValueError, match="letters, digits"):
        open_dataset("table/../up", tmp_path / "prepared")

    # A folder under the same name: only the full names tell them apart.
    prepare("folder/other", root / "images", tmp_path / "prepared")
    with pytest.raises(ValueError, match="folder/other, table/other"):
        open_dataset("other", tmp_path / "prepared")


def test_other_labels_under_a_prepared_name_are_refused(tmp_path):
    root = tmp_path / "mine"
    pictures(root, ["a.png"])
    write(root / "scores.csv", "image,mos\na.png,3\n")
    data = tmp_path / "prepared"
    prepare("table/mine", root, data)
    assert prepare("table/mine", root, data).entries()[0].score == 3
    write(root / "scores.csv", "image,mos\na.png,4\n")
    with pytest.raises(ValueError, match="from other files or labels"):
        prepare("table/mine", root, data)
    write(root / "scores.csv", "image,mos\na.png,3\n")
    picture(root / "a.png", 5, (20, 20))
    with pytest.raises(ValueError, match="from other files or labels"):
        prepare("mine", root, data)


@pytest.mark.parametrize(
    ("header", "name", "direction"),
    [
        ("Image Name,MOS", "MOS", "higher"),
        ("dist_img,dmos", "DMOS", "lower"),
        ("filename,DMOS (realigned)", None, ""),
        ("file_name,Quality", "MOS", "higher"),
        ("disImgPath,score", "MOS", "higher"),
    ],
)
def test_columns_go_by_their_names(header, name, direction, tmp_path):
    pictures(tmp_path, ["a.png", "b.png"])
    write(tmp_path / "t.csv", f"{header}\na.png,2\nb.png,4\n")
    contents = _read(tmp_path)
    if name is None:
        assert contents.info.scales == {} and contents.info.kind == "pristine"
        assert contents.notes == [
            "t.csv: columns image = filename; not used: DMOS (realigned); no scores"
        ]
        return
    scale = contents.info.scales[""]
    assert (scale.name, scale.direction) == (name, direction)
    assert "by the name of" in scale.note
    assert [r.score for r in contents.records] == [2, 4]


def test_the_direction_from_the_side_file_a_column_or_the_user(tmp_path):
    pictures(tmp_path, ["a.png", "b.png"])
    table = write(tmp_path / "t.csv", "image,dmos\na.png,2\nb.png,4\n")
    side = {
        "direction": "higher",
        "name": "MOS",
        "low": 1,
        "high": 5,
        "deviation": "mean",
        "title": "Ours",
        "note": "rated at home",
    }
    write(tmp_path / "t.json", json.dumps(side))
    scale = _scale(tmp_path)
    assert (scale.name, scale.direction, scale.low, scale.high) == (
        "MOS",
        "higher",
        1,
        5,
    )
    assert scale.note == "rated at home"
    assert scale.deviation == ""  # there is no column of deviations
    assert _read(tmp_path).info.title == "Ours"
    told = _scale(tmp_path, direction="lower", low="0.5")
    assert (told.direction, told.low, told.high) == ("lower", 0.5, 5)
    with pytest.raises(LayoutError, match="high: expected a number, got 'top'"):
        _scale(tmp_path, high="top")
    (tmp_path / "t.json").unlink()
    write(table, "image,score,direction\na.png,2,lower\nb.png,4,Lower\n")
    assert _scale(tmp_path).direction == "lower"
    write(table, "image,score,direction\na.png,2,lower\nb.png,4,higher\n")
    with pytest.raises(
        LayoutError,
        match=r"column direction: expected higher in every row.*got higher, lower",
    ):
        _read(tmp_path)
    with pytest.raises(ValueError, match=r"no option 'colour'.*direction"):
        prepare("table/x", tmp_path, tmp_path / "data", options={"colour": "red"})


@pytest.mark.parametrize("text", ["[1]", "{", '{"directoin": "lower"}'])
def test_a_side_file_that_says_nothing_known(text, tmp_path):
    pictures(tmp_path, ["a.png"])
    write(tmp_path / "t.csv", "image,score\na.png,2\n")
    write(tmp_path / "t.json", text)
    with pytest.raises(LayoutError, match=r"t\.json"):
        _read(tmp_path)
    write(tmp_path / "t.json", '{"direction": "up"}')
    with pytest.raises(LayoutError, match="expected higher or lower, got 'up'"):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("image;score;std\nä b.png;1,5;0,25\n", "utf-16"),
        ("\ufeffimage\tscore\tstd\nä b.png\t1.5\t0.25\n", "utf-8"),
        ('"image","score","std",,\r\n\r\n"ä b.png", 1.5 , 0.25,,\r\n', "cp1252"),
    ],
)
def test_separators_and_encodings(text, encoding, tmp_path):
    pictures(tmp_path, ["ä b.png"])
    write(tmp_path / "t.csv", text, encoding)
    (record,) = _read(tmp_path).records
    assert (record.name, record.score, record.deviation) == ("ä b.png", 1.5, 0.25)


def test_a_spreadsheet(tmp_path):
    pictures(tmp_path, ["a.png", "b.png"])
    frame = pandas.DataFrame({"Image": ["a.png", "b.png"], "MOS": [2.5, None]})
    frame["Var"] = [0.25, None]
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    first, second = _read(tmp_path).records
    assert (first.score, first.deviation) == (2.5, 0.5)
    assert (second.score, second.deviation) == (None, None)


def test_votes_give_score_and_deviation(tmp_path):
    pictures(tmp_path, ["a.png", "b.png"])
    write(tmp_path / "t.csv", "image,c1,c2,c5\na.png,1,2,1\nb.png,0,0,0\n")
    contents = _read(tmp_path)
    first, second = contents.records
    assert first.histogram == (1, 2, 1)
    assert first.score == 2.5
    assert first.deviation == pytest.approx(
        math.sqrt((1.5**2 + 2 * 0.5**2 + 2.5**2) / 4)
    )
    assert second.score is None
    assert contents.info.histogram == (1, 2, 5)
    write(tmp_path / "t.csv", "image,mos,histogram\na.png,3,[0 3 1]\nb.png,2,\n")
    contents = _read(tmp_path)
    assert contents.records[0].histogram == (0, 3, 1)
    assert contents.records[0].score == 3
    assert contents.info.histogram == (1, 2, 3)


def test_a_manifest_of_distortions_has_no_scores(tmp_path):
    names = ["cat/pristine.png", "cat/blur/1.png", "cat/blur/2.png"]
    pictures(tmp_path / "ladder", names)
    write(
        tmp_path / "ladder/manifest.csv",
        "image,reference,distortion,level,set,parameter,seed,error\n"
        "cat/pristine.png,cat/pristine.png,pristine,0,dbcnn,,0,\n"
        "cat/blur/1.png,cat/pristine.png,blur,1,dbcnn,1.2,0,\n"
        "cat/blur/2.png,cat/pristine.png,blur,2,dbcnn,2.5,0,\n"
        "dog/blur/1.png,dog/pristine.png,blur,1,dbcnn,1.2,0,cannot be decoded\n",
    )
    write(tmp_path / "ladder/ladder.json", '{"set": "dbcnn"}')  # not the table's
    dataset = through("table", tmp_path / "ladder", tmp_path)
    assert dataset.scale is None and dataset.info.kind == "full-reference"
    rows = [(e.distortion, e.level, e.score) for e in dataset.entries()]
    assert rows == [("", 0, None), ("dbcnn/blur", 1, None), ("dbcnn/blur", 2, None)]
    assert list(dataset.references) == ["cat/pristine.png"]
    assert dataset.notes == [
        "manifest.csv: columns image = image; reference = reference; "
        "distortion = distortion; level = level; set = set; not used: parameter, seed; "
        "no scores",
        "images that the table marks as failed: 1 (dog/blur/1.png: cannot be decoded)",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png,ref.png,x,1", "line 3, score: expected a number, got 'x'"),
        ("a.png,ref.png,inf,1", "score: expected a number, got 'inf'"),
        (
            "a.png,ref.png,3,1.5",
            "level: expected a whole number, 0 for no distortion, got '1.5'",
        ),
        (",ref.png,3,1", "line 3, image: expected a path, got ''"),
        ("a.png,ref.png,3,1,5", "expected 4 cells, one per column, got 5"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(row, said, tmp_path):
    pictures(tmp_path, ["a.png", "ref.png"])
    write(
        tmp_path / "t.csv", f"image,reference,score,level\na.png,ref.png,3,1\n{row}\n"
    )
    with pytest.raises(LayoutError) as raised:
        _read(tmp_path)
    assert said in str(raised.value) and str(tmp_path) in str(raised.value)


def test_an_image_that_is_not_there_is_a_failed_row(tmp_path):
    pictures(tmp_path, ["a.png", "ref.png"])
    path = write(
        tmp_path / "t.csv",
        "image,reference,score\na.png,ref.png,3\ngone.png,ref.png,4\n"
        "a.png,gone too.png,5\n",
    )
    dataset = prepare("table", path, tmp_path / "prepared")
    assert dataset.notes[-1] == "images that are not there: 2 (gone.png, gone too.png)"
    assert [e.score for e in dataset.entries()] == [3, 4, 5]
    assert [e.problem for e in dataset.entries()] == [
        "",
        "gone.png: No such file or directory",
        "",
    ]
    assert dataset.references["gone too.png"].problem.startswith("gone too.png: No su")
    (tmp_path / "a.png").unlink()
    (tmp_path / "ref.png").unlink()
    with pytest.raises(LayoutError, match=r"4 missing:(\n.*)+ a.png or images") as no:
        _read(path)
    assert "gone too.png or references/gone too.png" in str(no.value)


@pytest.mark.parametrize("clutter", ["~$t.xlsx", "._t.csv", ".t.csv"])
def test_files_that_systems_leave_are_no_tables(clutter, tmp_path):
    pictures(tmp_path, ["a.png"])
    write(tmp_path / "t.csv", "image,score\na.png,2\n")
    (tmp_path / clutter).write_bytes(b"nothing")
    assert [r.score for r in _read(tmp_path).records] == [2]


def test_names_in_another_unicode_form(tmp_path):
    name = "\N{LATIN SMALL LETTER E WITH ACUTE}.png"
    pictures(tmp_path, [f"images/{unicodedata.normalize('NFD', name)}"])
    write(tmp_path / "t.csv", f"image,score\n{name.upper()},2\n")
    (record,) = _read(tmp_path).records
    assert record.image.is_file()


def test_no_table_several_or_one_without_images(tmp_path):
    with pytest.raises(LayoutError, match="expected one table, got none"):
        _read(tmp_path)
    write(tmp_path / "a.csv", "name of it,score\n1,2\n")
    with pytest.raises(
        LayoutError,
        match=r"expected a column of image names, called image.*got columns name",
    ):
        _read(tmp_path)
    write(tmp_path / "a.csv", "\n\n")
    with pytest.raises(LayoutError, match="empty"):
        _read(tmp_path)
    write(tmp_path / "a.csv", "image,score\n")
    with pytest.raises(LayoutError, match=r"a line in a\.csv below the header"):
        _read(tmp_path)
    write(tmp_path / "b.tsv", "image\tscore\nx.png\t2\n")
    with pytest.raises(LayoutError, match=r"expected one table, got a\.csv, b\.tsv"):
        _read(tmp_path)
    pictures(tmp_path, ["x.png"])
    assert [r.score for r in _read(tmp_path / "b.tsv").records] == [2]


def test_a_table_by_its_own_path_and_images_by_theirs(tmp_path):
    image = picture(tmp_path / "elsewhere/x.png")
    pictures(tmp_path / "tables", ["Pictures/Y.PNG"])
    write(
        tmp_path / "tables/one.csv",
        f"image,mos\n{image},2\n../elsewhere/x.png,3\nPICTURES\\y.png,4\n",
    )
    write(tmp_path / "tables/two.csv", "image,mos\n")
    dataset = through("table", tmp_path / "tables/one.csv", tmp_path, workers=2)
    assert dataset.name == "table/one"
    assert [e.score for e in dataset.entries()] == [2, 3, 4]
    assert dataset.entries()[2].name == "PICTURES/y.png"


def test_cid_gd_is_a_table_with_a_name_of_its_own(tmp_path):
    root = tmp_path / "gd"
    pictures(root, ["r.bmp", "r_1.bmp"])
    write(root / "cid_gd.csv", "image,reference,mos,distortion\nr_1.bmp,r.bmp,4,zoom\n")
    dataset = through("cid_gd", root, tmp_path)
    assert dataset.name == "cid_gd"
    assert dataset.info.title == "CID:GD" and "Colourlab" in dataset.info.citation
    assert (dataset.scale.direction, dataset.scale.low) == ("higher", 4)
    (root / "cid_gd.csv").unlink()
    with pytest.raises(LayoutError, match="expected one table, got none"):
        prepare("cid_gd", root, tmp_path / "elsewhere")

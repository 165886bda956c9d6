"""Score tables in users' formats, read and joined."""

from __future__ import annotations

import gzip
import json
import math
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jiqa.errors import UsageError
from jiqa.evaluation.read_scores import read_scores
from jiqa.evaluation.rows import COLUMNS
from jiqa.evaluation.score_table import read_score_table
from jiqa.io.write_table import write_rows

MOS = """\
image,reference,distortion,level,mos,mos_std
a.png,r,blur,1,5,.1
b.png,r,blur,2,3,.2
"""


def _write(folder, **files: str):
    paths = []
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _values(scores):
    return {(r["metric"], r["image"]): r["value"] for r in scores.rows}


def test_a_wide_table(tmp_path):
    (path,) = _write(
        tmp_path,
        set="image,reference,type,level,mos,mos_std,width,ssim,psnr,sha,error\n"
        "a.png,r1,3,1,5.5,.13,512,.9,inf,0a1,\n"
        "b.png,r1,3,2,4.5,.2,512,,30.5,9f,ssim: too small\n",
    )
    table = read_score_table(path)
    assert (table.metrics, table.subjective, table.deviation) == (
        ("ssim", "psnr"),
        "mos",
        "mos_std",
    )
    scores = read_scores([path])
    assert scores.score_direction == {"set": "higher"} and not scores.notes
    assert [tuple(row) for row in scores.rows] == [COLUMNS] * 4
    first, failed, infinite, last = scores.rows
    assert first == {
        "data": "set",
        "split": "",
        "image": "a.png",
        "reference": "r1",
        "distortion": "3",
        "level": 1,
        "metric": "ssim",
        "value": 0.9,
        "score": 5.5,
        "deviation": 0.13,
        "version": None,
        "weights": None,
        "seconds": None,
        "error": "",
    }
    assert (failed["value"], failed["error"]) == (None, "ssim: too small")
    assert infinite["value"] == math.inf
    assert (last["value"], last["error"]) == (30.5, "")


@pytest.mark.parametrize("kind", ["tsv", "semicolons", "gzip", "json", "parquet"])
def test_formats(tmp_path, kind):
    text = "\ufeffImage\tDMOS\tm\na.png\t10\t1\nb.png\t20\tinf\n"
    rows = [
        {"Image": "a.png", "DMOS": 10, "m": 1.0},
        {"Image": "b.png", "DMOS": 20, "m": math.inf},
    ]
    path = (
        tmp_path
        / {
            "tsv": "t.tsv",
            "semicolons": "t.csv",
            "gzip": "t.csv.gz",
            "json": "t.json",
            "parquet": "t.parquet",
        }[kind]
    )
    if kind == "gzip":
        path.write_bytes(gzip.compress(text.replace("\t", ",").encode()))
    elif kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text(text if kind == "tsv" else text.replace("\t", ";"))
    scores = read_scores([path])
    assert _values(scores) == {("m", "a.png"): 1.0, ("m", "b.png"): math.inf}
    assert [r["score"] for r in scores.rows] == [10, 20]
    assert scores.score_direction == {"t": "lower"}


def test_tables_are_joined_by_image(tmp_path):
    """Folders and capitals may differ; facts come from whichever table has them."""
    paths = _write(
        tmp_path,
        mos="image,mos\nI01.bmp,5\ni02.bmp,3\ni03.bmp,2\n",
        ours="image,reference,ssim\nset/dist/i01.BMP,set/ref/i.bmp,.9\n"
        "set/dist/i02.bmp,set/ref/i.bmp,.8\nset/dist/i09.bmp,set/ref/i.bmp,.8\n",
        theirs="image,vif\nI02.bmp,.2\nI03.bmp,n/a\nI01.bmp,oops\n",
    )
    scores = read_scores(paths)
    assert _values(scores) == {
        ("ssim", "I01.bmp"): 0.9,
        ("ssim", "i02.bmp"): 0.8,
        ("ssim", "i03.bmp"): None,
        ("vif", "I01.bmp"): None,
        ("vif", "i02.bmp"): 0.2,
        ("vif", "i03.bmp"): None,
    }
    errors = {(r["metric"], r["image"]): r["error"] for r in scores.rows}
    assert errors["ssim", "i03.bmp"] == "no row in ours.csv"
    assert errors["vif", "i03.bmp"] == "no value in theirs.csv"
    assert errors["vif", "I01.bmp"] == "theirs.csv: 'oops' is not a number"
    references = {r["image"]: r["reference"] for r in scores.rows}
    assert references["I01.bmp"] == "set/ref/i.bmp" and references["i03.bmp"] is None
    assert scores.notes == [
        "1 images of ours.csv have no subjective score and are left out, "
        "set/dist/i09.bmp first"
    ]


def test_parts_of_a_run_are_one_metric(tmp_path):
    mos, first, second, wrong = _write(
        tmp_path,
        mos=MOS,
        first="image,ssim\na.png,.9\nb.png,\n",
        second="image,ssim\nb.png,.7\n",
        wrong="image,ssim\na.png,.8\n",
    )
    scores = read_scores([mos, first, second])
    assert _values(scores) == {("ssim", "a.png"): 0.9, ("ssim", "b.png"): 0.7}
    assert not any(r["error"] for r in scores.rows)
    with pytest.raises(UsageError, match=r"ssim of a.png is 0.9 in one row, but 0.8"):
        read_scores([mos, first, wrong])


def test_long_rows_come_back_as_they_were_written(tmp_path):
    text = MOS.replace("mos_std", "mos_std,m,k")
    text = text.replace(".1\n", ".1,1,\n").replace(".2\n", ".2,inf,4\n")
    (path,) = _write(tmp_path, set=text)
    scores = read_scores([path])
    for name in ("rows.parquet", "rows.csv", "rows.json"):
        write_rows(tmp_path / name, COLUMNS, scores.rows)
        again = read_scores([tmp_path / name])
        assert again.rows == scores.rows
        assert again.score_direction == {"set": "higher"}


def test_infinity_by_a_number_only_if_asked(tmp_path):
    (path,) = _write(tmp_path, s="image,mos,m\na,1,100000\nb,2,-100000\nc,3,7\n")
    assert list(_values(read_scores([path])).values()) == [100000, -100000, 7]
    found = _values(read_scores([path], infinite=100000))
    assert list(found.values()) == [math.inf, -math.inf, 7]


def test_two_data_sets_in_one_table(tmp_path):
    paths = _write(
        tmp_path,
        a="data,image,mos\nx,1.png,5\ny,1.png,7\n",
        b="dataset,image,m\nx,1.png,.5\ny,1.png,.7\n",
    )
    rows = read_scores(paths).rows
    assert {(r["data"], r["score"], r["value"]) for r in rows} == {
        ("x", 5, 0.5),
        ("y", 7, 0.7),
    }


def test_columns_that_are_no_metrics(tmp_path):
    (path,) = _write(
        tmp_path,
        live="image,dmos_raw,dmos_new,dmos_new_std,hidden,ssim\na,1,2,.3,0,.9\n",
    )
    scores = read_scores([path], subjective="dmos_new", ignore=["hidden"])
    assert [(r["metric"], r["score"], r["deviation"]) for r in scores.rows] == [
        ("ssim", 2, 0.3)
    ]
    assert scores.score_direction == {"live": "lower"}


def test_counts_indices_and_votes_are_no_metrics(tmp_path):
    (path,) = _write(
        tmp_path,
        k="Unnamed: 0,id,image,mos,n_ratings,votes,ci95,c1,c2,time,width,vif\n"
        "0,7,a,4,9,60,.1,2,3,12,512,.5\n1,8,b,3,9,61,.2,5,0,13,512,.4\n",
    )
    scores = read_scores([path])
    assert {r["metric"] for r in scores.rows} == {"vif"}
    assert scores.columns == [
        "k.csv: columns image = image; score = mos; metrics = vif; not used: "
        "Unnamed: 0, id, n_ratings, votes, ci95, c1, c2, time, width"
    ]


def test_unicode_forms_of_one_name_are_joined(tmp_path):
    name = "\N{LATIN SMALL LETTER E WITH ACUTE}.png"
    other = unicodedata.normalize("NFD", name)
    paths = _write(
        tmp_path, mos=f"image,mos\n{name},4\n", m=f"image,m\nd/{other.upper()},1\n"
    )
    assert _values(read_scores(paths)) == {("m", name): 1}


def test_lock_files_are_passed_over(tmp_path):
    paths = _write(tmp_path, t="image,mos,m\na,4,1\n")
    lock = tmp_path / "~$t.xlsx"
    lock.write_bytes(b"x")
    scores = read_scores([lock, *paths])
    assert scores.notes == [f"{lock}: passed over, no table"]
    with pytest.raises(UsageError, match="left beside it"):
        read_scores([lock])


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"a": "who,mos,m\na,1,2\n"}, {}, "called image .*got columns who, mos, m"),
        (
            {"a": "image,m\na,1\n"},
            {},
            "mos, dmos, score, meanopinionscore.*got image, m in a.csv",
        ),
        ({"a": "image,mos,m\na,1,2\n"}, {"subjective": "z"}, "a column z"),
        ({"a": "image,mos,dmos,m\na,1,2,3\n"}, {}, "mos and dmos may be"),
        (
            {"a": "image,mos\na,1\n"},
            {},
            "no column holds scores of a metric: .* image, mos in a.csv",
        ),
        ({"a": "image,mos,m\n"}, {}, "the table has no rows"),
        ({"a": "image,mos,m\na,1\n"}, {}, r"line 2: expected 3 cells, .* got 2"),
        ({"a": "image,mos,m,m\na,1,2,3\n"}, {}, "column m occurs twice"),
        (
            {"a": "image,mos,m\na,good,2\n"},
            {},
            "mos of a: expected a number, got 'good'",
        ),
        ({"a": "image,mos,m\na,,2\n"}, {}, "the column mos holds no scores"),
        ({"a": "image,mos,m\na,1,2\na,3,2\n"}, {}, "a has the score 1.0, but 3.0 in"),
        ({"a": "image,mos\na,1\n", "b": "image,m\nc,2\n"}, {}, "no image in common"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, files, options, message):
    with pytest.raises(UsageError, match=message):
        read_scores(_write(tmp_path, **files), **options)


def test_files_that_are_none(tmp_path):
    for name, text, message in (
        ("a.xls", "x", "expected a name that ends in .csv.*, got .xls"),
        ("a.json", "{}", "a JSON array of objects"),
        ("a.json", "[", "cannot read"),
        ("a.parquet", "nothing", "cannot read"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError, match=message):
            read_score_table(tmp_path / name)
    with pytest.raises(UsageError, match="does not exist"):
        read_score_table(tmp_path / "none.csv")


def test_types_of_written_columns_do_not_hang_on_the_values(tmp_path):
    (path,) = _write(tmp_path, set=MOS.replace("mos_std", "m"))
    write_rows(tmp_path / "rows.parquet", COLUMNS, read_scores([path]).rows)
    kinds = {f.name: str(f.type) for f in pq.read_schema(tmp_path / "rows.parquet")}
    for text in ("data", "split", "image", "version", "weights", "error"):
        assert kinds[text] == "string"
    assert kinds["level"] == "int64" and kinds["deviation"] == "double"

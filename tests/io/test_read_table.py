"""One reader of tables: its formats, and each synonym of a column's name."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pandas
import pytest

from jiqa.data.schema import Info
from jiqa.data.user_tables.layout import read_user_table
from jiqa.errors import LayoutError
from jiqa.evaluation.read_scores import read_scores
from jiqa.io.read_table import SUFFIXES, read_sheet, read_table
from jiqa.io.table_columns import (
    SYNONYMS,
    find_column,
    find_columns,
    find_deviation,
    is_difference,
    read_number,
)
from tests.helpers.data_archives import pictures

BASE = Info("t", "full-reference", layout="LAYOUT", citation="", homepage="")
NAMES = ["a.png", "b.png", "c.png", "d.png"]

#: A header with a name of each meaning, and the cells of four images.
FULL = {
    "image": NAMES,
    "reference": ["r.png"] * 4,
    "score": ["1.5", "2", "3", "4.25"],
    "deviation": ["0.1", "0.2", "0.3", "0.4"],
    "distortion": ["blur", "blur", "noise", "noise"],
    "level": ["1", "2", "1", "2"],
    "split": ["train", "test", "train", "test"],
}


def _written(path: Path, columns: dict[str, list[str]], separator: str = ",") -> Path:
    lines = [separator.join(columns)]
    lines += [separator.join(row) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _save(path: Path, rows: list[dict[str, object]]) -> None:
    """The same rows under the ending of ``path``."""
    frame = pandas.DataFrame(rows)
    kind = path.name.partition(".")[2]
    if kind == "xlsx":
        frame.to_excel(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "json":
        path.write_text(json.dumps([{k: v for k, v in row.items()} for row in rows]))
    else:
        text = frame.to_csv(index=False, sep="\t" if "tsv" in kind else ",")
        data = text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if kind.endswith("gz") else data)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_means_the_same_in_every_format(suffix, tmp_path):
    rows: list[dict[str, object]] = [
        {"Image": "ä b.png", "MOS": 0.123456789012345, "level": 3, "m": math.inf},
        {"Image": "c.png", "MOS": None, "level": 4, "m": -1e-30},
    ]
    path = tmp_path / f"t{suffix}"
    _save(path, rows)
    table = read_table(path)
    assert list(table.columns) == ["Image", "MOS", "level", "m"]
    first, second = table.records()
    assert (first["Image"], second["Image"]) == ("ä b.png", "c.png")
    assert read_number(first["MOS"]) == 0.123456789012345 and second["MOS"] == ""
    assert (read_number(first["level"]), read_number(second["level"])) == (3, 4)
    # A cell of a spreadsheet holds no infinity.
    assert suffix == ".xlsx" or read_number(first["m"]) == math.inf
    assert read_number(second["m"]) == -1e-30
    assert table.where(1) == f"{path}, line 3"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings(separator, encoding, tmp_path):
    path = tmp_path / "t.csv"
    text = f"image{separator}note\n\né.png{separator} 'x' \n"
    path.write_bytes(text.encode(encoding))
    table = read_table(path)
    assert table.records() == [{"image": "é.png", "note": "'x'"}]
    assert table.lines == [3]


def test_columns_without_a_name_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",image,,mos,\n0,a.png,x,3,\n1,b.png,,4,\n")
    assert read_table(path).records() == [
        {"image": "a.png", "mos": "3"},
        {"image": "b.png", "mos": "4"},
    ]


def test_rows_that_do_not_fit_the_header(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,2\n")
    assert read_table(path).rows == [["1", "2", ""]]
    with pytest.raises(LayoutError, match=r"line 2: expected 3 cells, .*got 2"):
        read_table(path, short_rows=False)
    path.write_text("a,b,c\n1,2,3,\n")
    assert read_table(path, short_rows=False).rows == [["1", "2", "3"]]
    path.write_text("a,b,c\n1,2,3,4\n")
    with pytest.raises(LayoutError, match=r"line 2: expected 3 cells, .*got 4"):
        read_table(path)
    assert read_table(path, long_rows=True).rows == [["1", "2", "3"]]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", b"\n,,\n", "got an empty file"),
        ("t.csv.gz", b"no gzip", "t.csv.gz"),
        ("t.csv.gz", gzip.compress(b"image,mos\n", mtime=0)[:-4], "t.csv.gz"),
        ("t.xlsx", b"nothing", "opened as an Excel file"),
        ("t.parquet", b"nothing", "cannot read"),
        ("t.json", b"[", "cannot read"),
        ("t.json", b"[1]", "expected a JSON array of objects"),
    ],
)
def test_files_that_are_no_tables(name, data, said, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LayoutError, match=said):
        read_table(tmp_path / name)
    with pytest.raises(LayoutError, match="No such file"):
        read_table(tmp_path / f"none{name}")


def test_a_sheet_by_its_name(tmp_path):
    path = tmp_path / "t.xlsx"
    with pandas.ExcelWriter(path) as book:
        pandas.DataFrame({"a": [1]}).to_excel(book, sheet_name="one", index=False)
        pandas.DataFrame({"b": [2.5]}).to_excel(book, sheet_name="two", index=False)
    assert read_sheet(path) == [["a"], ["1"]]
    assert read_sheet(path, "two") == [["b"], ["2.5"]]
    with pytest.raises(LayoutError, match="expected a sheet three, got one, two"):
        read_sheet(path, "three")


def test_no_name_has_two_meanings():
    names = [name for synonyms in SYNONYMS.values() for name in synonyms]
    assert len(names) == len(set(names))
    assert all(synonyms[0] == meaning for meaning, synonyms in SYNONYMS.items())


@pytest.mark.parametrize(
    ("meaning", "name"),
    [(meaning, name) for meaning in FULL for name in SYNONYMS[meaning]],
)
def test_each_synonym_by_data_and_by_scores(meaning, name, tmp_path):
    pictures(tmp_path, [*NAMES, "r.png"])
    columns = {name if key == meaning else key: cells for key, cells in FULL.items()}
    path = _written(tmp_path / "t.csv", columns)
    records = read_user_table(path, {}, BASE).records
    assert [r.name for r in records] == NAMES
    assert [r.reference for r in records] == FULL["reference"]
    assert [r.score for r in records] == [1.5, 2, 3, 4.25]
    assert [r.deviation for r in records] == [0.1, 0.2, 0.3, 0.4]
    assert [r.distortion for r in records] == FULL["distortion"]
    assert [r.level for r in records] == [1, 2, 1, 2]
    assert [r.split for r in records] == FULL["split"]

    scores = read_scores([_written(path, {**columns, "vif": ["4", "3", "2", "inf"]})])
    assert {r["metric"] for r in scores.rows} == {"vif"}
    rows = {row["image"]: row for row in scores.rows}
    for record in records:
        row = rows[record.name]
        for fact in ("reference", "score", "deviation", "distortion", "level", "split"):
            assert row[fact] == getattr(record, fact), fact
    better = "lower" if "dmos" in name and meaning == "score" else "higher"
    assert scores.score_direction == {"t": better}


def test_synonyms_of_a_score_may_be_metrics_beside_one(tmp_path):
    """``quality`` is a score where nothing else is; beside a MOS it is a metric."""
    alone = _written(tmp_path / "a.csv", {"image": NAMES, "quality": list("1234")})
    mos = _written(tmp_path / "m.csv", {"image": NAMES, "MOS": list("4321")})
    rows = read_scores([mos, alone]).rows
    assert [(r["metric"], r["score"], r["value"]) for r in rows] == [
        ("quality", 5 - k, k) for k in range(1, 5)
    ]
    other = _written(tmp_path / "o.csv", {"image": NAMES, "vif": list("1234")})
    rows = read_scores([alone, other]).rows
    assert [(r["metric"], r["score"]) for r in rows] == [
        ("vif", k) for k in range(1, 5)
    ]
    two = {"image": NAMES, "quality": list("1234"), "rating": list("1234")}
    with pytest.raises(ValueError, match="quality and rating may be the subjective"):
        read_scores([_written(alone, two), other])
    named = read_scores([alone], subjective="rating").rows
    assert [r["metric"] for r in named] == ["quality"] * 4


def test_decimal_commas(tmp_path):
    columns = {"image": NAMES, "mos": ["1,5", "2", "3", "4,25"], "m": ["0,1"] * 4}
    rows = read_scores([_written(tmp_path / "t.csv", columns, ";")]).rows
    assert [r["score"] for r in rows] == [1.5, 2, 3, 4.25]
    assert {r["value"] for r in rows} == {0.1}


@pytest.mark.parametrize(
    ("columns", "score", "found"),
    [
        ("mos std mos_std", "mos", "mos_std"),
        ("mos std dmos_std", "mos", "std"),
        ("mos dmos dmos_std", "mos", None),
        ("score mos_std", "score", "mos_std"),
        ("dmos_new SD_DMOS_new", "dmos_new", "SD_DMOS_new"),
        ("mos variance", "mos", None),
    ],
)
def test_whose_deviation_a_column_is(columns, score, found):
    names = columns.split()
    index = find_deviation(names, score)
    assert (None if index is None else names[index]) == found


def test_which_of_two_names_counts():
    names = ["image_name", "distorted", "Ref. Image"]
    assert find_column(names, "image") == 0
    assert find_column(names, "image", first="distorted") == 1
    assert find_column(names, "reference") == 2
    assert find_column(names, "level") is None


def test_numbers_and_directions():
    cells = ["", " NA ", "n/a", "NaN", "none", "null", "-", "1e-3", "-inf", "2,5", "-3"]
    assert [read_number(c) for c in cells] == [*[None] * 7, 1e-3, -math.inf, 2.5, -3]
    for text in ("good", "1 2", "1_0", "1,23,4", "1.2.3", "1,234,5", "1 2345"):
        with pytest.raises(ValueError):
            read_number(text)
    assert is_difference("DMOS (realigned)") and not is_difference("MOS z-score")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.000,5", 1000.5),
        ("1,234.5", 1234.5),
        ("1 234,5", 1234.5),
        ("1\u00a0234", 1234),
        ("1'234.5", 1234.5),
        ("1.234.567", 1234567),
        ("1,234,567.25", 1234567.25),
        ("3,125", 3.125),  # one comma is a decimal comma
        ("3.125", 3.125),
        ("\N{MINUS SIGN}3,5", -3.5),
    ],
)
def test_thousands_only_beyond_doubt(text, number):
    assert read_number(text) == number


def test_a_number_of_votes_is_no_histogram(tmp_path):
    """KonIQ-10k++ has filename, qmos, sd, votes; columns of votes hold numbers."""
    path = tmp_path / "t.csv"
    path.write_text("filename,qmos,sd,votes,c1,c2\na.png,1.5,.9,60,.5,.75\n")
    table = read_table(path)
    found = find_columns(
        table, ("image", "score", "deviation", "histogram"), votes=True
    )
    assert (found.votes, found.others) == ({}, ["votes", "c1", "c2"])
    assert found.note(table) == (
        "t.csv: columns image = filename; score = qmos; deviation = sd; not used: "
        "votes, c1, c2"
    )
    for cells in ("3,1", ".25,.75", "25,75"):
        path.write_text(f"image,c1,c2\na.png,{cells}\n")
        table = read_table(path)
        found = find_columns(table, ("image",), votes=True)
        assert found.votes == {1: 1, 2: 2}
        assert found.note(table).endswith("numbers of votes = c1 to c2")
    path.write_text('image,votes\na.png,"3 1"\nb.png,7\n')
    assert "histogram" in find_columns(read_table(path), ("histogram",)).index


@pytest.mark.parametrize("name", ["~$t.xlsx", "._t.csv"])
def test_what_programs_leave_beside_a_table_is_none(name, tmp_path):
    (tmp_path / name).write_bytes(b"\0\5\x16\7")
    with pytest.raises(LayoutError, match="got what a program left beside it"):
        read_table(tmp_path / name)


def test_other_texts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("image,mos\né.png,3\n".encode("utf-16-le"))  # without a mark
    assert read_table(path).records() == [{"image": "é.png", "mos": "3"}]
    path.write_bytes("image,mos\n".encode("utf-16") + b"\0")
    with pytest.raises(LayoutError, match="cannot read"):
        read_table(path)
    path.write_text('sep=;\n"image";"a, b, c"\nx.png;1,5\n')
    table = read_table(path)
    assert table.records() == [{"image": "x.png", "a, b, c": "1,5"}]
    assert table.lines == [3]
    path.write_text('"a, b, c, d";image\n1;x.png\n')
    assert read_table(path).columns == ["a, b, c, d", "image"]
    path.write_text("image|mos\nx.png|3\n")
    assert read_table(path).columns == ["image", "mos"]
    path.write_bytes("image\né.png\n".encode() + b"\xe9.png\n")  # as jiqa writes it
    assert [r["image"] for r in read_table(path).records()] == ["é.png", "\udce9.png"]

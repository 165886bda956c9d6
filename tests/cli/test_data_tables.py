"""``jiqa data`` with tables, folders, options and downloads."""

from __future__ import annotations

import re

import pytest

from jiqa.cli import main
from jiqa.data import downloads
from jiqa.data.store import open_dataset
from tests.helpers.data_archives import pictures, write


def _run(*words, out) -> int:
    try:
        return main(["data", *map(str, words), "--data-dir", str(out)])
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
def ratings(tmp_path):
    root = tmp_path / "our ratings"
    pictures(root, ["a.png", "b.png"])
    write(root / "scores.csv", "image,score\na.png,3\nb.png,1\n")
    return root


def test_a_table_from_its_ratings_to_a_sheet(ratings, tmp_path, capsys):
    out = tmp_path / "out"
    words = ("prepare", "table", "--manual-dir", ratings, "--option", "direction=lower")
    assert _run(*words, out=out) == 0
    said = capsys.readouterr().out
    assert said.startswith("our_ratings: 2 images\n")
    assert said.endswith("use it as --data table/our_ratings\n")
    assert _run(*words, out=out) == 0
    assert capsys.readouterr().out.startswith("table/our_ratings is already prepared")
    assert _run("info", "our_ratings", out=out) == 0
    said = capsys.readouterr().out
    assert re.search(r"name +table/our_ratings +\n", said)
    assert re.search(r"scores +MOS 1 to 3, lower is better", said)
    assert re.search(r"options +title: the.*\n +citation: ", said)
    assert _run("list", out=out) == 0
    (row,) = [x for x in capsys.readouterr().out.splitlines() if "our_ratings" in x]
    assert row.count("our_ratings") == 2 and "yes" in row
    sheet = tmp_path / "sheet.png"
    assert _run("show", "table/our_ratings", "--output", sheet, out=out) == 0
    assert sheet.read_bytes()[:4] == b"\x89PNG"


def test_a_folder_with_workers(ratings, tmp_path, capsys):
    words = ("prepare", "folder/mine", "--manual-dir", ratings, "--workers", 2)
    assert _run(*words, out=tmp_path / "out") == 0
    assert "2 images" in capsys.readouterr().out
    assert open_dataset("mine", tmp_path / "out").info.kind == "pristine"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("table/x", "--manual-dir", "IN", "--option", "up=1"), 2, "no option 'up'"),
        (("table/x", "--manual-dir", "IN", "--option", "up"), 2, "KEY=VALUE"),
        (("table/-x", "--manual-dir", "IN"), 2, "a name of letters"),
        (("table/x", "--manual-dir", "IN/gone"), 2, "gone is not a folder"),
        (("siqad",), 2, "siqad is not downloaded; give the unpacked archive"),
        (("koniq10k",), 2, downloads.BY_HAND["koniq10k"][0]),
        (("table",), 2, "table is not downloaded"),
    ],
)
def test_what_cannot_be_prepared(words, code, said, ratings, tmp_path, capsys):
    words = [str(word).replace("IN", str(ratings)) for word in words]
    assert _run("prepare", *words, out=tmp_path / "out") == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_ratings_under_the_same_name(ratings, tmp_path, capsys):
    words = ("prepare", "table/x", "--manual-dir", ratings)
    assert _run(*words, out=tmp_path / "out") == 0
    write(ratings / "scores.csv", "image,score\na.png,3\nb.png,2\n")
    assert _run(*words, out=tmp_path / "out") == 2
    assert "from other files or labels" in " ".join(capsys.readouterr().err.split())


def test_a_download_that_fails(tmp_path, capsys, monkeypatch):
    gone = downloads.Archive(("http://127.0.0.1:9/voc.tar",), "voc.tar", 10, "0" * 64)
    monkeypatch.setattr(downloads, "ARCHIVES", {"voc": gone})
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("jiqa.io.download.time.sleep", lambda seconds: None)
    assert _run("prepare", "voc", out=tmp_path / "out") == 1
    assert "http://127.0.0.1:9/voc.tar: the download failed" in capsys.readouterr().err

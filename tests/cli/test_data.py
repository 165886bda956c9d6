"""``jiqa data``: what it prints, what it draws, how it ends."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.data.store import open_dataset
from jiqa.report.contact_sheet import choose, contact_sheet
from tests.helpers import data_layouts as layouts

#: The score says which image is which: better images are darker.
_ROWS = [
    (round(9 - ref - kind / 4 - level / 20, 3), f"i{ref:02}_{kind:02}_{level}.bmp")
    for ref in (1, 2, 3)
    for kind in (1, 2, 3)
    for level in (1, 2)
]


@pytest.fixture
def archive(tmp_path):
    return layouts.tampere(tmp_path / "tid2013", _ROWS)


def _run(*words, out) -> int:
    return main(["data", *map(str, words), "--data-dir", str(out)])


def test_prepare_says_what_it_found(archive, tmp_path, capfd):
    (archive / "distorted_images" / "I01_01_2.BMP").write_bytes(b"no image")
    out = tmp_path / "out"
    words = ("prepare", "tid2013", "--manual-dir", archive.parent, "--workers", 2)
    assert _run(*words, out=out) == 0
    said, progress = capfd.readouterr()
    assert progress == ""  # no bar where nobody watches, TFDS's neither
    lines = said.splitlines()
    assert lines[0] == "TID2013: 18 of 3,000 images, 3 of 25 references"
    assert re.fullmatch(
        rf"prepared in {re.escape(str(out))}/tid2013/1.0.0: [\d.]+ MB, [\d.]+ s",
        lines[1],
    )
    assert lines[2] == "1 images cannot be read and are marked as unreadable:"
    assert "I01_01_2.BMP" in lines[3] and len(lines) == 4
    assert _run(*words, out=out) == 0
    assert capfd.readouterr().out.startswith("tid2013 is already prepared in ")


def test_prepare_tells_of_what_is_left_out_and_left_over(tmp_path, capsys):
    head = "image,reference,hidden,dmos,dmos_realigned"
    rows = [f"wn/img{n}.bmp,bikes.bmp,{int(n == 1)},3,{n}" for n in range(1, 4)]
    layouts.text(tmp_path / "in" / "scores.csv", [head, *rows])
    layouts.put(tmp_path / "in" / "wn", [f"img{n}.bmp" for n in range(1, 4)])
    left = tmp_path / "out" / "live" / "original" / "incomplete.ABCDEF_1.0.0"
    left.mkdir(parents=True)
    words = ("prepare", "live/original", "--manual-dir", tmp_path / "in")
    assert _run(*words, out=tmp_path / "out") == 0
    said, notes = capsys.readouterr()
    assert "2 of 779 images, 1 of 29 references, 1 hidden reference\n" in said
    assert "note: no folder jp2k: its 227 images (JPEG2000 compression)" in notes
    assert f"interrupted preparation, unless one is running: {left}" in said
    assert _run("info", "live/original", out=tmp_path / "out") == 0
    assert "no folder jp2k" in capsys.readouterr().out


def test_a_bar_where_someone_watches(archive, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert (
        _run("prepare", "tid2013", "--manual-dir", archive, out=tmp_path / "out") == 0
    )
    drawn = terminal.getvalue()
    assert "preparing" in drawn and "21/21" in drawn and "compiling" not in drawn


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("prepare", "csiq", "--manual-dir", "IN"), 2, "csiq.DMOS.xlsx"),
        (("prepare", "csiq", "--manual-dir", "IN/gone"), 2, "gone is not a folder"),
        (("show", "csiq"), 1, "jiqa data prepare csiq --manual-dir DIR"),
        (("info", "tid2012"), 2, "did you mean tid2013"),
        (
            ("prepare", "tid2013", "--manual-dir", "IN", "--workers", "0"),
            2,
            "at least 1",
        ),
        (
            ("prepare", "tid2013", "--manual-dir", "IN", "--option", "low"),
            2,
            "KEY=VALUE",
        ),
        (
            ("prepare", "csiq", "--manual-dir", "IN", "--option", "low=1"),
            2,
            "no option",
        ),
        (("prepare", "tid2008"), 2, "tid2008 is not downloaded"),
        (("prepare", "table"), 2, "table is not downloaded"),
        (
            ("show", "table"),
            1,
            "expected table/NAME, the name of a prepared set (prepared: none)",
        ),
        (("show", "tid2013", "-o", "sheet.jpg"), 2, "ends in .png"),
    ],
)
def test_what_cannot_be_done(words, code, said, archive, tmp_path, capsys):
    words = [str(w).replace("IN", str(archive)) for w in words]
    try:
        ended = _run(*words, out=tmp_path / "out")
    except SystemExit as end:
        ended = end.code
    assert ended == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_list_and_info(archive, tmp_path, capsys):
    out = tmp_path / "out"
    _run("prepare", "tid2013", "--manual-dir", archive, out=out)
    capsys.readouterr()
    assert _run("list", out=out) == 0
    rows = {
        cells[1].strip(): [c.strip() for c in cells[2:-1]]
        for line in capsys.readouterr().out.splitlines()
        if len(cells := line.split("│")) == 9
    }
    kind = ["full-reference", "3,000", "25", "MOS 0 to 9, higher is better"]
    assert rows["tid2013"] == ["TID2013", *kind, "yes"]
    assert rows["csiq"][-2:] == ["DMOS 0 to 1, lower is better", ""]
    assert {"cid_iq/50cm", "cid_iq/100cm", "koniq10k/zscore"} < rows.keys()
    assert _run("info", "tid2013", out=out) == 0
    said = capsys.readouterr().out
    for text in ("10.1016/j.image.2014.10.009", "mos_with_names.txt", "18 images, in"):
        assert text in said
    assert _run("info", "cid_iq", out=out) == 0
    said = capsys.readouterr().out
    assert re.search(r"scores 100cm +MOS 1 to 9, higher is better: seen from 100", said)
    assert re.search(r"prepared +no", said)


def test_a_table_of_ones_own(tmp_path, capsys):
    table, out = tmp_path / "ratings.csv", tmp_path / "out"
    layouts.text(table, ["image,score", "a.png,2", "b.png,3.5"])
    layouts.put(tmp_path, ["a.png", "b.png"])
    options = ("--option", "direction=lower", "--option", "high=9")
    words = ("prepare", "table", "--manual-dir", table, *options)
    assert _run(*words, out=out) == 0
    assert capsys.readouterr().out.startswith("ratings: 2 images\nprepared in ")
    assert _run(*words, out=out) == 0
    assert "table/ratings is already prepared" in capsys.readouterr().out
    assert _run("info", "ratings", out=out) == 0
    said = capsys.readouterr().out
    assert "table/ratings" in said and "MOS 2 to 9, lower is better" in said
    assert _run("list", out=out) == 0
    said = capsys.readouterr().out
    assert "table/NAME" in said and "table/ratings" in said
    layouts.text(table, ["image,score", "a.png,2", "b.png,1"])
    with pytest.raises(SystemExit):
        _run(*words, out=out)
    assert "already prepared from other files or labels" in capsys.readouterr().err


def test_a_sheet_goes_from_best_to_worst(archive, tmp_path, capsys):
    for row, (_, name) in enumerate(_ROWS):
        (path,) = (
            p
            for p in (archive / "distorted_images").iterdir()
            if p.name.lower() == name
        )
        shade = 10 * row
        path.write_bytes(
            b"no image" if row == 1 else layouts.encoded(".bmp", shade, (20, 30))
        )
    out, file = tmp_path / "out", tmp_path / "new" / "sheet.png"
    _run("prepare", "tid2013", "--manual-dir", archive, out=out)
    assert _run("show", "tid2013", "--output", file, out=out) == 0
    assert str(file) in capsys.readouterr().out
    sheet = np.asarray(Image.open(file))
    assert sheet.shape[2] == 3
    grid = choose(open_dataset("tid2013", out), 6, 5)
    assert [line[0].entry.name for line in grid] == ["I01", "I02", "I03"]
    assert [c.entry.name for c in grid[1]] == [
        "I02",
        *("i02_01_1.bmp", "i02_02_1.bmp", "i02_02_2.bmp", "i02_03_2.bmp"),
    ]
    assert grid[1][1].heading == "6.70" and grid[1][0].heading == "reference"
    # Pictures are where the sheet puts them: row 2, best and worst of its six.
    rows = [n for n in range(len(sheet)) if (sheet[n, 300] == (60, 195, 60)).all()]
    assert rows
    colours = [tuple(sheet[rows[len(rows) // 2], x]) for x in (300, 1000)]
    assert colours == [(60, 195, 60), (110, 145, 60)]


def test_a_sheet_of_photographs(tmp_path):
    votes = {f"{n}.jpg": (30 - n, 0, 0, 0, n) for n in range(30)}
    layouts.koniq(tmp_path / "in", votes)
    _run("prepare", "koniq10k", "--manual-dir", tmp_path / "in", out=tmp_path / "out")
    dataset = open_dataset("koniq10k", tmp_path / "out")
    grid = choose(dataset, 2, 4)
    names = [cell.entry.name for line in grid for cell in line]
    assert [len(line) for line in grid] == [4, 4]
    assert (names[0], names[-1]) == ("29.jpg", "0.jpg")
    assert names == sorted(names, key=lambda n: -int(n[:-4]))
    assert contact_sheet(dataset, rows=1, columns=2, side=40).size == (110, 148)
    with pytest.raises(
        ValueError,
        match="rows, columns: expected at least 1 row and 2 columns, got 0 and 5",
    ):
        contact_sheet(dataset, rows=0)

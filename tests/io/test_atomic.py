"""Files appear whole or not at all, whatever breaks off and whoever else writes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jiqa.io.atomic import replacing, write_bytes, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_is_made_and_nothing_else_stays(tmp_path):
    target = tmp_path / "a" / "b" / "table.csv"
    write_text(target, "x\n")
    assert target.read_text() == "x\n"
    write_bytes(target, b"y\r\n")
    assert target.read_bytes() == b"y\r\n"
    assert names(target.parent) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "table.csv"
    write_text(target, "old")
    with pytest.raises(error), replacing(target) as draft:
        draft.write_text("half of the n")
        assert target.read_text() == "old"
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_a_failure_before_anything_is_written(tmp_path):
    with pytest.raises(RuntimeError), replacing(tmp_path / "table.csv"):
        raise RuntimeError
    assert names(tmp_path) == []
    # A block that wrote nothing replaces nothing.
    write_text(tmp_path / "table.csv", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "table.csv"):
        pass
    assert (tmp_path / "table.csv").read_text() == "old"


def test_a_sole_writer_writes_over_what_a_killed_run_left(tmp_path):
    target = tmp_path / "0.png"
    for _ in range(2):
        # A process that is killed removes nothing.
        with replacing(target, sole_writer=True) as draft:
            draft.write_text("whole")
        draft.write_text("hal")
    assert target.read_text() == "whole"
    with replacing(target, sole_writer=True) as draft:
        draft.write_text("new")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["0.png"]


@pytest.mark.parametrize(
    "name", ["Größe 鳥.csv", "b" * 255, "鳥" * 85, os.fsdecode(b"byte\xff.csv")]
)
def test_any_name_that_a_file_can_have(tmp_path, name):
    target = tmp_path / name
    for text in ("one", "two"):
        write_text(target, text)
    assert target.read_text() == "two"
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]


def test_text_is_utf_8_with_its_own_line_ends(tmp_path):
    target = tmp_path / "t"
    write_text(target, "ü\n\r\n")
    assert target.read_bytes() == b"\xc3\xbc\n\r\n"
    write_text(target, os.fsdecode(b"\xff"), "surrogateescape")
    assert target.read_bytes() == b"\xff"
    with pytest.raises(UnicodeEncodeError):
        write_text(target, os.fsdecode(b"\xff"))
    assert target.read_bytes() == b"\xff"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "file.txt")
    write_text(tmp_path / "link.txt", "x")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "x"
    assert names(tmp_path / "real") == ["file.txt"]


def test_the_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "atomic", "")
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "atomic")]
    assert modes[0] == modes[1]


def test_threads_that_write_one_file(tmp_path):
    target = tmp_path / "t"
    texts = [str(n) * 50_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda text: write_text(target, text), texts))
            assert target.read_text() in texts
    assert names(tmp_path) == ["t"]


def test_processes_that_write_one_file_while_it_is_read(tmp_path):
    code = (
        "import sys\n"
        "from jiqa.io.atomic import write_text\n"
        "for _ in range(200):\n"
        "    write_text(sys.argv[1], sys.argv[2] * 20000)\n"
    )
    target = tmp_path / "t"
    write_text(target, "0" * 20_000)
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(target), digit])
        for digit in "12"
    ]
    seen = set()
    while any(process.poll() is None for process in running):
        text = target.read_text()
        assert len(text) == 20_000 and len(set(text)) == 1
        seen.add(text[0])
    assert [process.returncode for process in running] == [0, 0]
    assert target.read_text()[0] in "12" and seen <= set("012")
    assert names(tmp_path) == ["t"]

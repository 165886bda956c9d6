"""Which files of a folder are its images."""

from __future__ import annotations

import os

from jiqa.io.decode import SUFFIXES
from jiqa.io.walk import by_name, walk_images


def _files(root, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _found(root) -> list[str]:
    return [p.relative_to(root).as_posix() for p in walk_images(root).files]


def test_hidden_files_copies_and_thumbnails_are_passed_over_and_counted(tmp_path):
    _files(tmp_path, "b.PNG", "a/c.jpg", "a.png", "notes.txt", "x.csv", "y.csv")
    _files(tmp_path, "._a.png", ".hidden/a.png", "__MACOSX/a.png", "a/@eaDir/a.png")
    _files(tmp_path, "Thumbnails/a.png")
    assert _found(tmp_path) == ["a/c.jpg", "a.png", "b.PNG"]
    walk = walk_images(tmp_path)
    assert walk.passed_over == {
        "hidden files": 1,
        "hidden folders": 1,
        "folders of thumbnails": 2,
        "__MACOSX": 1,
        "files that end in .csv, .txt": 3,
    }
    assert "hidden files (1), hidden folders (1)" in walk.note()


def test_a_folder_whose_own_name_is_hidden_is_looked_into(tmp_path):
    _files(tmp_path, ".thumbnails/a.png")
    walk = walk_images(tmp_path / ".thumbnails")
    assert [p.name for p in walk.files] == ["a.png"]
    assert (dict(walk.passed_over), walk.note()) == ({}, "")


def test_linked_folders_are_entered_once(tmp_path):
    _files(tmp_path, "in/real/a.png", "store/c.png")
    root = tmp_path / "in"
    for link, target in (
        ("a_link", root / "real"),  # sorts before the folder that it leads to
        ("one", tmp_path / "store"),
        ("other", tmp_path / "store"),
        ("real/up", root),
    ):
        os.symlink(target, root / link)
    assert _found(root) == ["one/c.png", "real/a.png"]


def test_a_broken_link_is_a_file_and_a_pipe_is_not(tmp_path):
    os.symlink(tmp_path / "gone.png", tmp_path / "link.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    walk = walk_images(tmp_path)
    assert [p.name for p in walk.files] == ["link.png"]
    assert walk.passed_over == {"pipes and devices": 1}


def test_every_ending_of_the_formats_that_are_read(tmp_path):
    names = "a.pnm a.jfif a.j2c a.jpc a.jpx a.dib".split()
    _files(tmp_path, *names)
    assert _found(tmp_path) == sorted(names)
    assert all(s.startswith(".") and s == s.lower() for s in SUFFIXES)
    assert list(by_name(tmp_path, (".pnm",))) == ["a.pnm"]

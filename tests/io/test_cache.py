"""Which folders are the user's, by environment variable and by default."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jiqa.io import cache
from jiqa.io.cache import (
    cache_folder,
    can_write,
    data_folder,
    expanded,
    is_temporary,
    weights_folder,
    working_folder,
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    monkeypatch.setattr(cache, "_made", [])
    for name in ("JIQA_CACHE", "JIQA_DATA", "JIQA_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_the_cache_is_in_the_users_cache_unless_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home/.cache/jiqa"
    assert cache_folder("weights") == tmp_path / "home/.cache/jiqa/weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / "home/.cache/jiqa"
    monkeypatch.setenv("JIQA_CACHE", "")
    assert cache_folder() == tmp_path / "home/.cache/jiqa"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("xla") == tmp_path / "xdg/jiqa/xla"
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert cache_folder("xla") == tmp_path / "mine/xla"
    monkeypatch.setenv("JIQA_CACHE", "~/x")
    assert cache_folder("xla") == tmp_path / "home/x/xla"
    monkeypatch.setenv("JIQA_DATA", "~/sets")
    assert data_folder() == tmp_path / "home/sets"
    assert not list(tmp_path.iterdir())


def test_the_cache_on_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    assert cache_folder("data") == Path("local/jiqa/data")


def test_data_sets_are_where_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path))
    assert data_folder() == data_folder("") == tmp_path / "data"
    monkeypatch.setenv("JIQA_DATA", "")
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("JIQA_DATA", "sets")
    assert data_folder() == data_folder(None) == Path("sets")
    assert data_folder("given") == Path("given")


def test_weights_are_where_is_asked_for_and_the_folder_exists(tmp_path, monkeypatch):
    assert weights_folder() is None
    monkeypatch.setenv("JIQA_WEIGHTS", "")
    assert weights_folder() is None
    monkeypatch.setenv("JIQA_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    (tmp_path / "given").mkdir()
    assert weights_folder(str(tmp_path / "given")) == tmp_path / "given"
    with pytest.raises(FileNotFoundError, match=r"weights' folder: .*none is not a"):
        weights_folder(tmp_path / "none")
    monkeypatch.setenv("JIQA_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(
        FileNotFoundError, match=r"JIQA_WEIGHTS: .*gone is not a folder"
    ):
        weights_folder()


@pytest.fixture
def no_home(monkeypatch):
    """A user without HOME and without an entry among the users."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: os.fspath(path))


def test_without_a_home_folder_work_goes_on_in_a_temporary_one(no_home, caplog):
    folder = cache_folder("features")
    assert is_temporary(folder) and can_write(folder)
    assert working_folder("features") == data_folder().parent / "features" == folder
    assert [r.getMessage() for r in caplog.records] == [
        "no home folder: nothing is kept between runs (JIQA_CACHE names another folder)"
    ]
    assert expanded("~/x") == Path("~/x")


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()  # root may write into any folder, but not into a file
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "file"))
    assert not can_write(cache_folder("features"))
    folder = working_folder("features")
    assert is_temporary(folder) and is_temporary(data_folder())
    assert not is_temporary(cache_folder("features"))
    assert "features cannot be written: nothing is kept" in caplog.text
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path))
    assert working_folder("features") == tmp_path / "features"
    assert not list(tmp_path.glob("features"))

"""Which folders are the user's, by environment variable and by default."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jiqa.io.cache import cache_folder, data_folder, weights_folder


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("JIQA_CACHE", "JIQA_DATA", "JIQA_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_the_cache_is_in_the_users_cache_unless_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home/.cache/jiqa"
    assert cache_folder("weights") == tmp_path / "home/.cache/jiqa/weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / "home/.cache/jiqa"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("xla") == tmp_path / "xdg/jiqa/xla"
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert cache_folder("xla") == tmp_path / "mine/xla"
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

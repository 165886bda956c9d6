"""Downloads of data sets: from a server on this machine, which serves archives."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import re
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from jiqa.data import downloads
from jiqa.data.downloads import ARCHIVES, BY_HAND, Archive, fetch, tree_digest
from jiqa.data.sets import all_datasets
from jiqa.data.store import prepare
from jiqa.io.download import DownloadError, WrongHash
from tests.helpers.data_archives import picture, write


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        del args


@pytest.fixture
def served(tmp_path):
    """A folder that is served, with its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _voc(folder: Path) -> str:
    """A tar file as VOC's; its SHA-256."""
    jpeg = picture(folder.parent / "one.jpg").read_bytes()
    with tarfile.open(folder / "voc.tar", "w") as packed:
        for name, data in {
            "VOCdevkit/VOC2012/JPEGImages/2007_000027.jpg": jpeg,
            "VOCdevkit/VOC2012/Annotations/2007_000027.xml": b"<annotation/>",
            "VOCdevkit/VOC2012/JPEGImages/../../../../escaped.jpg": jpeg,
            "elsewhere/JPEGImages/x.jpg": jpeg,
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return hashlib.sha256((folder / "voc.tar").read_bytes()).hexdigest()


def _archive(*addresses: str, **changes) -> Archive:
    settings = {
        "file": "voc.tar",
        "size": 1000,
        "root": "VOCdevkit/VOC2012",
        "parts": ("JPEGImages/",),
    }
    return Archive(addresses, **{**settings, **changes})


def test_prepared_from_the_second_address(served, tmp_path, monkeypatch):
    folder, address = served
    digest = _voc(folder)
    wanted = _archive(f"{address}/gone.tar", f"{address}/voc.tar", sha256=digest)
    monkeypatch.setattr(downloads, "ARCHIVES", {"voc": wanted})
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "cache"))
    told = []
    dataset = prepare("voc", progress=lambda done, total: told.append((done, total)))
    assert [e.name for e in dataset.entries()] == ["2007_000027.jpg"]
    assert told[-1] == ((folder / "voc.tar").stat().st_size,) * 2
    kept = tmp_path / "cache/downloads"
    assert {p.relative_to(kept).as_posix() for p in kept.rglob("*") if p.is_file()} == {
        "voc/JPEGImages/2007_000027.jpg"
    }
    assert not list(tmp_path.rglob("escaped.jpg"))
    # Once there, it is neither fetched nor unpacked again.
    (folder / "voc.tar").unlink()
    assert fetch("voc") == kept / "voc"


def test_another_file_is_refused(served, tmp_path, monkeypatch):
    folder, address = served
    _voc(folder)
    wanted = _archive(f"{address}/voc.tar", sha256="0" * 64)
    monkeypatch.setattr(downloads, "ARCHIVES", {"voc": wanted})
    with pytest.raises(WrongHash, match="expected a file whose SHA-256"):
        fetch("voc", tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize("right", [True, False])
def test_an_archive_that_is_packed_anew_each_time(right, served, tmp_path, monkeypatch):
    folder, address = served
    files = {"Images/a.jpg": b"a", "Train (x).csv": b"b"}
    for name, data in files.items():
        write(tmp_path / "plain" / name, data.decode())
    with zipfile.ZipFile(folder / "set.zip", "w") as packed:
        for name, data in {**files, "README.md": b"r"}.items():
            packed.writestr(f"BIQ-1/{name}", data)
    wanted = _archive(
        f"{address}/set.zip",
        file="set.zip",
        root="BIQ-1",
        parts=("Images/", "Train ("),
        contents=tree_digest(tmp_path / "plain") if right else "1" * 64,
    )
    monkeypatch.setattr(downloads, "ARCHIVES", {"set": wanted})
    if right:
        found = fetch("set", tmp_path / "kept")
        assert sorted(p.name for p in found.iterdir()) == ["Images", "Train (x).csv"]
        return
    with pytest.raises(WrongHash, match="holds other files than expected"):
        fetch("set", tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_an_archive_that_was_cut_off(served, tmp_path, monkeypatch):
    folder, address = served
    (folder / "set.zip").write_bytes(b"PK\x03\x04 and no more")
    wanted = _archive(f"{address}/set.zip", file="set.zip", contents="1" * 64)
    monkeypatch.setattr(downloads, "ARCHIVES", {"set": wanted})
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        fetch("set", tmp_path / "kept")
    assert not (tmp_path / "kept/set").exists()
    assert not (tmp_path / "kept/set.zip").exists()


def test_unpacking_that_was_interrupted_starts_again(served, tmp_path, monkeypatch):
    folder, address = served
    digest = _voc(folder)
    wanted = _archive(f"{address}/voc.tar", sha256=digest)
    monkeypatch.setattr(downloads, "ARCHIVES", {"voc": wanted})
    kept = tmp_path / "kept"
    write(kept / ".voc.unpacking/JPEGImages/half.jpg", "half")
    shutil.move(folder / "voc.tar", kept / "voc.tar")  # had been fetched whole
    found = fetch("voc", kept)
    assert [p.name for p in (found / "JPEGImages").iterdir()] == ["2007_000027.jpg"]


def test_too_little_room(tmp_path, monkeypatch):
    little = SimpleNamespace(free=10**9)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda path: little)
    with pytest.raises(
        DownloadError, match=r"free space in .*: expected 4\.0 GB .*, got 1\.0 GB"
    ):
        fetch("voc", tmp_path)


def test_what_is_not_downloaded_says_where_it_is(tmp_path):
    with pytest.raises(ValueError, match="koniq10k is not downloaded") as raised:
        prepare("koniq10k", None, tmp_path)
    for address in BY_HAND["koniq10k"]:
        assert address in str(raised.value)
    with pytest.raises(
        ValueError, match=r"siqad is not downloaded.*--manual-dir"
    ) as it:
        prepare("siqad", None, tmp_path)
    assert all_datasets()["siqad"].INFO.homepage in str(it.value)


def test_every_archive_can_be_checked():
    for name, archive in ARCHIVES.items():
        assert name in all_datasets() and name not in BY_HAND
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256 or archive.contents)
        assert archive.known_from and archive.licence and archive.size > 10**8
        assert all(re.match("https?://", address) for address in archive.addresses)
    assert set(BY_HAND) <= set(all_datasets())

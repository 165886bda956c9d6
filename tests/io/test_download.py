"""One file from a server: whole, broken off, wrong, absent, offline."""

from __future__ import annotations

import hashlib
import socket

import pytest

from jiqa.io import download as downloading
from jiqa.io.download import DownloadError, WrongHash, download
from tests.helpers.weights_server import CONTENT, SHA256, left

pytestmark = pytest.mark.usefixtures("own_cache")


def test_whole_file(server, tmp_path):
    told: list[tuple[int, int | None]] = []
    path = tmp_path / "new" / "w.pth"
    address = f"{server.address}/w.pth"
    found = download(address, path, SHA256[:8], lambda *x: told.append(x))
    assert found == SHA256
    assert path.read_bytes() == CONTENT
    assert left(path.parent) == ["w.pth"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert server.asked() == [""]


def test_broken_connection_is_resumed(server, tmp_path):
    server.cuts = [100_000, 50_000, 1]
    path = tmp_path / "w.pth"
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT
    starts = ["", "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    assert server.asked() == starts
    assert all(h["If-Range"] == '"one"' for _, h in server.requests[1:])


def test_interrupted_download_is_resumed_by_the_next(server, tmp_path):
    path = tmp_path / "w.pth"
    server.cuts = [120_000, *[0] * downloading.ATTEMPTS]
    with pytest.raises(DownloadError, match="120,000 bytes are kept"):
        download(f"{server.address}/w.pth", path, SHA256)
    assert not path.exists()
    assert (tmp_path / "w.pth.part").stat().st_size == 120_000
    server.requests.clear()
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.asked() == ["bytes=120000-"]
    assert left(tmp_path) == ["w.pth"]


def test_interrupt_from_the_keyboard_leaves_what_came(server, tmp_path):
    def stop(done: int, total: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    path = tmp_path / "w.pth"
    with pytest.raises(KeyboardInterrupt):
        download(f"{server.address}/w.pth", path, SHA256, stop)
    assert not path.exists()
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_begins_anew(server, tmp_path):
    path = tmp_path / "w.pth"
    server.cuts = [120_000, *[0] * downloading.ATTEMPTS]
    with pytest.raises(DownloadError):
        download(f"{server.address}/w.pth", path)
    server.files["/w.pth"] = changed = CONTENT[::-1]
    server.tag = '"two"'
    download(f"{server.address}/w.pth", path, hashlib.sha256(changed).hexdigest())
    assert path.read_bytes() == changed


def test_whole_but_not_yet_renamed(server, tmp_path):
    path = tmp_path / "w.pth"
    (tmp_path / "w.pth.part").write_bytes(CONTENT)
    (tmp_path / "w.pth.part.json").write_text('{"version": "\\"one\\""}')
    download(f"{server.address}/w.pth", path, SHA256)
    assert server.asked() == [f"bytes={len(CONTENT)}-"]
    assert path.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    path = tmp_path / "w.pth"
    (tmp_path / "w.pth.part").write_bytes(CONTENT + b"more")
    (tmp_path / "w.pth.part.json").write_text('{"version": "\\"one\\""}')
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("note", [None, "", "[]", '{"version": "W/\\"weak\\""}'])
def test_a_part_of_unknown_version_begins_anew(server, tmp_path, note):
    path = tmp_path / "w.pth"
    (tmp_path / "w.pth.part").write_bytes(b"from elsewhere")
    if note is not None:
        (tmp_path / "w.pth.part.json").write_text(note)
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("tag", ['"one"', ""])
def test_server_without_ranges(server, tmp_path, tag):
    server.ranges, server.tag = False, tag
    server.cuts = [100_000, 200_000]
    path = tmp_path / "w.pth"
    download(f"{server.address}/w.pth", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_wrong_hash_is_not_kept(server, tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"the old one")
    with pytest.raises(WrongHash, match=rf"expected .* begins with 0123, got {SHA256}"):
        download(f"{server.address}/w.pth", path, "0123")
    assert path.read_bytes() == b"the old one"
    assert left(tmp_path) == ["w.pth"]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_absent_file(server, tmp_path, code):
    server.codes = [code]
    with pytest.raises(DownloadError, match=rf"/w\.pth: the server answered {code}"):
        download(f"{server.address}/w.pth", tmp_path / "w.pth")
    assert len(server.requests) == 1


def test_busy_server_is_asked_again(server, tmp_path):
    server.codes = [503, 429]
    download(f"{server.address}/w.pth", tmp_path / "w.pth", SHA256)
    server.codes = [503] * downloading.ATTEMPTS
    with pytest.raises(DownloadError, match=r"download failed .*answered 503"):
        download(f"{server.address}/w.pth", tmp_path / "x.pth", SHA256)


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_network(server, tmp_path):
    address = f"http://127.0.0.1:{_closed_port()}/w.pth"
    with pytest.raises(DownloadError, match=r"w\.pth: the download failed .*refused"):
        download(address, tmp_path / "w.pth")
    with pytest.raises(DownloadError, match=r"w\.pth: the download failed"):
        download("http://nowhere.invalid/w.pth", tmp_path / "w.pth")
    assert left(tmp_path) == []


def test_a_silent_server_is_given_up(monkeypatch, server, tmp_path):
    monkeypatch.setattr(downloading, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/w.pth"
        with pytest.raises(DownloadError, match="timed out"):
            download(address, tmp_path / "w.pth")


def test_two_at_a_time(server, tmp_path):
    path = tmp_path / "w.pth"

    def second(done: int, total: int | None) -> None:
        with pytest.raises(DownloadError, match="another process is downloading it"):
            download(f"{server.address}/w.pth", path, SHA256)

    download(f"{server.address}/w.pth", path, SHA256, second)
    assert path.read_bytes() == CONTENT

"""Fetching from a server on this machine: whole, broken off, wrong, absent, offline."""

from __future__ import annotations

import hashlib
import http.server
import io
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from jiqa import weights
from jiqa.cli import main
from jiqa.weights import download as downloading
from jiqa.weights import files, registry
from jiqa.weights.download import DownloadError, WrongHash, download
from weights_convert import converting
from weights_convert.tables import Table

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves files from memory, as well or as badly as it is told.

    Attributes:
        files: content by path.
        ranges: whether it answers to Range.
        tag: the version that it states, if any.
        cuts: after how many bytes to break off, one answer each.
        codes: with which status to answer, one answer each.
        requests: headers of the requests so far, by path.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/w.pth": CONTENT}
        self.ranges = True
        self.tag = '"one"'
        self.cuts: list[int] = []
        self.codes: list[int] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self) -> list[str]:
        """The ranges asked for."""
        return [headers.get("Range", "") for _, headers in self.requests]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        if server.codes:
            return self.send_error(server.codes.pop(0))
        if self.path not in server.files:
            return self.send_error(404)
        content, start, status = server.files[self.path], 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        same = self.headers["If-Range"] in (None, server.tag)
        if asked and server.ranges and same:
            start, status = int(asked[1]), 206
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
        self.send_response(status)
        if status == 206:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        if server.tag:
            self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if server.cuts:
            body = body[: server.cuts.pop(0)]
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _only_here(monkeypatch, tmp_path):
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JIQA_WEIGHTS", raising=False)


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_file(server, tmp_path):
    told: list[tuple[int, int | None]] = []
    path = tmp_path / "new" / "w.pth"
    address = f"{server.address}/w.pth"
    found = download(address, path, SHA256[:8], lambda *x: told.append(x))
    assert found == SHA256
    assert path.read_bytes() == CONTENT
    assert _left(path.parent) == ["w.pth"]
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
    assert _left(tmp_path) == ["w.pth"]


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
    with pytest.raises(WrongHash, match=rf"is {SHA256}, needed .* begins with 0123"):
        download(f"{server.address}/w.pth", path, "0123")
    assert path.read_bytes() == b"the old one"
    assert _left(tmp_path) == ["w.pth"]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_absent_file(server, tmp_path, code):
    server.codes = [code]
    with pytest.raises(DownloadError, match=rf"/w\.pth: the server says {code}"):
        download(f"{server.address}/w.pth", tmp_path / "w.pth")
    assert len(server.requests) == 1


def test_busy_server_is_asked_again(server, tmp_path):
    server.codes = [503, 429]
    download(f"{server.address}/w.pth", tmp_path / "w.pth", SHA256)
    server.codes = [503] * downloading.ATTEMPTS
    with pytest.raises(DownloadError, match=r"not reached .*says 503"):
        download(f"{server.address}/w.pth", tmp_path / "x.pth", SHA256)


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_network(server, tmp_path):
    address = f"http://127.0.0.1:{_closed_port()}/w.pth"
    with pytest.raises(DownloadError, match=r"w\.pth: not reached .*refused"):
        download(address, tmp_path / "w.pth")
    with pytest.raises(DownloadError, match=r"w\.pth: not reached"):
        download("http://nowhere.invalid/w.pth", tmp_path / "w.pth")
    assert _left(tmp_path) == []


def test_a_silent_server_is_given_up(monkeypatch, server, tmp_path):
    monkeypatch.setattr(downloading, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/w.pth"
        with pytest.raises(DownloadError, match="timed out"):
            download(address, tmp_path / "w.pth")


def test_two_at_a_time(server, tmp_path):
    path = tmp_path / "w.pth"

    def second(done: int, total: int | None) -> None:
        with pytest.raises(DownloadError, match="another process is fetching it"):
            download(f"{server.address}/w.pth", path, SHA256)

    download(f"{server.address}/w.pth", path, SHA256, second)
    assert path.read_bytes() == CONTENT


# ------------------------------------------------------------ from a set to the cache


STATE = {"a.weight": torch.arange(30.0).reshape(5, 2, 3, 1), "a.bias": torch.ones(5)}
KEYS = {"conv.kernel": "a.weight", "conv.bias": "a.bias"}


@pytest.fixture
def toy(monkeypatch, server, tmp_path) -> Callable[..., weights.WeightSet]:
    """A set ``toy`` of jiqa, published on the server."""
    torch.save(STATE, tmp_path / "toy.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "toy.pth").read_bytes()
    server.files["/toy.pth"] = content
    known = Table(KEYS, ())
    monkeypatch.setattr(converting, "layouts", lambda network: ("torchvision",))
    monkeypatch.setattr(converting, "table", lambda network, layout: known)

    def use(**changes) -> weights.WeightSet:
        facts = {
            "shapes": {"conv.kernel": (3, 1, 2, 5), "conv.bias": (5,)},
            "licence": "MIT",
            "source": "toys",
            "network": "toynet",
            "address": f"{server.address}/toy.pth",
            "digest": hashlib.sha256(content).hexdigest()[:8],
        }
        wanted = weights.WeightSet("toy", "a toy", **(facts | changes))
        monkeypatch.setattr(registry, "all_sets", lambda: {"toy": wanted})
        monkeypatch.setattr(weights, "all_sets", registry.all_sets)
        return wanted

    use()
    return use


def test_fetched_and_converted(toy):
    with pytest.raises(weights.WeightsNotFound, match="jiqa weights fetch toy"):
        weights.load("toy")
    path = weights.fetch("toy")
    assert path == weights.weights_cache() / "toy.safetensors"
    read = weights.load("toy")
    assert read.origin == "cache"
    kernel = STATE["a.weight"].numpy().transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(read.params["conv.kernel"], kernel)
    assert files.read(path)[1]["source"] == "toys"
    assert _left(weights.weights_cache() / "published") == []
    assert weights.verify("toy").text == "converted from the owners' file"


def test_owners_file_may_be_kept(toy, server):
    weights.fetch("toy", keep=True)
    assert _left(weights.weights_cache() / "published") == ["toy-toy.pth"]


def test_hash_from_a_pointer(toy, server):
    sha256 = hashlib.sha256(server.files["/toy.pth"]).hexdigest()
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1\n"
    toy(digest="", pointer=f"{server.address}/raw")
    server.files["/raw"] = text.format(sha256).encode()
    weights.fetch("toy")
    server.files["/raw"] = text.format("0" * 64).encode()
    with pytest.raises(WrongHash, match="needed is one that begins with 000"):
        weights.fetch("toy")
    server.files["/raw"] = b"<html>"
    with pytest.raises(DownloadError, match="/raw: states no SHA-256"):
        weights.fetch("toy")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"digest": "0123"}, "needed is one that begins with 0123"),
        ({"address": "{server}/gone.pth"}, "the server says 404"),
        ({"address": "http://nowhere.invalid/toy.pth"}, "not reached"),
    ],
)
def test_failure_says_what_to_put_where(toy, server, capsys, changes, told):
    changes = {k: v.format(server=server.address) for k, v in changes.items()}
    wanted = toy(**changes)
    assert main(["weights", "fetch", "toy"]) == 1
    text = capsys.readouterr().err
    assert told in text
    assert f"get {wanted.address} elsewhere" in text
    assert f"jiqa weights convert toy {wanted.published_file}" in text
    assert str(weights.weights_cache() / "toy.safetensors") in text
    assert not (weights.weights_cache() / "toy.safetensors").exists()


def test_a_file_that_does_not_fit_stays_for_a_look(toy, capsys):
    toy(shapes={"conv.kernel": (3, 1, 2, 5), "conv.bias": (6,)})
    assert main(["weights", "fetch", "toy"]) == 1
    assert "gives conv.bias (5,), needed is (6,)" in capsys.readouterr().err
    assert not (weights.weights_cache() / "toy.safetensors").exists()


def test_command_from_nothing_to_verified(toy, server, capsys, tmp_path):
    assert main(["weights", "path", "toy"]) == 1
    assert "Looked for, in order" in capsys.readouterr().err
    assert main(["weights", "fetch", "toy"]) == 0
    path = weights.weights_cache() / "toy.safetensors"
    out = capsys.readouterr().out
    assert str(path) in out
    assert "as its owners state" in out
    assert main(["weights", "path", "toy"]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    count = len(server.requests)
    assert main(["weights", "fetch", "toy"]) == 0
    assert "at hand" in capsys.readouterr().out
    assert len(server.requests) == count
    assert main(["weights", "fetch", "toy", "--again"]) == 0
    assert len(server.requests) == count + 1
    assert main(["weights", "verify", "toy"]) == 0
    assert "ok    toy: converted from the owners' file" in capsys.readouterr().out
    (tmp_path / "elsewhere").mkdir()
    arguments = ["convert", "toy", str(tmp_path / "toy.pth")]
    assert main(["weights", *arguments, str(tmp_path / "elsewhere")]) == 0
    folder = ["--folder", str(tmp_path / "elsewhere")]
    assert main(["weights", "path", "toy", *folder]) == 0
    shown = capsys.readouterr().out
    assert str(tmp_path / "elsewhere" / "toy.safetensors") in shown


def test_fetched_into_a_folder(toy, tmp_path, capsys):
    folder = tmp_path / "shared" / "weights"
    arguments = ["weights", "fetch", "toy", "--folder", str(folder)]
    assert main(arguments) == 0
    assert _left(folder) == ["toy.safetensors"]
    assert main(arguments) == 0
    assert "at hand" in capsys.readouterr().out
    assert weights.load("toy", folder).origin == "folder"
    with pytest.raises(weights.WeightsNotFound):
        weights.load("toy")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(toy, monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    assert main(["weights", "fetch", "toy"]) == 0
    assert "toy.pth" in terminal.getvalue()
    assert "bytes" in terminal.getvalue()


def test_convert_into_the_cache(toy, capsys, tmp_path):
    assert main(["weights", "convert", "toy", str(tmp_path / "toy.pth")]) == 0
    assert weights.load("toy").origin == "cache"
    capsys.readouterr()
    assert main(["weights", "list"]) == 0
    (row,) = [x for x in capsys.readouterr().out.splitlines() if "a toy" in x]
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells == ["toy", "a toy", "cache", "MIT", toy().address]


def test_verify_sees_damage(toy, capsys):
    path = weights.fetch("toy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert main(["weights", "verify"]) == 1
    assert "WRONG toy: damaged" in capsys.readouterr().out
    path.write_bytes(content[:-4])
    assert main(["weights", "verify"]) == 1
    assert "no safetensors file" in capsys.readouterr().out
    broken = {k: np.full(s, np.nan) for k, s in toy().shapes.items()}
    origin = {"source": "s", "licence": "l", "sha256": "0"}
    files.write(path, broken, **origin)
    assert "not finite: conv.bias, conv.kernel" in weights.verify("toy").text
    files.write(path, {k: np.ones(s) for k, s in toy().shapes.items()}, **origin)
    assert "jiqa cannot tell" in weights.verify("toy").text
    toy(sha256="0" * 64)
    assert main(["weights", "verify"]) == 1
    assert "not the published ones" in capsys.readouterr().out


def test_verify_of_what_is_nowhere(toy, capsys):
    assert main(["weights", "verify"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["weights", "verify", "toy"]) == 1
    assert "WRONG toy: no weights 'toy'" in capsys.readouterr().out


def test_unknown_name_is_wrong_usage(capsys):
    for action in ("path", "fetch", "verify"):
        with pytest.raises(SystemExit) as caught:
            main(["weights", action, "vgg-19"])
        assert caught.value.code == 2
        assert "did you mean vgg19" in capsys.readouterr().err


def test_shipped_sets_have_nothing_to_fetch(capsys):
    assert main(["weights", "fetch", "dists", "--again"]) == 1
    assert "they are part of jiqa" in capsys.readouterr().err

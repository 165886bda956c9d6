"""From the name of a set to checked weights in the cache, and the command."""

from __future__ import annotations

import hashlib
import importlib
import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from jiqa import weights
from jiqa.cli import main
from jiqa.io.download import DownloadError, WrongHash
from jiqa.weights import registry
from jiqa.weights import safetensors_files as files
from tests.helpers.weights_server import left
from weights_convert.tables import Table

# The name in the package is the function.
converting = importlib.import_module("jiqa.weights.convert")

pytestmark = pytest.mark.usefixtures("own_cache")


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
    assert left(weights.weights_cache() / "published") == []
    assert weights.verify("toy").text == "converted from the published file"


def test_owners_file_may_be_kept(toy, server):
    weights.fetch("toy", keep=True)
    assert left(weights.weights_cache() / "published") == ["toy-toy.pth"]


def test_hash_from_a_pointer(toy, server):
    sha256 = hashlib.sha256(server.files["/toy.pth"]).hexdigest()
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1\n"
    toy(digest="", pointer=f"{server.address}/raw")
    server.files["/raw"] = text.format(sha256).encode()
    weights.fetch("toy")
    server.files["/raw"] = text.format("0" * 64).encode()
    with pytest.raises(
        WrongHash, match=r"expected .* begins with 0{64}, got [0-9a-f]{64};"
    ):
        weights.fetch("toy")
    server.files["/raw"] = b"<html>"
    with pytest.raises(DownloadError, match="/raw: contains no SHA-256"):
        weights.fetch("toy")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"digest": "0123"}, "SHA-256 begins with 0123, got "),
        ({"address": "{server}/gone.pth"}, "the server answered 404"),
        ({"address": "http://nowhere.invalid/toy.pth"}, "the download failed"),
    ],
)
def test_failure_says_what_to_put_where(toy, server, capsys, changes, told):
    changes = {k: v.format(server=server.address) for k, v in changes.items()}
    wanted = toy(**changes)
    assert main(["weights", "fetch", "toy"]) == 1
    text = capsys.readouterr().err
    assert told in text
    assert f"download {wanted.address} elsewhere" in text
    assert f"jiqa weights convert toy {wanted.published_file}" in text
    assert str(weights.weights_cache() / "toy.safetensors") in text
    assert not (weights.weights_cache() / "toy.safetensors").exists()


def test_a_file_that_does_not_fit_stays_for_a_look(toy, capsys):
    toy(shapes={"conv.kernel": (3, 1, 2, 5), "conv.bias": (6,)})
    assert main(["weights", "fetch", "toy"]) == 1
    assert (
        "conv.bias: expected shape (6,), got (5,) from a.bias (5,)"
        in capsys.readouterr().err
    )
    assert not (weights.weights_cache() / "toy.safetensors").exists()


def test_command_from_nothing_to_verified(toy, server, capsys, tmp_path):
    assert main(["weights", "path", "toy"]) == 1
    assert "Looked for, in this order" in capsys.readouterr().err
    assert main(["weights", "fetch", "toy"]) == 0
    path = weights.weights_cache() / "toy.safetensors"
    out = capsys.readouterr().out
    assert str(path) in out
    assert "as published" in out
    assert main(["weights", "path", "toy"]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    count = len(server.requests)
    assert main(["weights", "fetch", "toy"]) == 0
    assert "is already here" in capsys.readouterr().out
    assert len(server.requests) == count
    assert main(["weights", "fetch", "toy", "--again"]) == 0
    assert len(server.requests) == count + 1
    assert main(["weights", "verify", "toy"]) == 0
    assert "ok    toy: converted from the published file" in capsys.readouterr().out
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
    assert left(folder) == ["toy.safetensors"]
    assert main(arguments) == 0
    assert "is already here" in capsys.readouterr().out
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
    assert "not a safetensors file" in capsys.readouterr().out
    broken = {k: np.full(s, np.nan) for k, s in toy().shapes.items()}
    origin: dict[str, Any] = {"source": "s", "licence": "l", "sha256": "0"}
    files.write(path, broken, **origin)
    assert "not finite: conv.bias, conv.kernel" in weights.verify("toy").text
    files.write(path, {k: np.ones(s) for k, s in toy().shapes.items()}, **origin)
    assert "jiqa cannot tell" in weights.verify("toy").text
    toy(sha256="0" * 64)
    assert main(["weights", "verify"]) == 1
    assert "not the published values" in capsys.readouterr().out


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

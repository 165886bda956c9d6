"""PyTorch's files, both formats, read without PyTorch: bit for bit, and nothing run."""

from __future__ import annotations

import argparse
import datetime
import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch._utils import _rebuild_tensor_v2 as rebuild

from jiqa.weights import UnsafePickle
from weights_convert.formats import read_source

FORMATS = [pytest.param(True, id="zip"), pytest.param(False, id="legacy")]
ALL_KINDS = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
)


def _save(path: Path, content, zipped: bool, **options) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped, **options)
    return path


def _equal(found: np.ndarray, wanted: torch.Tensor) -> None:
    """Bit for bit; bfloat16 as the float32 that it is the upper half of."""
    if wanted.dtype == torch.bfloat16:
        wanted = wanted.to(torch.float32)
    assert found.dtype == wanted.numpy().dtype
    assert found.shape == tuple(wanted.shape)
    assert found.tobytes() == wanted.contiguous().numpy().tobytes()


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_tensors_of_every_kind(tmp_path, zipped, protocol):
    torch.manual_seed(3)
    base = torch.randn(7, 5, 3) * 100
    base[0, 0, 0], base[0, 0, 1] = float("nan"), float("-inf")
    wanted = {str(kind): base.nan_to_num(0).to(kind) for kind in ALL_KINDS}
    wanted["nan"] = base
    path = _save(tmp_path / "w.pth", wanted, zipped, pickle_protocol=protocol)
    found = read_source(path).arrays
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        _equal(found[key], value)


@pytest.mark.parametrize("zipped", FORMATS)
def test_strides_offsets_and_shared_storages(tmp_path, zipped):
    whole = torch.arange(120.0).reshape(4, 5, 6)
    wanted = {
        "whole": whole,
        "transposed": whole.permute(2, 0, 1),
        "slice": whole[1:3, ::2, 3],
        "row": whole[2, 4],
        "diagonal": torch.diagonal(whole[:, :4, 0]),
        "repeated": torch.tensor([7.0]).expand(3, 2),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(torch.ones(3)),
    }
    found = read_source(_save(tmp_path / "w.pth", wanted, zipped)).arrays
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        _equal(found[key], value.detach())
    # Each has its own memory: writing on one leaves the others as they are.
    found["row"][:] = -1
    assert found["whole"][2, 4, 0] == 84


@pytest.mark.parametrize("zipped", FORMATS)
def test_state_dictionary_of_a_module(tmp_path, zipped):
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)
    )
    state = net.state_dict()
    found = read_source(_save(tmp_path / "w.pth", state, zipped)).arrays
    assert set(found) == set(state)
    for key, value in state.items():
        _equal(found[key], value)


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("wrapper", ["state_dict", "model", "params", None])
def test_what_training_scripts_wrap_around(tmp_path, zipped, wrapper):
    state = OrderedDict({"module.a.weight": torch.ones(2), "module.b": torch.zeros(1)})
    moments = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
    shape = torch.Size([2, 3])
    saved = state
    if wrapper:
        saved = {"epoch": 7, wrapper: state, "optimizer": moments, "shape": shape}
    found = read_source(_save(tmp_path / "w.pth", saved, zipped)).arrays
    assert set(found) == {"a.weight", "b"}


def test_pytorch_is_not_imported(tmp_path):
    path = _save(tmp_path / "w.pth", {"a": torch.ones(3)}, True)
    code = (
        "import sys; from weights_convert import read_source; "
        f"print(read_source({str(path)!r}).arrays['a'].sum(), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["3.0", "False"]


class _Runs:
    """A pickle of this runs a command when it is read by ``pickle``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def _hostile(container: str, path: Path, mark: Path) -> Path:
    content = {"a": torch.ones(2), "b": _Runs(mark)}
    if container == "plain":
        path.write_bytes(pickle.dumps({"a": np.ones(2), "b": _Runs(mark)}))
        return path
    return _save(path, content, container == "zip")


@pytest.mark.parametrize("container", ["zip", "legacy", "plain"])
def test_hostile_pickle_is_refused(tmp_path, container):
    mark = tmp_path / "ran"
    path = _hostile(container, tmp_path / "w.pth", mark)
    with pytest.raises(UnsafePickle, match=r"w\.pth: refused: it asks for \w+\.system"):
        read_source(path)
    assert not mark.exists()
    if container != "plain":
        torch.load(path, weights_only=False)
        assert mark.exists()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.", "asks for builtins.eval"),
        (b"cbuiltins\ngetattr\n.", "asks for builtins.getattr"),
        (b"ctorch\nload\n.", "asks for torch.load"),
        (b"ctorch.hub\nload\n.", "asks for torch.hub.load"),
        (b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "__globals__"),
        # Writing on what the reader handed out.
        (b"ctorch\nFloatStorage\n}X\x01\x00\x00\x00xK\x01sb.", "it modifies a"),
        (
            b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb.",
            "modifies a",
        ),
        # Asking for memory: an entry far off, and a byte array.
        (
            b"Nr\xf0\xff\xff\xff.",
            r"reserves memory that it does not fill (LONG_BINPUT)",
        ),
        (b"\x96\x00\x00\x00\x00\x00\x01\x00\x00.", "only"),
        (b"\x96\x01\x00\x00\x00\x00\x00\x00\x00x.", "(BYTEARRAY8)"),
        (b"X\x01\x00\x00\x00xQ.", "asks for a stored 'x'"),
        (b"(X\x06\x00\x00\x00moduleK\x01K\x01K\x01K\x01tQ.", "asks for a stored"),
    ],
)
@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_pickles_by_hand(tmp_path, container, program, told):
    path = _by_hand(tmp_path / "w.pth", container, b"\x80\x02" + program)
    with pytest.raises(UnsafePickle) as caught:
        read_source(path)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{path}: refused")


def _by_hand(path: Path, container: str, program: bytes) -> Path:
    """A file of either format around a pickle; one storage '0' of four float32."""
    data = np.arange(4, dtype="<f4").tobytes()
    if container == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", program)
            archive.writestr("archive/byteorder", "little")
            archive.writestr("archive/data/0", data)
        return path
    out = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(part, out, 2)
    out.write(program)
    pickle.dump(["0"], out, 2)
    out.write((4).to_bytes(8, "little") + data)
    path.write_bytes(out.getvalue())
    return path


class _Note:
    """Pickles as the call that PyTorch makes of a tensor."""

    def __init__(self, *values) -> None:
        self.values = values

    def __reduce__(self):
        return rebuild, self.values


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, _Stored) else None


class _Stored:
    def __init__(self, *pid) -> None:
        self.pid = pid


def _described(offset, shape, strides, pid=None) -> bytes:
    pid = pid or ("storage", torch.FloatStorage, "0", "cpu", 4)
    out = io.BytesIO()
    note = _Note(_Stored(*pid), offset, shape, strides, False, OrderedDict())
    _Pickler(out, 2).dump({"a": note})
    return out.getvalue()


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_tensors_that_lie_are_refused(tmp_path, container):
    def read(*description):
        path = tmp_path / "w.pth"
        return read_source(_by_hand(path, container, _described(*description))).arrays

    np.testing.assert_array_equal(read(1, (3,), (1,))["a"], [1, 2, 3])
    storage = ("storage", torch.FloatStorage, "0", "cpu")
    for wrong in (
        (0, (5,), (1,)),
        (2, (3,), (1,)),
        (0, (2, 2), (3, 2)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2,), (1, 1)),
        (0, (1 << 40,), (0,)),
        (0, ("2",), (1,)),
        (0, (2,), (1,), (*storage, 1 << 40)),
        (0, (2,), (1,), (*storage, -4)),
        (0, (2,), (1,), ("storage", torch.FloatStorage, 0, "cpu", 4)),
        (0, (2,), (1,), ("storage", "float", "0", "cpu", 4)),
        (0, (2,), (1,), ("storage", torch.FloatStorage, "1", "cpu", 4)),
        (0, (2,), (1,), ("storage", torch.ComplexFloatStorage, "0", "cpu", 4)),
    ):
        with pytest.raises(UnsafePickle, match=r"w\.pth: refused"):
            read(*wrong)


def test_part_of_a_storage(tmp_path):
    """The older format knows storages that are parts of others."""
    pid = ("storage", torch.FloatStorage, "0", "cpu", 4, ("1", 1, 2))
    path = _by_hand(tmp_path / "w.pth", "legacy", _described(0, (2,), (1,), pid))
    np.testing.assert_array_equal(read_source(path).arrays["a"], [1, 2])
    pid = (*pid[:5], ("1", 3, 2))
    path = _by_hand(tmp_path / "w.pth", "legacy", _described(0, (2,), (1,), pid))
    with pytest.raises(UnsafePickle, match=r"a view of 3\.\.5 into 4 numbers"):
        read_source(path)


def test_a_big_endian_archive(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _described(0, (4,), (1,)))
        archive.writestr("archive/byteorder", "big")
        archive.writestr("archive/data/0", np.arange(4, dtype=">f4").tobytes())
    np.testing.assert_array_equal(read_source(path).arrays["a"], range(4))


def test_compressed_entries_are_refused(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", _described(0, (4,), (1,)))
    with pytest.raises(UnsafePickle, match="is compressed"):
        read_source(path)


def test_an_archive_of_something_else(tmp_path):
    path = tmp_path / "w.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(UnsafePickle, match=r"expected one entry data\.pkl, got 0"):
        read_source(path)


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_damaged_file_is_named(tmp_path, zipped, share):
    path = _save(tmp_path / "w.pth", {"a": torch.ones(500)}, zipped)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ValueError, match=r"w\.pth: "):
        read_source(path)


@pytest.mark.parametrize("zipped", FORMATS)
def test_a_whole_model_is_refused_with_advice(tmp_path, zipped):
    path = _save(tmp_path / "w.pth", torch.nn.Linear(2, 2), zipped)
    told = r"asks for torch\.nn\.modules\.linear\.Linear; .*model\.state_dict\(\)"
    with pytest.raises(UnsafePickle, match=told):
        read_source(path)


def test_a_pickle_that_contains_itself(tmp_path):
    endless: dict = {"a": torch.ones(2)}
    endless["again"] = endless
    found = read_source(_save(tmp_path / "w.pth", endless, True)).arrays
    assert set(found) == {"a"}


def test_safetensors_of_every_kind(tmp_path):
    wanted = {str(k): (torch.arange(6.0) / 4).reshape(2, 3).to(k) for k in ALL_KINDS}
    safetensors.torch.save_file(wanted, tmp_path / "w.safetensors")
    found = read_source(tmp_path / "w.safetensors").arrays
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        _equal(found[key], value)


def test_safetensors_that_begins_as_a_pickle_does(tmp_path):
    """The first byte is the lowest of the header's length."""
    path = tmp_path / "w.safetensors"
    for length in range(300):
        note = {"note": "x" * length}
        safetensors.torch.save_file({"a": torch.ones(2)}, path, note)
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    np.testing.assert_array_equal(read_source(path).arrays["a"], [1, 1])


def test_safetensors_of_an_unknown_kind(tmp_path):
    content = {"a": torch.ones(2).to(torch.float8_e4m3fn)}
    safetensors.torch.save_file(content, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"unknown type: a \(F8_E4M3\)"):
        read_source(tmp_path / "w.safetensors")


def test_damaged_safetensors(tmp_path):
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file({"a": torch.ones(50)}, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"w\.safetensors is not a safetensors file"):
        read_source(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ": expected PyTorch.*, got an unknown format"),
        (b"<!DOCTYPE html>", r": expected PyTorch.*, got a web page"),
        (b"\0" * 257 + b"ustar  \0" + b"\0" * 300, " is a tar archive"),
        (b"hello", ": expected PyTorch's .*MatConvNet"),
    ],
)
def test_files_of_other_formats(tmp_path, content, told):
    path = tmp_path / "w.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"w\.bin{told}"):
        read_source(path)


def test_a_file_without_arrays(tmp_path):
    with pytest.raises(ValueError, match="holds no arrays"):
        read_source(_save(tmp_path / "w.pth", {"epoch": 3}, True))
    with pytest.raises(FileNotFoundError):
        read_source(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("zipped", FORMATS)
def test_what_a_training_script_keeps_beside_the_weights_is_left_out(tmp_path, zipped):
    kept = {
        "model": {"state_dict": OrderedDict(w=torch.ones(2), b=torch.zeros(1))},
        "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []},
        "best": np.float64(0.93),
        "history": np.arange(3.0),
        "options": argparse.Namespace(lr=1e-4, folder=Path("runs")),
        "metrics": defaultdict(list, srcc=[0.9]),
        "when": datetime.datetime(2024, 1, 2),
        "epoch": 7,
    }
    found = read_source(_save(tmp_path / "run.pth", kept, zipped)).arrays
    assert sorted(found) == ["b", "w"]
    np.testing.assert_array_equal(found["w"], np.ones(2, np.float32))

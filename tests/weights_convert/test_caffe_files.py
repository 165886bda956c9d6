"""Caffe's files, written here field by field as Caffe does: recognised, not read."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from jiqa.cli import main
from weights_convert.caffe_files import contents
from weights_convert.formats import read_source


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes | str | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    content = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _blob(*shape: int, old: bool = False) -> bytes:
    """An array of ones, its shape as four numbers or as a message of its own."""
    count = 1
    for side in shape:
        count *= side
    data = _field(5, struct.pack(f"<{count}f", *[1.0] * count))
    if old:
        sides = (*[1] * (4 - len(shape)), *shape)
        return b"".join(_field(k, n) for k, n in enumerate(sides, 1)) + data
    return _field(7, _field(1, b"".join(map(_varint, shape)))) + data


def _layer(name: str, kind: str, *shapes: tuple[int, ...]) -> bytes:
    bound = _field(3, "data") + _field(4, name) + _field(10, 1)
    weight = _varint(5 << 3 | 5) + struct.pack("<f", 1.0)
    arrays = b"".join(_field(7, _blob(*shape)) for shape in shapes)
    return _field(100, _field(1, name) + _field(2, kind) + bound + weight + arrays)


def _old_layer(name: str, kind: int, *shapes: tuple[int, ...]) -> bytes:
    arrays = b"".join(_field(6, _blob(*shape, old=True)) for shape in shapes)
    return _field(2, _field(2, "data") + _field(4, name) + _field(5, kind) + arrays)


def _write(path: Path, *layers: bytes) -> Path:
    path.write_bytes(_field(1, "ToyNet") + _field(5, 0) + b"".join(layers))
    return path


NEW = (
    _layer("data", "Input"),
    _layer("conv1", "Convolution", (96, 3, 11, 11), (96,)),
    _layer("relu1", "ReLU"),
    _layer("fc8", "InnerProduct", (10, 96), (10,)),
)
OLD = (
    _old_layer("conv1", 4, (96, 3, 11, 11), (96,)),
    _old_layer("relu1", 18),
    _old_layer("fc8", 14, (10, 96), (10,)),
)


@pytest.mark.parametrize("layers", [NEW, OLD], ids=["present", "before"])
def test_what_it_holds_is_told(tmp_path, layers):
    path = _write(tmp_path / "w.caffemodel", *layers)
    assert contents(path) == ("ToyNet", ["conv1", "fc8"])
    with pytest.raises(
        ValueError, match=r"w\.caffemodel: jiqa does not read files of Caffe"
    ) as told:
        read_source(path)
    for part in (
        "'ToyNet' with arrays of 2 layers (conv1, fc8)",
        "Expected the network's PyTorch, safetensors, Keras or MatConvNet file",
        "OpenCV 4",
        "readNetFromCaffe",
        "jiqa.weights.write",
    ):
        assert part in str(told.value)


def test_long_lists_are_shortened(tmp_path):
    layers = [_layer(f"conv{k}", "Convolution", (1, 1)) for k in range(1, 6)]
    path = _write(tmp_path / "w.caffemodel", *layers)
    with pytest.raises(ValueError, match=r"5 layers .*conv3 \.\.\. conv5"):
        read_source(path)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_part_of_one(tmp_path, share):
    path = _write(tmp_path / "w.caffemodel", *NEW)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(
        ValueError, match=r"but byte \d+ does not begin a field.*Expected"
    ):
        read_source(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no layer with arrays"),
        (_field(1, "ToyNet") + _layer("relu1", "ReLU"), "holds no layer with arrays"),
        (b"name: 'ToyNet' layer { }", "named like a file of Caffe, but byte"),
        (b"\xff" * 40, "does not end"),
        (b"\0" * 40, "does not begin a field"),
        (b"<!DOCTYPE html>", "expected .*MatConvNet.*, got a web page"),
    ],
)
def test_other_files_of_that_name(tmp_path, content, told):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"w\.caffemodel: .*{told}"):
        read_source(path)


def test_the_command_says_so(tmp_path, capsys):
    path = _write(tmp_path / "w.caffemodel", *NEW)
    assert main(["weights", "convert", "vgg16", str(path), str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "network 'ToyNet'" in told and "Traceback" not in told
    assert not (tmp_path / "vgg16.safetensors").exists()

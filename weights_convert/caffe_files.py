"""Caffe's ``.caffemodel`` files, which are not read, and the message about one.

Such a file is a protocol buffer of Caffe's own schema. Caffe's Python package is no
longer built for the Pythons that jiqa supports, the packages that ship the generated
schema come with a whole framework or have seen no release for years, and every network
here has an official file in another format. So the file is recognised and rejected; the
message says what it holds and what to do instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

# Numbers of fields in caffe.proto (BSD-2-Clause). Of the network: its name, and its
# layers, in the present schema and in the one before.
_NAME = 1
_LAYERS = {100: (1, 7), 2: (4, 6)}  # of a layer: its name, its arrays
_LENGTHS = {1: 8, 5: 4}  # bytes, of fixed kinds


def read(path: Path) -> NoReturn:
    """Reject the file.

    Raises:
        ValueError: always; the message names the file's content, and what to convert
            from, or with, instead.
    """
    try:
        network, layers = contents(path)
    except ValueError as error:
        raise ValueError(
            f"{path}: named like a file of Caffe, but {error}; it is another file or "
            f"damaged. Expected {_NEEDED}"
        ) from None
    named = ", ".join(layers[:3]) + (f" ... {layers[-1]}" if len(layers) > 3 else "")
    raise ValueError(
        f"{path}: jiqa does not read files of Caffe; this one holds the network "
        f"{network!r} with arrays of {len(layers)} layers ({named}). Expected {_NEEDED}"
    )


_NEEDED = (
    "the network's PyTorch, safetensors, Keras or MatConvNet file (`jiqa weights list` "
    "names it). Where there is none, OpenCV 4 reads a .caffemodel beside its "
    ".prototxt: cv2.dnn.readNetFromCaffe gives each layer's arrays by getParam (OpenCV "
    "5 no longer does), and jiqa.weights.write writes them under jiqa's keys, kernels "
    "as height, width, in, out"
)


def contents(path: Path) -> tuple[str, list[str]]:
    """The network's name, and those of its layers that have arrays.

    Raises:
        ValueError: not such a file, an incomplete one, or one without arrays.
    """
    network, layers = "", []
    with path.open("rb") as file:
        for number, length in _fields(file, path.stat().st_size):
            if number == _NAME:
                network = _text(file, length)
            elif number in _LAYERS:
                name, arrays = _layer(file, length, *_LAYERS[number])
                layers += [name] if arrays else []
    if not layers:
        raise ValueError("it holds no layer with arrays")
    return network, layers


def _layer(file: BinaryIO, length: int, name: int, blobs: int) -> tuple[str, int]:
    """A layer's name, and how many arrays it has."""
    found, arrays = "", 0
    for number, inner in _fields(file, file.tell() + length):
        if number == name:
            found = _text(file, inner)
        arrays += number == blobs
    return found, arrays


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and length of each field of a message that ends at ``end``.

    The file stands at the field's content when it is handed out.
    """
    while (at := file.tell()) < end:
        tag = _varint(file)
        kind = tag & 7
        if kind == 0:
            start = file.tell()
            _varint(file)
            length = file.tell() - start
            file.seek(start)
        else:
            length = _varint(file) if kind == 2 else _LENGTHS.get(kind, end)
        start = file.tell()
        if start + length > end or tag < 8:
            raise ValueError(f"byte {at} does not begin a field of Caffe's schema")
        yield tag >> 3, length
        file.seek(start + length)


def _varint(file: BinaryIO) -> int:
    """A number in groups of seven bits, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        (byte,) = file.read(1) or b"\0"
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise ValueError(f"a number before byte {file.tell()} does not end")


def _text(file: BinaryIO, length: int) -> str:
    return file.read(length).decode(errors="replace")

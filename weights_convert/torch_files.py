"""PyTorch's files: the ZIP archive (since 1.6) and the row of pickles before it.

Both hold one pickle that describes tensors, and their raw numbers beside it; see
``torch_objects`` for what the pickle may do. PyTorch itself is not needed.
"""

from __future__ import annotations

import io
import mmap
import zipfile
from pathlib import Path

import numpy as np

from weights_convert.floats import itemsize, numbers
from weights_convert.restricted_pickle import UnsafePickle
from weights_convert.torch_objects import Reader, Storage, tensors

#: What the first pickle of the older format holds.
_MAGIC = 0x1950A86A20F9469CFC6C
_ADVICE = (
    "; only a state dictionary of tensors is read, not a whole model: save "
    "model.state_dict() instead"
)


def read_zip(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name of a file that PyTorch 1.6 or later wrote.

    Raises:
        UnsafePickle: it holds or asks for more than tensors, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _from_archive(archive)
    except UnsafePickle as error:
        raise UnsafePickle(f"{path}: refused: {error}{_ADVICE}") from None
    except Exception as error:  # A damaged file fails in many ways.
        raise _unreadable(path, error) from error


def _from_archive(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    names = [n for n in archive.namelist() if n.count("/") == 1]
    pickles = [n for n in names if n.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise UnsafePickle(f"expected one entry data.pkl, got {len(pickles)}")
    root = pickles[0].removesuffix("data.pkl")
    order = b"little"
    if f"{root}byteorder" in names:
        order = archive.read(f"{root}byteorder").strip()
    if order not in (b"little", b"big"):
        raise UnsafePickle(f"its byte order is {order!r}")
    found = tensors(Reader(io.BytesIO(_stored(archive, pickles[0]))).load())

    flats: dict[tuple[str, str], np.ndarray] = {}
    arrays = {}
    for name, tensor in found.items():
        key, kind = tensor.storage.key, tensor.storage.kind
        if (key, kind) not in flats:
            data = _stored(archive, f"{root}data/{key}")
            if len(data) < tensor.storage.whole * itemsize(kind):
                raise _too_short(tensor.storage, len(data))
            data = data[: tensor.storage.whole * itemsize(kind)]
            flats[key, kind] = numbers(data, kind, big_endian=order == b"big")
        arrays[name] = tensor.array(flats[key, kind])
    return arrays


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    # PyTorch does not compress; a few compressed bytes could swell to fill the memory.
    if entry.compress_type != zipfile.ZIP_STORED:
        raise UnsafePickle(f"its entry {name} is compressed")
    return archive.read(entry)


def read_legacy(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name of a file that PyTorch wrote before 1.6.

    Raises:
        UnsafePickle: it holds or asks for more than tensors, or is damaged.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view,
        ):
            return _from_row(view)
    except UnsafePickle as error:
        raise UnsafePickle(f"{path}: refused: {error}{_ADVICE}") from None
    except Exception as error:
        raise _unreadable(path, error) from error


def _from_row(file: mmap.mmap) -> dict[str, np.ndarray]:
    magic, version = (Reader(file).load() for _ in range(2))
    if magic != _MAGIC or not isinstance(version, int):
        raise UnsafePickle("it does not begin like a file of PyTorch")
    system = Reader(file).load()
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise UnsafePickle("it was not written on a little-endian machine")
    reader = Reader(file)
    found = tensors(reader.load())
    keys = Reader(file).load()
    if not (isinstance(keys, list) and all(isinstance(k, str) for k in keys)):
        raise UnsafePickle("it does not list its storages")
    flats = _storages(file, keys, reader.storages)
    return {n: t.array(flats[t.storage.key]) for n, t in found.items()}


def _storages(
    file: mmap.mmap, keys: list[str], announced: dict[str, Storage]
) -> dict[str, np.ndarray]:
    """Every storage: how many numbers, eight bytes, then the numbers."""
    if set(keys) != set(announced):
        odd = ", ".join(sorted(set(keys) ^ set(announced)))
        raise UnsafePickle(f"the announced and listed storages differ: {odd}")
    flats: dict[str, np.ndarray] = {}
    for key in keys:
        storage = announced[key]
        count = int.from_bytes(file.read(8), "little", signed=True)
        if count != storage.whole:
            raise UnsafePickle(f"expected {storage.whole} numbers, got {count}")
        data = file.read(count * itemsize(storage.kind))
        if len(data) != count * itemsize(storage.kind):
            raise _too_short(storage, len(data))
        flats[key] = numbers(data, storage.kind)
    return flats


def _too_short(storage: Storage, came: int) -> UnsafePickle:
    return UnsafePickle(
        f"storage {storage.key!r}: expected "
        f"{storage.whole * itemsize(storage.kind)} bytes, "
        f"got {came}; the file is cut off"
    )


def _unreadable(path: Path, error: Exception) -> UnsafePickle:
    what = f"{type(error).__name__}: {error}".strip(": ")
    return UnsafePickle(f"{path}: refused: it cannot be read ({what})")

"""The format of a file of weights, recognised by its first bytes, and its arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from jiqa.checks import expected
from jiqa.io.digest import sha256_of_file
from weights_convert import keras_files, matlab_files, torch_files
from weights_convert import restricted_pickle as pickles
from weights_convert.floats import numbers

_MAGIC_LEGACY = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_KINDS = {
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class Source:
    """A file of weights that was read.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        family: whose conventions the arrays follow: ``"torch"``, ``"keras"``,
            ``"matconvnet"`` or ``"jax"``.
        arrays: by the file's own keys.
    """

    path: Path
    sha256: str
    family: str
    arrays: dict[str, np.ndarray]


def read_source(path: Path | str) -> Source:
    """Read a file of weights in any known format.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another format, a damaged file, or no array in it;
            ``jiqa.weights.UnsafePickle`` where it asks for more than arrays.
    """
    path = Path(path)
    with path.open("rb") as file:
        start = file.read(512)
    family, reader = _reader(path, start)
    arrays = without_prefix(reader(path))
    if not arrays:
        raise ValueError(f"{path}: it holds no arrays")
    return Source(path, sha256_of_file(path), family, arrays)


def _reader(
    path: Path, start: bytes
) -> tuple[str, Callable[[Path], dict[str, np.ndarray]]]:
    # First, since the length that it begins with may look like anything else.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return "torch", _read_safetensors
    if start.startswith(b"PK\x03\x04"):
        return "torch", torch_files.read_zip
    if start[:1] == b"\x80":
        if _MAGIC_LEGACY in start[:64]:
            return "torch", torch_files.read_legacy
        return "torch", _read_pickle
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "keras", keras_files.read
    if start.startswith(b"MATLAB 7.3"):
        return "matconvnet", matlab_files.read_hdf5
    if start.startswith(b"MATLAB 5.0"):
        return "matconvnet", matlab_files.read
    if path.suffix == ".caffemodel" and start.lstrip()[:1] != b"<":
        raise ValueError(
            expected(
                f"{path}",
                "the network's PyTorch, safetensors, Keras or MatConvNet file (`jiqa "
                "weights list` names it)",
                "a file of Caffe",
                "OpenCV 4 reads one beside its .prototxt: cv2.dnn.readNetFromCaffe",
            )
        )
    if b"ustar" in start[257:263]:
        raise ValueError(
            f"{path} is a tar archive, as PyTorch wrote it before 0.1.10; load and "
            "save it once with a newer PyTorch"
        )
    page = start.lstrip()[:1] == b"<"
    raise ValueError(
        expected(
            f"{path}",
            "PyTorch's .pth, safetensors, Keras's HDF5 or MatConvNet's .mat",
            "a web page" if page else "an unknown format",
        )
    )


def _read_pickle(path: Path) -> dict[str, np.ndarray]:
    return pickles.flat(pickles.read(path.read_bytes(), path))


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        entries = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error})") from error
    strange = [f"{name} ({e['dtype']})" for name, e in entries if _odd(e)]
    if strange:
        raise ValueError(f"{path} holds arrays of unknown type: {', '.join(strange)}")
    return {
        name: numbers(e["data"], _KINDS[e["dtype"]]).reshape(e["shape"])
        for name, e in entries
    }


def _odd(entry: dict[str, Any]) -> bool:
    return entry["dtype"] not in _KINDS


def without_prefix(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Remove ``module.``, which parallel training puts before every key."""
    while arrays and all(k.startswith("module.") for k in arrays):
        arrays = {k.removeprefix("module."): v for k, v in arrays.items()}
    return arrays

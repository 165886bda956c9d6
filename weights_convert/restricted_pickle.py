"""Reading pickled arrays without running what a pickle may ask to run.

A pickle is a program. This reader lets it build dictionaries, lists, tuples, numbers,
text and NumPy arrays of plain numbers, and rejects every other name. Even NumPy's
functions stay out of its reach: a stand-in takes the description of an array (shape,
dtype, bytes), and the array is made here once that has been checked.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
_PLAIN = (str, bytes, int, float, bool, type(None))


class UnsafePickle(ValueError):
    """A pickle that holds, or asks for, more than arrays and plain containers."""


class _Dtype:
    """A pickle's description of a dtype."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if self.code not in ("f2", "f4", "f8", "i4", "i8", "u1", "b1"):
            raise UnsafePickle(f"an array of dtype {self.code!r}")
        if self.order not in ("<", ">", "=", "|"):
            raise UnsafePickle(f"a byte order {self.order!r}")
        return np.dtype(self.order + self.code)


class _Array:
    """A pickle's description of an array."""

    __slots__ = ("state",)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _version, shape, kind, fortran, data = self.state
        if not (
            isinstance(kind, _Dtype)
            and isinstance(data, bytes)
            and isinstance(shape, tuple)
            and all(type(n) is int and n >= 0 for n in shape)
        ):
            raise UnsafePickle("an array without plain shape, dtype and bytes")
        dtype = kind.dtype()
        if math.prod(shape) * dtype.itemsize != len(data):
            raise UnsafePickle(f"an array of shape {shape} in {len(data)} bytes")
        flat = np.frombuffer(data, dtype)
        return flat.reshape(shape, order="F" if fortran else "C")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise UnsafePickle(f"it asks for {module}.{name}")
        # A new stand-in each time: a pickle may write on what it is handed.
        if name == "_reconstruct":
            return lambda *_: _Array()
        return "ndarray" if name == "ndarray" else lambda code, *_: _Dtype(code)


def check_size(file: Any) -> None:
    """Reject a pickle that makes Python reserve much more memory than its own size.

    Args:
        file: a binary file at the beginning of a pickle, where it is left.

    Raises:
        UnsafePickle: it does.
        ValueError: no pickle, or a damaged one.
    """
    start = file.tell()
    for opcode, argument, position in pickletools.genops(file):
        # The table of what is remembered grows to the largest number named at once.
        named = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
        entry = int(argument or 0) if named else 0
        if entry > (position or 0) or opcode.name == "BYTEARRAY8":
            raise UnsafePickle(
                f"it reserves memory that it does not fill ({opcode.name})"
            )
    file.seek(start)


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.array()
    if type(value) is dict:
        return {_plain(k): _plain(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_plain(v) for v in value)
    if type(value) in _PLAIN:
        return value
    raise UnsafePickle(f"it holds a {type(value).__name__}")


def read(data: bytes, where: Path | str) -> Any:
    """The content of a pickle: plain containers with NumPy arrays in them.

    Args:
        data: the pickle.
        where: the file that it comes from, for the message.

    Raises:
        UnsafePickle: it holds or asks for anything else, or is damaged.
    """
    try:
        file = io.BytesIO(data)
        check_size(file)
        return _plain(_Reader(file).load())
    except UnsafePickle as error:
        reason = str(error)
    except Exception as error:  # A damaged pickle fails in many ways.
        reason = f"it cannot be read ({type(error).__name__}: {error})"
    raise UnsafePickle(
        f"{where}: refused: {reason}; only dictionaries, lists and tuples of numeric "
        "NumPy arrays are read from a pickle"
    )


def flat(tree: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Nested dictionaries of arrays as one, keys joined by dots.

    Raises:
        UnsafePickle: a leaf is no array, or a key no text.
    """
    found: dict[str, np.ndarray] = {}
    for key, value in tree.items() if isinstance(tree, dict) else [("", tree)]:
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif isinstance(value, np.ndarray) and isinstance(key, str) and key:
            found[prefix + key] = value
        else:
            raise UnsafePickle(f"expected a named array at {prefix}{key}")
    return found

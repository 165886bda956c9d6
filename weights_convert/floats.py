"""Bytes of any type of number in a file, as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

#: NumPy's code for each kind; bfloat16 is not NumPy's and is widened to float32.
KINDS = {
    "float16": "f2",
    "bfloat16": "u2",
    "float32": "f4",
    "float64": "f8",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "bool": "b1",
}


def itemsize(kind: str) -> int:
    """Bytes of one number."""
    return np.dtype(KINDS[kind]).itemsize


def numbers(data: Any, kind: str, *, big_endian: bool = False) -> np.ndarray:
    """The flat array that bytes hold.

    Args:
        data: any buffer whose length is a multiple of the number's.
        kind: one of ``KINDS``.
        big_endian: the order of the bytes of one number.

    Returns:
        A view of ``data`` where it can be; bfloat16 exactly, as float32.
    """
    order = ">" if big_endian else "<"
    flat = np.frombuffer(data, np.dtype(KINDS[kind]).newbyteorder(order))
    if kind == "bfloat16":
        # bfloat16 is the upper half of float32.
        return (flat.astype(np.uint32) << 16).view(np.float32)
    return flat

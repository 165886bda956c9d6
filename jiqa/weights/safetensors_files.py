"""Weights on disk: safetensors with flat dotted keys, and their origin.

Numbers are float32, or half precision where a file has to be small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from jiqa.checks import expected
from jiqa.io.atomic import write_bytes

#: What a file's metadata must say: where the numbers come from, under which licence,
#: and the SHA-256 of the file that they were taken from.
METADATA = ("source", "licence", "sha256")


def write(
    path: Path | str,
    params: Mapping[str, np.ndarray],
    *,
    source: str,
    licence: str,
    sha256: str,
    half: bool = False,
) -> None:
    """Write a file of weights, whole or not at all.

    Its metadata also get the fingerprint of the parameters, for ``jiqa weights
    verify``.

    Args:
        path: of the file.
        params: arrays by flat key.
        source: where the numbers come from.
        licence: under which they are given.
        sha256: of the file that they were taken from.
        half: whether arrays of two dimensions and more, kernels that is, are kept in
            half precision.

    Raises:
        ValueError: a number that is too large for half precision.
    """
    arrays = {k: np.ascontiguousarray(v, np.float32) for k, v in params.items()}
    if half:
        arrays = {k: _halved(k, v) if v.ndim > 1 else v for k, v in arrays.items()}
    metadata = {"source": source, "licence": licence, "sha256": sha256}
    data = safetensors.numpy.save(
        arrays, metadata=metadata | {"fingerprint": fingerprint(arrays)}
    )
    write_bytes(path, data)


def _halved(key: str, value: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"{key}: {np.abs(value).max():g} is too large for float16")
    return half


def read(
    path: Path | str, *, without: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read the parameters and metadata of a file.

    Args:
        path: a safetensors file.
        without: openings of keys to leave unread.

    Raises:
        ValueError: not a safetensors file, an array that is neither float32 nor
            float16, or metadata that do not name the origin.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            keys = [k for k in file.keys() if not k.startswith(without)]
            kinds = {k: file.get_slice(k).get_dtype() for k in keys}
            known = ("F32", "F16")
            wrong = [f"{k} ({kind})" for k, kind in kinds.items() if kind not in known]
            params = {} if wrong else {k: _wide(file.get_tensor(k)) for k in keys}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error})") from error
    if wrong:
        raise ValueError(
            expected(f"{path}", "float32 or float16 arrays", ", ".join(wrong))
        )
    lacking = [k for k in METADATA if not metadata.get(k)]
    if lacking:
        raise ValueError(
            f"{path}: the metadata lack {', '.join(lacking)}; weights must state where "
            "they come from (jiqa.weights.write stores this)"
        )
    return params, metadata


def _wide(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32, copy=False)


def read_metadata(path: Path | str) -> dict[str, str]:
    """Read the metadata on a file's origin, without its numbers.

    Raises:
        ValueError: see ``read``.
    """
    return read(path, without=("",))[1]


def fingerprint(params: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of parameters: keys in order, shapes, float32 values.

    It does not depend on the file that they were read from.
    """
    digest = hashlib.sha256()
    for key in sorted(params):
        value = np.ascontiguousarray(params[key], "<f4")
        digest.update(f"{key} {value.shape}\n".encode())
        digest.update(value.data)
    return digest.hexdigest()

"""Weights on disk: safetensors with flat dotted keys, float32, and their origin."""

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
) -> None:
    """Write a file of weights, whole or not at all.

    Its metadata also get the fingerprint of the parameters, for ``jiqa weights
    verify``.
    """
    arrays = {k: np.ascontiguousarray(v, np.float32) for k, v in params.items()}
    metadata = {"source": source, "licence": licence, "sha256": sha256}
    data = safetensors.numpy.save(
        arrays, metadata=metadata | {"fingerprint": fingerprint(arrays)}
    )
    write_bytes(path, data)


def read(
    path: Path | str, *, without: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read the parameters and metadata of a file.

    Args:
        path: a safetensors file.
        without: openings of keys to leave unread.

    Raises:
        ValueError: not a safetensors file, an array that is not float32, or metadata
            that do not name the origin.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            keys = [k for k in file.keys() if not k.startswith(without)]
            kinds = {k: file.get_slice(k).get_dtype() for k in keys}
            wrong = [f"{k} ({kind})" for k, kind in kinds.items() if kind != "F32"]
            params = {} if wrong else {k: file.get_tensor(k) for k in keys}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error})") from error
    if wrong:
        raise ValueError(expected(f"{path}", "float32 (F32) arrays", ", ".join(wrong)))
    lacking = [k for k in METADATA if not metadata.get(k)]
    if lacking:
        raise ValueError(
            f"{path}: the metadata lack {', '.join(lacking)}; weights must state where "
            "they come from (jiqa.weights.write stores this)"
        )
    return params, metadata


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

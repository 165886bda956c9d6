"""MatConvNet's networks in MATLAB's files, version 5 (SciPy) and 7.3 (h5py).

A parameter's key is the name that MatConvNet's DagNN gives it; for a network of the
simpler kind (SimpleNN) the name that it gets when MatConvNet turns it into a DagNN: the
layer's name and ``f`` (filters) or ``b`` (biases).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from weights_convert.hdf5 import opened


def read(path: Path) -> dict[str, np.ndarray]:
    """Arrays by key of a file of version 5.

    Raises:
        ValueError: a damaged file, or no network in it.
    """
    try:
        import scipy.io

        content = scipy.io.loadmat(path, chars_as_strings=True)
    except Exception as error:  # A damaged file fails in many ways.
        raise ValueError(f"{path}: cannot be read as a .mat file ({error})") from error
    return _network(
        {k: _from_scipy(v) for k, v in content.items() if not k.startswith("__")}, path
    )


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """Arrays by key of a file of version 7.3.

    Raises:
        ModuleNotFoundError: h5py is not installed.
        ValueError: a damaged file, or no network in it.
    """
    with opened(path) as file:
        content = {k: _from_hdf5(v) for k, v in file.items() if not k.startswith("#")}
    return _network(content, path)


def _from_scipy(value: Any) -> Any:
    """Structures as dictionaries, cells as lists, characters as text."""
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.names:
        items = [
            {name: _from_scipy(item[name]) for name in value.dtype.names}
            for item in value.ravel(order="F")
        ]
        return items[0] if len(items) == 1 else items
    if value.dtype == object:
        return [_from_scipy(item) for item in value.ravel(order="F")]
    if value.dtype.kind in "US":
        return "".join(str(item) for item in value.ravel())
    return value


def _from_hdf5(value: Any) -> Any:
    """The same from MATLAB's use of HDF5: axes reversed, cells as references."""
    if hasattr(value, "items"):
        fields = {name: _from_hdf5(field) for name, field in value.items()}
        # A structure array has a list of equal length in each of its fields.
        if fields and all(_is_column(field) for field in value.values()):
            columns = zip(*fields.values(), strict=True)
            return [dict(zip(fields, column, strict=True)) for column in columns]
        return fields
    kind = value.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if value.dtype == object:
        # Read in the file's order, in which the last axis varies slowest in MATLAB's.
        return [_from_hdf5(value.file[r]) for r in np.asarray(value).ravel()]
    array = np.asarray(value)
    if value.attrs.get("MATLAB_empty", 0):
        return "" if kind == "char" else [] if kind == "cell" else np.zeros(0)
    if kind == "char":
        return "".join(chr(c) for c in array.ravel())
    return array.T


def _is_column(value: Any) -> bool:
    """Whether it is one field of a structure array: references, but no cell."""
    if hasattr(value, "items") or value.dtype != object:
        return False
    return "MATLAB_class" not in value.attrs


def _network(content: dict[str, Any], path: Path) -> dict[str, np.ndarray]:
    """The parameters of the network, wherever the file keeps it."""
    for place in (content, *(v for v in content.values() if isinstance(v, dict))):
        found = dict(_dag_parameters(place)) or dict(_simple_parameters(place))
        if found:
            return found
    raise ValueError(
        expected(
            f"{path}",
            "a MatConvNet network: params (DagNN) or layers with weights (SimpleNN)",
            ", ".join(sorted(content)) or "nothing",
        )
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _dag_parameters(net: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for entry in _listed(net.get("params", [])):
        if isinstance(entry, dict) and isinstance(entry.get("value"), np.ndarray):
            yield str(entry.get("name", "")), entry["value"]


def _simple_parameters(net: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for place, layer in enumerate(_listed(net.get("layers", [])), start=1):
        if not isinstance(layer, dict):
            continue
        name = layer.get("name") or f"layer{place}"
        weights = layer.get("weights") or [layer.get("filters"), layer.get("biases")]
        letters = "mbx" if layer.get("type") == "bnorm" else "fb"
        for letter, value in zip(letters, _listed(weights), strict=False):
            if isinstance(value, np.ndarray) and value.size:
                yield f"{name}{letter}", value

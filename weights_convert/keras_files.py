"""Keras's HDF5 files of weights (Keras 1 and 2, and ``.h5`` of Keras 3's old format).

A weight's key here is its layer and its own name: ``conv1/kernel``,
``conv1_bn/gamma``.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.hdf5 import opened


def read(path: Path) -> dict[str, np.ndarray]:
    """Arrays by key.

    Raises:
        ModuleNotFoundError: h5py is not installed.
        ValueError: a damaged file, or HDF5 of another kind.
    """
    with opened(path) as file:
        # A whole model keeps its weights one level deeper.
        root = file["model_weights"] if "model_weights" in file else file
        if not {"layer_names", "layer_names0"} & set(root.attrs):
            raise ValueError(
                f"{path} is not an HDF5 file of Keras weights, which has an attribute "
                f"layer_names; it holds {', '.join(sorted(root)[:8])}"
            )
        arrays: dict[str, np.ndarray] = {}
        for layer in _names(root, "layer_names"):
            for weight in _names(root[layer], "weight_names"):
                key = f"{layer}/{weight.split('/')[-1].split(':')[0]}"
                arrays[key] = np.asarray(root[layer][weight])
    return arrays


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names, which Keras splits when it exceeds 64 kB."""
    parts = [attribute] if attribute in group.attrs else []
    if not parts:
        numbered = (f"{attribute}{k}" for k in itertools.count())
        parts = list(itertools.takewhile(group.attrs.__contains__, numbered))
    names = [n for part in parts for n in group.attrs[part]]
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names]

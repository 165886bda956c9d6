"""Weights of runs and selectors: ``run:FOLDER`` and ``selector:FOLDER``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import safetensors

from jiqa.io.cache import expanded
from jiqa.weights.safetensors_files import read_metadata
from jiqa.weights.weight_set import WeightSet

#: What the name of a run begins with.
RUN = "run:"

#: What the name of a selector begins with.
SELECTOR = "selector:"

#: The file of a run's arrays.
WEIGHTS = "model.safetensors"

#: The file of a selector's.
FORESTS = "forests.safetensors"

#: By what a name begins with: the file, whose it is, and when it is written.
FOLDERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        RUN: (
            WEIGHTS,
            "a run of jiqa train",
            "a run writes it when it has been validated for the first time",
        ),
        SELECTOR: (FORESTS, "jiqa select learn", "jiqa select learn writes it"),
    }
)


def run_folder(name: str) -> Path:
    """The folder that ``run:FOLDER`` or ``selector:FOLDER`` names."""
    return expanded(name.removeprefix(RUN).removeprefix(SELECTOR))


def is_folder(name: str) -> bool:
    """Whether a name is that of a folder's arrays."""
    return name.startswith(tuple(FOLDERS))


def run_set(name: str) -> WeightSet:
    """The set of a run, or of a selector.

    Raises:
        ValueError: no such folder, or one that has no arrays yet.
    """
    file, feeds, when = next(v for k, v in FOLDERS.items() if name.startswith(k))
    path = run_folder(name) / file
    if not path.is_file():
        raise ValueError(f"weights {name!r}: {path} does not exist ({when})")
    metadata = read_metadata(path)
    with safetensors.safe_open(path, framework="numpy") as opened:
        shapes = {k: tuple(opened.get_slice(k).get_shape()) for k in opened.keys()}
    return WeightSet(
        name,
        feeds,
        shapes,
        metadata["licence"],
        metadata["source"],
        path=str(path),
    )

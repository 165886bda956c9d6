"""Arrays of training runs as sets of weights, by the name ``run:FOLDER``."""

from __future__ import annotations

from pathlib import Path

import safetensors

from jiqa.weights.files import read_metadata
from jiqa.weights.sets import WeightSet

#: What the name of a run begins with.
RUN = "run:"

#: The file of a run's arrays.
WEIGHTS = "model.safetensors"


def run_folder(name: str) -> Path:
    """The folder that ``run:FOLDER`` names."""
    return Path(name.removeprefix(RUN)).expanduser()


def run_set(name: str) -> WeightSet:
    """The set of a run.

    Raises:
        ValueError: no such run, or one whose training has given nothing yet.
    """
    path = run_folder(name) / WEIGHTS
    if not path.is_file():
        raise ValueError(
            f"no weights {name!r}: {path} is not there (a run writes it when it has "
            "been validated for the first time)"
        )
    metadata = read_metadata(path)
    with safetensors.safe_open(path, framework="numpy") as file:
        shapes = {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}
    return WeightSet(
        name,
        "a run of jiqa train",
        shapes,
        metadata["licence"],
        metadata["source"],
        path=str(path),
    )

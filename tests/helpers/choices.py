"""What a trained model that chooses among metrics chooses for images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jiqa.core.images import as_image, check_min_side, check_range, to_float
from jiqa.training.run_metric import open_run
from jiqa.weights.run_sets import WEIGHTS, run_folder
from jiqa.weights.safetensors_files import read


def choices(
    run: Path | str, images: Iterable[Any]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the methods, and the one for each image.

    Only the run's own network is computed, not the methods, and no curves are needed:
    the methods may be known from a table alone.

    Args:
        run: its folder, or ``run:FOLDER``.
        images: ``[H, W, C]`` each, of any size, uint8, uint16 or in [0, 1]; taken one
            by one, each size compiled once.

    Returns:
        The names ``[M]``, and places among them, int32 ``[N]``.

    Raises:
        ValueError: no run, one of a model that chooses nothing, or a wrong image.
    """
    found = open_run(run_folder(str(run)))
    if found.model.choose is None:
        raise ValueError(f"{run}: {found.model.info.name} does not choose metrics")
    arrays, _ = read(found.folder / WEIGHTS)
    least = found.model.min_side(found.options)
    choice = jax.jit(found.choice)
    places = []
    for number, each in enumerate(images):
        image = as_image(each, f"images[{number}]")
        check_range(image, f"images[{number}]")
        check_min_side(image.shape, least, str(run))
        places.append(int(choice(arrays, to_float(image))))
    return found.options.names, np.array(places, np.int32)

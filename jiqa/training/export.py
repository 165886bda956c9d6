"""Export of runs: one file of arrays, or one program with the arrays inside."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from jiqa import weights
from jiqa.core.images import as_image, check_min_side, to_float
from jiqa.io.atomic import write_bytes
from jiqa.io.json_files import read_json
from jiqa.training.run_metric import FACTS, WEIGHTS, open_run, run_metric

#: What ``jiqa export`` can write.
FORMATS = ("safetensors", "jax-export")


def export_arrays(folder: Path | str, path: Path) -> None:
    """Write a run as one safetensors file, with all facts about it inside.

    Its metadata hold, beside the origin, ``config`` and ``facts``: the texts of
    ``config.json`` and ``run.json``.

    Args:
        folder: of the run.
        path: the file.

    Raises:
        ValueError: no run with a model.
    """
    import safetensors.numpy

    folder = open_run(folder).folder
    params, metadata = weights.read(folder / WEIGHTS)
    metadata |= {
        "config": (folder / "config.json").read_text("utf-8"),
        "facts": (folder / FACTS).read_text("utf-8"),
        "jiqa": version("jiqa"),
    }
    write_bytes(path, safetensors.numpy.save(params, metadata=metadata))


def export_program(
    folder: Path | str,
    path: Path,
    size: tuple[int, int],
    platforms: tuple[str, ...] = ("cpu", "cuda", "tpu"),
) -> None:
    """Write a run as a StableHLO program that needs JAX to score, but not jiqa.

    It takes images ``[B, H, W, 3]`` uint8 (of a full-reference model references, then
    distorted ones), any number B, and gives scores ``[B]`` on the scale of the data::

        program = jax.export.deserialize(bytearray(open(path, "rb").read()))
        scores = program.call(images)

    Args:
        folder: of the run.
        path: the file.
        size: height and width of the images, which are fixed.
        platforms: that it is compiled for where it is used.

    Raises:
        ValueError: no run with a model, or images too small for it.
    """
    run = open_run(folder)
    arrays = run.arrays()
    name = f"run:{folder}"
    check_min_side((*size, 3), run_metric(name).info.min_side, name)

    def scores(*images: jax.Array) -> jax.Array:
        floats = [to_float(as_image(x, "images")) for x in images]

        def one(each: tuple[jax.Array, ...]) -> jax.Array:
            params = {k: jnp.asarray(v) for k, v in arrays.items()}
            return run.score(params, *each)

        return jax.lax.map(one, tuple(floats))

    (count,) = export.symbolic_shape("b")
    image = jax.ShapeDtypeStruct((count, *size, 3), np.uint8)
    program = export.export(jax.jit(scores), platforms=platforms)
    write_bytes(path, bytes(program(*(image,) * len(run.images)).serialize()))


def describe(folder: Path | str) -> str:
    """Describe a run in one line."""
    run = open_run(folder)
    config = read_json(run.folder / "config.json")
    return f"{run.model.info.title}, trained on {config['data']}"

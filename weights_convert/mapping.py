"""Convert a file's arrays to jiqa's: keys by table, axes by family, one report."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import numpy as np

from weights_convert.formats import Source

Shapes = Mapping[str, tuple[int, ...]]


def parameters(
    source: Source,
    keys: Mapping[str, str],
    ignored: tuple[str, ...] = (),
    shapes: Shapes | None = None,
) -> dict[str, np.ndarray]:
    """Parameters as jiqa has them: float32, kernels as height, width, in, out.

    Args:
        source: the file.
        keys: jiqa's key to the file's.
        ignored: patterns of the file's keys that belong to no parameter.
        shapes: what each parameter must look like, as far as that is known.

    Raises:
        ValueError: one message with every key that is missing, unexpected, of another
            shape, no floating point or not finite.
    """
    shapes = shapes or {}
    found: dict[str, np.ndarray] = {}
    missing, misshapen, integer, infinite = [], [], [], []
    for key, theirs in keys.items():
        if theirs not in source.arrays:
            missing.append(f"{theirs} (for {key}{_shown(shapes.get(key))})")
            continue
        value = source.arrays[theirs]
        if value.dtype.kind != "f":
            integer.append(f"{theirs} ({value.dtype})")
            continue
        if not np.isfinite(value).all():
            count = value.size - np.isfinite(value).sum()
            infinite.append(f"{theirs}: {count} of {value.size} numbers")
        mine = fitted(_reordered(value, key, theirs, source.family), shapes.get(key))
        if mine.shape != shapes.get(key, mine.shape):
            misshapen.append(
                f"{key}: expected shape {shapes[key]}, got {mine.shape} from "
                f"{theirs} {value.shape}"
            )
        found[key] = mine.astype(np.float32, order="C")
    used = set(keys.values())
    unexpected = [
        f"{theirs} {value.shape}"
        for theirs, value in source.arrays.items()
        if theirs not in used
        and not any(fnmatch.fnmatchcase(theirs, pattern) for pattern in ignored)
    ]
    report = [
        "\n  ".join([f"{len(listed)} {what}:", *listed])
        for what, listed in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
            ("not floating point", integer),
            ("with NaN or infinity", infinite),
        )
        if listed
    ]
    if report:
        raise ValueError("\n".join([f"{source.path} does not fit", *report]))
    return found


def _shown(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else f" {shape}"


def _reordered(value: np.ndarray, key: str, theirs: str, family: str) -> np.ndarray:
    """A kernel's axes as jiqa has them; anything else as it is."""
    if not key.endswith(".kernel"):
        return value
    if family == "torch":
        # Out, in, height, width; or out, in. A grouped kernel likewise.
        return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
    if family == "keras" and theirs.endswith("depthwise_kernel"):
        # Height, width, in, outputs of each: a grouped kernel with one input each.
        height, width, channels, each = value.shape
        return value.reshape(height, width, 1, channels * each)
    return value


def fitted(value: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """Add or drop axes of length 1 to get the shape, where that is enough.

    A dense layer may be stored as a 1x1 convolution, a bias as a row; MATLAB drops
    axes of length 1 at the end. The order of the numbers stays.
    """
    if shape is None or value.shape == shape:
        return value
    if [n for n in value.shape if n != 1] == [n for n in shape if n != 1]:
        return value.reshape(shape)
    return value

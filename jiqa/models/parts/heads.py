"""Heads of models: dense layers, normalisation and dropout of rows ``[B, D]``.

Arrays stand under ``"head."``. Every function takes the model's ``Variables`` and an
opening of keys, so that a model is a few lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.models.model import Flat, Sum, Variables
from jiqa.nn.batch_statistics import running, statistics_of
from jiqa.nn.graph import initial
from jiqa.nn.train_mode import thinned

OPENING = "head."

#: Shapes of arrays by key.
Shapes = Mapping[str, tuple[int, ...]]


def draw(
    key: Array,
    shapes: Shapes,
    *,
    outputs: Sequence[str] = (),
    quiet: Sequence[str] = (),
) -> Variables:
    """Draw random arrays of all shapes at once, see ``jiqa.nn.graph.initial``.

    Args:
        key: of JAX's random numbers.
        shapes: by full key.
        outputs: names of dense layers that no rectifier follows: their kernels have a
            variance of 1 / inputs, half that of the others.
        quiet: names of such whose kernels are a hundredth of that, so that what was
            drawn is no burden: thousands of pooled features, each with a weight of its
            own, drown in the noise of weights that few images never move.
    """
    arrays = initial(key, tuple(shapes.items()))
    for name in (*outputs, *quiet):
        kernel = f"{OPENING}{name}.kernel"
        factor = 0.01 if name in quiet else 1.0
        arrays[kernel] = factor * math.sqrt(0.5) * arrays[kernel]
    return split(arrays)


def split(arrays: Mapping[str, Any]) -> Variables:
    """Split arrays into trained ones and statistics of batches, which are state."""
    state = {k: v for k, v in arrays.items() if k.endswith((".mean", ".variance"))}
    return Variables({k: v for k, v in arrays.items() if k not in state}, state)


def dense_shapes(name: str, inputs: int, outputs: int) -> Shapes:
    """Return the shapes of a dense layer."""
    start = f"{OPENING}{name}."
    return {f"{start}kernel": (inputs, outputs), f"{start}bias": (outputs,)}


def dense(params: Flat, name: str, x: Array) -> Array:
    """Compute ``x @ kernel + bias`` of ``[..., D]``."""
    kernel, bias = (
        jnp.asarray(params[f"{OPENING}{name}.{part}"]).astype(x.dtype)
        for part in ("kernel", "bias")
    )
    return jnp.matmul(x, kernel, precision=lax.Precision.HIGHEST) + bias


def norm_shapes(width: int, kind: str, name: str = "norm") -> Shapes:
    """Return the shapes for ``normalise``: none, scale and bias, or statistics too."""
    one_of("normalise", kind, "none", "layer", "batch")
    parts = {
        "none": (),
        "layer": ("scale", "bias"),
        "batch": ("scale", "bias", "mean", "variance"),
    }
    return {f"{OPENING}{name}.{part}": (width,) for part in parts[kind]}


def normalise(
    variables: Variables,
    x: Array,
    kind: str,
    *,
    train: bool,
    axis: str | None,
    name: str = "norm",
    epsilon: float = 1e-5,
) -> tuple[Array, Flat]:
    """Normalise rows ``[B, D]``; return them and the model's new state.

    ``"batch"``: each column by its mean and deviation over the batch (of all devices)
    in training, by running ones otherwise; ``"layer"``: each row by itself.
    """
    start, state = f"{OPENING}{name}.", variables.state
    if kind == "none":
        return x, state
    if kind == "layer":
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
    elif train:
        mean, variance, count = statistics_of(x, axis)
        statistics = {part: state[start + part] for part in ("mean", "variance")}
        new = running(statistics, mean, variance, count)
        state = {**state, **{start + part: v for part, v in new.items()}}
    else:
        mean, variance = (
            jnp.asarray(state[start + part]).astype(x.dtype)
            for part in ("mean", "variance")
        )
    scale, bias = (
        jnp.asarray(variables.params[start + part]).astype(x.dtype)
        for part in ("scale", "bias")
    )
    return (x - mean) * lax.rsqrt(variance + epsilon) * scale + bias, state


def dropout(key: Array | None, x: Array, rate: float, train: bool) -> Array:
    """Drop entries of rows in training; return them unchanged without a key."""
    return thinned(key, x, rate) if train and key is not None and rate else x


def hidden_shapes(width: int, config: Any) -> tuple[Shapes, int]:
    """Return the shapes for ``hidden``, and how many numbers a row then has."""
    norm = norm_shapes(width, config.normalise)
    if not config.hidden:
        return norm, width
    return {**norm, **dense_shapes("hidden", width, config.hidden)}, config.hidden


def hidden(
    config: Any,
    variables: Variables,
    x: Array,
    *,
    train: bool,
    key: Array | None,
    axis: str | None,
) -> tuple[Array, Flat]:
    """Normalise rows of features and, if so asked, send them through a rectified layer.

    Dropout acts before each dense layer, that which follows included.

    Args:
        config: has ``normalise``, ``hidden`` (width of the layer, 0 for none) and
            ``dropout``.
        variables: of the model.
        x: features ``[B, D]``.
        train: whether batch statistics and dropout may act.
        key: random numbers of the dropout.
        axis: of the devices that share statistics.

    Returns:
        Rows for the last layer, and the model's new state.
    """
    keys = (None, None) if key is None else jax.random.split(key)
    x, state = normalise(variables, x, config.normalise, train=train, axis=axis)
    x = dropout(keys[0], x, config.dropout, train)
    if config.hidden:
        x = jax.nn.relu(dense(variables.params, "hidden", x))
        x = dropout(keys[1], x, config.dropout, train)
    return x, state


def scored(config: Any, raw: Array) -> dict[str, Array]:
    """Return the output ``[B]`` of a network, also on the data's scale as ``score``."""
    return {"score": config.offset + config.scale * raw, "raw": raw}


def regression(
    config: Any, raw: Array, batch: Any, kind: str = "mse"
) -> tuple[Sum, dict[str, Sum]]:
    """Squared or absolute error of predictions ``[B]``, over the rows that count.

    Args:
        config: has ``offset`` and ``scale``: a score is ``offset + scale raw``.
        raw: what the network says.
        batch: ``score`` and ``mask``; a row without a score counts nothing.
        kind: ``"mse"`` or ``"mae"``, of ``raw``.

    Returns:
        The sum, and as ``error`` the absolute error on the scale of the scores.
    """
    one_of("loss", kind, "mse", "mae")
    score = jnp.asarray(batch["score"]).astype(raw.dtype)
    known = jnp.asarray(batch["mask"]) & jnp.isfinite(score)
    target = (jnp.where(known, score, 0) - config.offset) / config.scale
    away = jnp.where(known, raw - target, 0)
    count = known.sum(dtype=jnp.int32).astype(raw.dtype)
    total = (jnp.square(away) if kind == "mse" else jnp.abs(away)).sum()
    error = Sum(jnp.abs(away).sum() * abs(config.scale), count)
    return Sum(total, count), {"error": error}

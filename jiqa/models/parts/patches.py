"""Models of small patches: chains of convolutions, and one score from many patches.

Nothing of these has published weights, so all arrays stand under ``"head."`` and
``features`` gives the patches. A training crop is a column of patches, one under the
other; the last axis may hold the reference's channels behind the image's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.metric import Info
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, resample
from jiqa.nn.graph import Node, run, shapes
from jiqa.nn.operations import BatchNorm, Conv, Relu
from jiqa.nn.pooling import MaxPool
from jiqa.nn.train_mode import run_training
from jiqa.ops.extent import Extent, inside

#: Side of a patch in all of them.
SIDE = 32


def chain(widths: Sequence[int], *, norm: bool = False) -> tuple[Node, ...]:
    """Two 3x3 convolutions of each width with rectifiers, then the map halved.

    Layers: conv1 bn1 relu1 conv2 bn2 relu2 pool1 conv3 ..., bn where ``norm``.
    """
    nodes: list[Node] = []
    for stage, width in enumerate(widths, start=1):
        for k in (2 * stage - 1, 2 * stage):
            nodes.append(Node(f"conv{k}", Conv(width)))
            if norm:
                nodes.append(Node(f"bn{k}", BatchNorm()))
            nodes.append(Node(f"relu{k}", Relu()))
        nodes.append(Node(f"pool{stage}", MaxPool()))
    return tuple(nodes)


def chain_shapes(nodes: Sequence[Node], channels: int = 3) -> heads.Shapes:
    """Return the shapes of a chain's arrays, under ``"head."``."""
    found = shapes(nodes, channels)
    return {f"{heads.OPENING}{key}": shape for key, shape in found.items()}


def chained(
    nodes: Sequence[Node],
    variables: Variables,
    images: Array,
    taps: Sequence[str],
    *,
    train: bool,
    axis: str | None,
) -> tuple[dict[str, Array], Flat]:
    """Maps of a chain of any number of patches, and the model's new state."""
    params = backbones.under(heads.OPENING, variables)
    if not train:
        return run(nodes, params, images, taps), variables.state
    found, new = run_training(nodes, params, images, taps, axis=axis)
    moved = {f"{heads.OPENING}{k}": v for k, v in new.items()}
    return found, {**variables.state, **moved}


def of_crops(
    config: Any,
    variables: Variables,
    images: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[Array, Flat]:
    """Return the ``features`` of such a model: patches ``[B, P, 32, 32, C]``."""
    return from_column(images, SIDE), variables.state


def prepared(
    config: Any, image: np.ndarray, rng: np.random.Generator | None, channels: int = 3
) -> np.ndarray:
    """Return the model's ``prepare``: ``config.patches`` patches in a column."""
    return patch_column(image, rng, side=SIDE, count=config.patches, channels=channels)


def over_patches(
    head: Callable[..., Any],
    config: Any,
    variables: Variables,
    image: Array,
    extent: Extent | None = None,
) -> Array:
    """Return the ``score`` of such a model: over all patches that do not overlap.

    With an ``extent`` over those within it: a score is a mean of all patches', with
    ``weight`` among the outputs or without.
    """
    found, _ = head(config, variables, all_patches(image))
    if extent is None:
        return found["score"][0]
    local = found["local"]
    grid = tuple(n // SIDE for n in image.shape[:2])
    within = inside(extent.blocks(SIDE), grid).reshape(1, -1).astype(local.dtype)
    weight = found["weight"] * within if "weight" in found else within
    return heads.scored(config, weighted(local, weight))["score"][0]


def model(info: Info, *, head: Callable[..., Any], **parts: Any) -> Model:
    """Make a model of patches; what all of them have in common is filled in.

    Args:
        info: a full-reference one sees patches of an image and of its reference at the
            same positions.
        head: of the model.
        parts: ``config_class``, ``init`` and ``loss`` of the model.
    """
    channels = 6 if info.kind == "full-reference" else 3
    return Model(
        info=info,
        head=head,
        backbone=lambda _: None,
        features=of_crops,
        prepare=functools.partial(prepared, channels=channels),
        score=functools.partial(over_patches, head),
        min_side=lambda _: SIDE,
        any_size=lambda _: True,
        **parts,
    )


def all_patches(image: Array) -> Array:
    """Return all whole patches ``[1, P, 32, 32, C or 3]`` of an image ``[H, W, C]``."""
    if image.shape[-1] == 1:
        image = jnp.repeat(image, 3, -1)
    return cut(image, SIDE)[None]


def cut(image: Array, side: int) -> Array:
    """Cut patches ``[N, side, side, C]`` side by side; remainders are dropped."""
    rows, columns = (n // side for n in image.shape[:2])
    part = image[: rows * side, : columns * side]
    cut = part.reshape(rows, side, columns, side, image.shape[-1])
    return cut.swapaxes(1, 2).reshape(-1, side, side, image.shape[-1])


def patch_column(
    image: np.ndarray,
    rng: np.random.Generator | None,
    *,
    side: int,
    count: int,
    channels: int = 3,
) -> np.ndarray:
    """``count`` patches one under the other, ``[count side, side, channels]``.

    Random positions; without ``rng`` an even grid of them.

    Raises:
        ValueError: an image that holds no patch.
    """
    image = resample.coloured(image, channels)
    height, width = image.shape[:2]
    if min(height, width) < side:
        wanted = f"at least {side}x{side} pixels, the size of a patch"
        raise ValueError(expected("image", wanted, f"{width}x{height}"))
    if rng is None:
        across = int(np.ceil(np.sqrt(count)))
        tops, lefts = (
            np.round(np.linspace(0, n - side, across)).astype(int)
            for n in (height, width)
        )
        places = [(t, x) for t in tops for x in lefts][:count]
    else:
        places = [
            (int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1)))
            for _ in range(count)
        ]
    return np.concatenate([image[t : t + side, x : x + side] for t, x in places])


def from_column(images: Array, side: int) -> Array:
    """Columns ``[B, count side, side, C]`` as patches ``[B, count, side, side, C]``."""
    return images.reshape(images.shape[0], -1, side, side, images.shape[-1])


def branch_shapes(name: str, inputs: int, hidden: int) -> heads.Shapes:
    """Return the shapes of ``NAME1`` (to ``hidden`` numbers) and ``NAME2`` (to one)."""
    return {
        **heads.dense_shapes(f"{name}1", inputs, hidden),
        **heads.dense_shapes(f"{name}2", hidden, 1),
    }


def branch(
    variables: Variables,
    name: str,
    x: Array,
    *,
    rate: float,
    train: bool,
    key: Array | None,
) -> Array:
    """Return one number of each row ``[..., D]``: dense, rectifier, dropout, dense."""
    y = jax.nn.relu(heads.dense(variables.params, f"{name}1", x))
    y = heads.dropout(key, y, rate, train)
    return heads.dense(variables.params, f"{name}2", y)[..., 0]


def weighted(local: Array, weight: Array) -> Array:
    """``sum w q / sum w`` over patches ``[B, P]``."""
    return (weight * local).sum(-1) / weight.sum(-1)


def patchwise(
    config: Any, local: Array, batch: Any, kind: str
) -> tuple[Sum, dict[str, Sum]]:
    """Average the error of every patch against its image's score within images.

    Args:
        config: has ``offset`` and ``scale``.
        local: what the network says of patches ``[B, P]``.
        batch: ``score`` and ``mask``.
        kind: ``"mse"`` or ``"mae"``.
    """
    count = local.shape[1]
    repeated = {
        name: jnp.repeat(jnp.asarray(batch[name]), count) for name in ("score", "mask")
    }
    (total, number), logs = heads.regression(config, local.ravel(), repeated, kind)
    share = {k: Sum(v.total / count, v.count / count) for k, v in logs.items()}
    return Sum(total / count, number / count), share

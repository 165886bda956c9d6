"""CNNIQA: one convolution, its largest and smallest responses, and dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.core.metric import Info
from jiqa.models.model import Flat, Sum, Variables
from jiqa.models.parts import heads, patches
from jiqa.nn.graph import Node, run
from jiqa.nn.operations import Conv, wide
from jiqa.ops.filters import correlate
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import safe_sqrt

_WINDOW = 3


@dataclass(frozen=True)
class Config:
    """Settings of the network; constants without a comment are the paper's.

    Attributes:
        kernels: convolutions of 7x7.
        hidden: width of the two dense layers.
        dropout: rate before the last one.
        constant: added to the local deviation, of grey levels in [0, 1]; 1 in the
            public implementation (github.com/lidq92/CNNIQA), as is the window of 3.
        patches: of each image in a training step; a guess, all patches of all images
            are shuffled in the paper.
        loss: ``"mae"``, or ``"mse"``.
        offset: what is added to a score.
        scale: what the network's number is multiplied by before.
    """

    kernels: int = 50
    hidden: int = 800
    dropout: float = 0.5
    constant: float = 1.0
    patches: int = 32
    loss: Literal["mae", "mse"] = "mae"
    offset: float = 0.0
    scale: float = 1.0


def _nodes(config: Config) -> tuple[Node, ...]:
    return (Node("conv", Conv(config.kernels, 7, 1, 0)),)


def init(key: Array, config: Config) -> Variables:
    """Random arrays: ``conv``, ``fc1``, ``fc2`` and ``score`` under ``"head."``."""
    shapes = {
        **patches.chain_shapes(_nodes(config), 1),
        **heads.dense_shapes("fc1", 2 * config.kernels, config.hidden),
        **heads.dense_shapes("fc2", config.hidden, config.hidden),
        **heads.dense_shapes("score", config.hidden, 1),
    }
    return heads.draw(key, shapes, outputs=["score"])


def normalised(patch: Array, constant: float) -> Array:
    """Grey ``[32, 32]`` in [0, 1]: (x - m) / (s + C) in a box of 3x3.

    The patch is mirrored at its border with the edge pixel repeated: patches are
    normalised by themselves, not within their image.
    """
    box = [1 / _WINDOW] * _WINDOW
    mean = correlate(patch, box, box, "symmetric")
    away = correlate(patch * patch, box, box, "symmetric") - mean * mean
    return (patch - mean) / (safe_sqrt(away) + constant)


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """``score`` and ``raw`` ``[B]``, means of ``local`` ``[B, P]``."""
    cut = features.astype(wide(features.dtype))
    grey = jax.vmap(jax.vmap(lambda x: luma255(x) / 255))(cut)
    lead = grey.shape[:2]
    flat = grey.reshape(-1, *grey.shape[2:])
    x = jax.vmap(lambda v: normalised(v, config.constant))(flat)[..., None]
    params = {k.removeprefix(heads.OPENING): v for k, v in variables.params.items()}
    maps = run(_nodes(config), params, x, ["conv"])["conv"]
    ends = jnp.concatenate([maps.max((1, 2)), maps.min((1, 2))], -1)
    y = jax.nn.relu(heads.dense(variables.params, "fc1", ends))
    y = heads.dropout(key, y, config.dropout, train)
    y = jax.nn.relu(heads.dense(variables.params, "fc2", y))
    local = heads.dense(variables.params, "score", y).reshape(lead)
    outputs = heads.scored(config, local.mean(-1))
    return {**outputs, "local": local}, variables.state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the error of each patch against its image's score."""
    return patches.patchwise(config, outputs["local"], batch, config.loss)


MODEL = patches.model(
    Info(
        name="cnniqa",
        title="Convolutional neural network for no-reference quality (CNNIQA)",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=patches.SIDE,
        colour="luma",
        citation=(
            "Kang, Ye, Li, Doermann: Convolutional neural networks for no-reference "
            "image quality assessment. CVPR 2014. doi:10.1109/CVPR.2014.224"
        ),
        fidelity="paper",
        fidelity_note=(
            "layers as in the paper and in a public implementation, whose local "
            "normalisation (patch by patch) is taken; not compared with its weights"
        ),
    ),
    config_class=Config,
    init=init,
    bias="head.score.bias",
    head=head,
    loss=loss,
)

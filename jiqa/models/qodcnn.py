"""QODCNN for screen content: all patches, effective ones, then weights by texture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import Info
from jiqa.models.model import Flat, Sum, Variables
from jiqa.models.parts import heads, patches
from jiqa.nn.graph import Node
from jiqa.nn.operations import wide
from jiqa.ops.filters import correlate
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import deviation, mean, safe_sqrt

CITATION = (
    "Jiang, Shen, Feng, Yu, An: Deep optimization model for screen content image "
    "quality assessment using neural networks. arXiv:1903.00705, 2019"
)
NOTE = (
    "built from the abstract: eight convolutions with batch normalisation, four "
    "halvings, one joining and two dense layers, trained on all patches, then on those "
    "whose prediction agrees with their image's score; all numbers are arguments"
)


@dataclass(frozen=True)
class Config:
    """Settings of the network and the step of its training.

    The source gives the layers' number and kind and the three steps. All else is
    a guess: widths, patches and the dense layer after WaDIQaM, and what follows.

    Attributes:
        step: ``"all"``: every patch learns its image's score; ``"effective"``: only
            those predicted nearest to it. They are chosen anew at every step
            by the network as it is, so that nothing has to be kept between the steps.
        keep: share of an image's patches that are effective; one half.
        weighting: of the patches in a score, the third step, which trains nothing:
            ``"none"``; ``"gradient"``: mean Sobel magnitude of the luma, large on text
            and edges; ``"deviation"``: of the luma.
        widths: of the pairs of convolutions.
        hidden: width of the dense layer.
        dropout: rate before the last layer. The abstract names batch normalisation and
            weight decay alone; with 0.5 the network stayed at the mean score for
            hundreds of updates in which it learns without.
        patches: of each image in a training step.
        loss: ``"mse"`` (the abstract's Euclidean distance) or ``"mae"``.
        offset: what is added to a score.
        scale: what the network's number is multiplied by before.
    """

    step: Literal["all", "effective"] = "all"
    keep: float = 0.5
    weighting: Literal["gradient", "deviation", "none"] = "gradient"
    widths: tuple[int, ...] = (32, 64, 128, 256)
    hidden: int = 512
    dropout: float = 0.0
    patches: int = 32
    loss: Literal["mse", "mae"] = "mse"
    offset: float = 0.0
    scale: float = 1.0


def _nodes(config: Config) -> tuple[Node, ...]:
    return patches.chain(config.widths, norm=True)


def arrays(key: Array, config: Config, joined: int) -> Variables:
    """Draw random arrays; the dense layers take ``joined`` times the last width."""
    shapes = {
        **patches.chain_shapes(_nodes(config)),
        **patches.branch_shapes("fc", joined * config.widths[-1], config.hidden),
    }
    return heads.draw(key, shapes, outputs=["fc2"])


def described(
    config: Config,
    variables: Variables,
    cut: Array,
    *,
    train: bool,
    axis: str | None,
) -> tuple[Array, Flat]:
    """Return the largest and mean responses ``[B, P, 2 D]`` of patches."""
    nodes = _nodes(config)
    last = nodes[-1].name
    flat = cut.reshape(-1, *cut.shape[2:])
    found, state = patches.chained(
        nodes, variables, flat, [last], train=train, axis=axis
    )
    maps = found[last].astype(wide(flat.dtype))
    rows = jnp.concatenate([maps.max((1, 2)), maps.mean((1, 2))], -1)
    return rows.reshape(*cut.shape[:2], -1), state


def judged(
    config: Config,
    variables: Variables,
    rows: Array,
    cut: Array,
    *,
    train: bool,
    key: Array | None,
) -> dict[str, Array]:
    """``score`` and ``raw`` ``[B]``, ``local`` and ``weight`` ``[B, P]``.

    Args:
        config: of the model.
        variables: of the model.
        rows: ``[B, P, D]``.
        cut: the images' patches ``[B, P, 32, 32, 3]``, whose texture weighs.
        train: whether dropout acts.
        key: its random numbers.
    """
    local = patches.branch(
        variables, "fc", rows, rate=config.dropout, train=train, key=key
    )
    weight = texture(cut, config.weighting).astype(local.dtype)
    outputs = heads.scored(config, patches.weighted(local, weight))
    return {**outputs, "local": local, "weight": weight}


def texture(cut: Array, weighting: str) -> Array:
    """Return weights ``[B, P]``, in grey levels, with 1e-6 for flat images."""
    one_of("weighting", weighting, "gradient", "deviation", "none")
    if weighting == "none":
        return jnp.ones(cut.shape[:2], cut.dtype)
    grey = jax.vmap(jax.vmap(luma255))(cut.astype(wide(cut.dtype)))
    measure = deviation if weighting == "deviation" else _edges
    return jax.vmap(jax.vmap(measure))(grey) + 1e-6


def _edges(x: Array) -> Array:
    """Mean Sobel magnitude inside ``[H, W]``."""
    smooth, slope = (0.25, 0.5, 0.25), (-0.5, 0.0, 0.5)
    down, right = correlate(x, slope, smooth), correlate(x, smooth, slope)
    return mean(safe_sqrt(down * down + right * right))


def init(key: Array, config: Config) -> Variables:
    """Random arrays of the chain ``conv1``, ``bn1`` ... and of ``fc1``, ``fc2``."""
    return arrays(key, config, 2)


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """See ``judged``."""
    rows, state = described(config, variables, features, train=train, axis=axis)
    outputs = judged(config, variables, rows, features, train=train, key=key)
    return outputs, state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the error of each patch, or effective patch, against its image's score."""
    one_of("step", config.step, "all", "effective")
    local = outputs["local"]
    if config.step == "effective":
        local = effective(config, local, batch)
    return patches.patchwise(config, local, batch, config.loss)


def effective(config: Config, local: Array, batch: Any) -> Array:
    """Return the patches ``[B, K]`` whose quality is nearest to the image's score."""
    count = max(1, math.ceil(config.keep * local.shape[1]))
    score = jnp.asarray(batch["score"]).astype(local.dtype)
    target = (jnp.where(jnp.isfinite(score), score, 0) - config.offset) / config.scale
    away = jax.lax.stop_gradient(jnp.abs(local - target[:, None]))
    nearest = jnp.argsort(away, -1)[:, :count]
    return jnp.take_along_axis(local, nearest, -1)


MODEL = patches.model(
    Info(
        name="qodcnn",
        title="Quadratic optimised deep network for screen content",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=patches.SIDE,
        colour="rgb",
        citation=CITATION,
        fidelity="reconstruction",
        fidelity_note=NOTE,
    ),
    config_class=Config,
    init=init,
    bias="head.fc2.bias",
    head=head,
    loss=loss,
)

"""WaDIQaM and DIQaM: deep features of patches, weighted by another branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.core.metric import Info
from jiqa.models.model import Flat, Sum, Variables
from jiqa.models.parts import heads, patches
from jiqa.nn.operations import wide

#: Of the five pairs of convolutions.
_WIDTHS = (32, 64, 128, 256, 512)

CITATION = (
    "Bosse, Maniry, Mueller, Wiegand, Samek: Deep neural networks for no-reference and "
    "full-reference image quality assessment. IEEE TIP 27(1), 2018. "
    "doi:10.1109/TIP.2017.2760518"
)


@dataclass(frozen=True)
class Config:
    """Settings of the network; constants without a comment are the authors'.

    Attributes:
        top: ``"weighted"`` (WaDIQaM) or ``"patchwise"`` (DIQaM), where all patches of
            an image count alike.
        widths: of the pairs of convolutions.
        hidden: width of the dense layer of each branch.
        dropout: rate before each branch's last layer.
        patches: of each image in a training step.
        loss: ``"mae"``, or ``"mse"``.
        offset: what is added to a score.
        scale: what the network's number is multiplied by before.
    """

    top: Literal["weighted", "patchwise"] = "weighted"
    widths: tuple[int, ...] = _WIDTHS
    hidden: int = 512
    dropout: float = 0.5
    patches: int = 32
    loss: Literal["mae", "mse"] = "mae"
    offset: float = 0.0
    scale: float = 1.0


def arrays(key: Array, config: Config, joined: int) -> Variables:
    """Draw random arrays; the branches take ``joined`` times the last width."""
    width = joined * config.widths[-1] * _cells(config) ** 2
    branches = ["fc", "weight"] if config.top == "weighted" else ["fc"]
    shapes = {**patches.chain_shapes(patches.chain(config.widths))}
    for name in branches:
        shapes |= patches.branch_shapes(name, width, config.hidden)
    return heads.draw(key, shapes, outputs=[f"{name}2" for name in branches])


def _cells(config: Config) -> int:
    return max(patches.SIDE >> len(config.widths), 1)


def described(config: Config, variables: Variables, cut: Array, train: bool) -> Array:
    """Rows ``[B, P, D]`` of patches ``[B, P, 32, 32, 3]`` in [0, 1].

    Pixels go in as 0..255, as the authors feed them.
    """
    nodes = patches.chain(config.widths)
    last = nodes[-1].name
    flat = 255 * cut.reshape(-1, *cut.shape[2:])
    found, _ = patches.chained(nodes, variables, flat, [last], train=train, axis=None)
    return found[last].astype(wide(flat.dtype)).reshape(*cut.shape[:2], -1)


def judged(
    config: Config,
    variables: Variables,
    rows: Array,
    *,
    train: bool,
    key: Array | None,
) -> dict[str, Array]:
    """``score`` and ``raw`` ``[B]``, ``local`` and ``weight`` ``[B, P]``."""
    keys = (None, None) if key is None else jax.random.split(key)
    rate = config.dropout
    local = patches.branch(variables, "fc", rows, rate=rate, train=train, key=keys[0])
    if config.top == "weighted":
        answer = patches.branch(
            variables, "weight", rows, rate=rate, train=train, key=keys[1]
        )
        weight = jax.nn.relu(answer) + 1e-6
    else:
        weight = jnp.ones_like(local)
    outputs = heads.scored(config, patches.weighted(local, weight))
    return {**outputs, "local": local, "weight": weight}


def init(key: Array, config: Config) -> Variables:
    """Random arrays of the chain ``conv1`` ... and of the two branches."""
    return arrays(key, config, 1)


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
    rows = described(config, variables, features, train)
    return judged(config, variables, rows, train=train, key=key), variables.state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Error of the weighted mean, or of each patch."""
    if config.top == "weighted":
        return heads.regression(config, outputs["raw"], batch, config.loss)
    return patches.patchwise(config, outputs["local"], batch, config.loss)


MODEL = patches.model(
    Info(
        name="wadiqam",
        title="Weighted average deep image quality measure",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=patches.SIDE,
        colour="rgb",
        citation=CITATION,
        fidelity="paper",
        fidelity_note=(
            "layers, weights and losses as in the authors' evaluation code; their "
            "trained files were not available"
        ),
    ),
    config_class=Config,
    init=init,
    bias="head.fc2.bias",
    head=head,
    loss=loss,
)

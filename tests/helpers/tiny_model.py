"""A model of two convolutions that tests train, and how to make it known by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax

from jiqa.core.metric import Info
from jiqa.models import registry as finding
from jiqa.models.model import Model, Sum, Variables

#: Width and height of a training crop.
CROP = 16


@dataclass(frozen=True)
class Config:
    """Options of the model.

    Attributes:
        width: channels of both convolutions.
        batch_norm: whether the second is normalised by its batch.
        dropout: share of the features that the head does not see.
        ranks: whether it learns from pairs, else from scores.
        margin: of the hinge, in ranking.
    """

    width: int = 4
    batch_norm: bool = False
    dropout: float = 0.0
    ranks: bool = False
    margin: float = 0.5


def init(key: Array, config: Config) -> Variables:
    first, second, last = jax.random.split(key, 3)
    width = config.width
    params = {
        "backbone.one.kernel": 0.3 * jax.random.normal(first, (3, 3, 3, width)),
        "backbone.one.bias": jnp.zeros(width),
        "backbone.two.kernel": 0.3 * jax.random.normal(second, (3, 3, width, width)),
        "head.kernel": 0.3 * jax.random.normal(last, (2 * width, 1)),
        "head.bias": jnp.zeros(1),
    }
    state = {}
    if config.batch_norm:
        state["backbone.mean"] = jnp.zeros(width)
        state["backbone.variance"] = jnp.ones(width)
    return Variables(params, state)


def features(
    config: Config,
    variables: Variables,
    images: Array,
    *,
    train: bool,
    key: Any,
    axis: str | None,
) -> tuple[Array, Any]:
    params, state = variables
    x = _conv(images - jnp.asarray(0.5, images.dtype), params["backbone.one.kernel"])
    x = jax.nn.relu(x + params["backbone.one.bias"])
    x = _conv(x, params["backbone.two.kernel"])
    if config.batch_norm:
        x, state = _normalised(x, state, train, axis)
    x = jnp.concatenate([jnp.abs(x).mean((1, 2)), jax.nn.relu(x).mean((1, 2))], -1)
    return x, state


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool,
    key: Any,
    axis: str | None,
) -> tuple[dict[str, Array], Any]:
    if train and config.dropout:
        kept = jax.random.bernoulli(key, 1 - config.dropout, features.shape)
        features = jnp.where(kept, features, jnp.zeros((), features.dtype))
    score = features @ variables.params["head.kernel"] + variables.params["head.bias"]
    return {"score": score[:, 0]}, variables.state


def loss(config: Config, outputs: Any, batch: Any) -> tuple[Sum, dict[str, Sum]]:
    score, mask = outputs["score"], batch["mask"]
    if config.ranks:
        group, level = batch["group"], batch["level"]
        pairs = (group[:, None] == group[None]) & (level[:, None] < level[None])
        pairs &= mask[:, None] & mask[None]
        better = score[:, None] - score[None]
        hinge = jnp.where(pairs, jax.nn.relu(config.margin - better), 0.0)
        right = jnp.where(pairs, better > 0, False)
        count = pairs.sum().astype(jnp.float32)
        return Sum(hinge.sum(), count), {
            "ordered": Sum(right.sum().astype(jnp.float32), count)
        }
    target = jnp.where(mask, batch["score"], 0.0)
    error = jnp.where(mask, (score - target) ** 2, 0.0)
    absolute = jnp.where(mask, jnp.abs(score - target), 0.0)
    count = mask.sum().astype(jnp.float32)
    return Sum(error.sum(), count), {"mae": Sum(absolute.sum(), count)}


def prepare(config: Config, image: np.ndarray, rng: Any) -> np.ndarray:
    height, width = image.shape[:2]
    top, left = (height - CROP) // 2, (width - CROP) // 2
    if rng is not None:
        top = int(rng.integers(height - CROP + 1))
        left = int(rng.integers(width - CROP + 1))
    cut = image[top : top + CROP, left : left + CROP]
    return np.repeat(cut, 3, -1) if cut.shape[-1] == 1 else cut


def score(config: Config, variables: Variables, image: Array) -> Array:
    image = jnp.broadcast_to(image, (*image.shape[:2], 3))
    outputs, _ = MODEL.apply(config, variables, image[None])
    return outputs["score"][0]


def _conv(x: Array, kernel: Array) -> Array:
    names = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=names)


def _normalised(x: Array, state: Any, train: bool, axis: str | None) -> Any:
    wide = x.astype(jnp.float32)
    mean, variance = state["backbone.mean"], state["backbone.variance"]
    if train:
        mean, square = wide.mean((0, 1, 2)), (wide**2).mean((0, 1, 2))
        if axis is not None:
            mean, square = lax.pmean((mean, square), axis)
        variance = square - mean**2
        state = {
            "backbone.mean": 0.9 * state["backbone.mean"] + 0.1 * mean,
            "backbone.variance": 0.9 * state["backbone.variance"] + 0.1 * variance,
        }
    return ((wide - mean) * lax.rsqrt(variance + 1e-3)).astype(x.dtype), state


MODEL = Model(
    info=Info(
        name="tiny",
        title="two convolutions",
        kind="no-reference",
        direction="higher",
        range=(-float("inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=CROP,
        colour="rgb",
        citation="none",
        fidelity="reconstruction",
        fidelity_note="of nothing",
    ),
    config_class=Config,
    init=init,
    backbone=lambda config: None,
    features=features,
    head=head,
    loss=loss,
    prepare=prepare,
    score=score,
    min_side=lambda config: CROP,
    stages={
        "scores": {"ranks": False},
        "ranks": {"ranks": True},
        "kinds": {"ranks": False},
    },
)


def register() -> None:
    """Let ``get_model("tiny")`` find it, beside jiqa's own, in a process of a test."""
    found = {**finding.all_models(), "tiny": MODEL}
    finding.all_models = lambda: found


@contextlib.contextmanager
def registered() -> Iterator[None]:
    """The same while a block runs; tests ask for the fixture ``tiny``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "all_models", finding.all_models)  # put back at the end
        register()
        yield

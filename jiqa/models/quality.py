"""Quality of a photograph and how sure that is, from features of many depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.core.metric import Info
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, views
from jiqa.nn import quality as network
from jiqa.ops.extent import Extent


@dataclass(frozen=True)
class Config:
    """The network and its loss.

    Attributes:
        backbone: a key of ``jiqa.models.parts.backbones.TAPS``.
        levels: which maps are pooled, see ``jiqa.models.parts.backbones.Levels``.
        pooling: of the maps, ``"mean-deviation"`` or ``"mean"``.
        normalise: of the joined features, see ``jiqa.models.rank``.
        hidden: width of a rectified layer before the mean; 0 for none.
        dropout: rate before each dense layer.
        offset: what is added to a score.
        scale: what the network's numbers are multiplied by before.
        crop: side of the training crops.
        resize: square that images are first brought to, bicubically; ``None`` for their
            own resolution, which tells more and takes longer.
        flip: whether crops are mirrored half of the time.
        grid: crops along each side when an image is scored, 0 for the whole image.
        padding: of MobileNet v1.
        batch_statistics: whether the backbone's batch normalisation takes those of the
            batch in training.
    """

    backbone: str = network.BACKBONE
    levels: backbones.Levels = "many"
    pooling: backbones.Pooling = "mean-deviation"
    normalise: Literal["batch", "layer", "none"] = "batch"
    hidden: int = network.HIDDEN
    dropout: float = 0.5
    offset: float = 0.0
    scale: float = 1.0
    crop: int = network.RESIZE
    resize: int | None = network.RESIZE
    flip: bool = True
    grid: int = 0
    padding: Literal["end", "around"] = "end"
    batch_statistics: bool = False


def init(key: Array, config: Config) -> Variables:
    """Random arrays: the backbone's, ``head.norm``, ``head.hidden``, ``head.score``."""
    net, taps = backbones.of(config), backbones.taps(config.backbone, config.levels)
    width = backbones.width(net, taps, config.pooling)
    before, last = heads.hidden_shapes(width, config)
    shapes = {
        **backbones.needed(net, taps),
        **before,
        **heads.dense_shapes("score", last, 1),
    }
    shapes |= heads.dense_shapes("deviation", last, 1)
    return heads.draw(key, shapes, quiet=["score", "deviation"])


def head(
    config: Config,
    variables: Variables,
    features: Mapping[str, Array],
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """``score`` and ``deviation`` ``[B]``, and both before ``offset`` and ``scale``."""
    x, state = heads.hidden(
        config,
        variables,
        backbones.joined(config, features),
        train=train,
        key=key,
        axis=axis,
    )
    found = heads.scored(config, heads.dense(variables.params, "score", x)[:, 0])
    # The deviation reads what the mean has learned, and changes nothing of it.
    log = heads.dense(variables.params, "deviation", jax.lax.stop_gradient(x))[:, 0]
    found["raw_deviation"] = jnp.exp(jnp.clip(log, *network.LOGARITHMS))
    found["deviation"] = abs(config.scale) * found["raw_deviation"]
    return found, state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Squared error of the mean, and how unlikely a Gaussian makes the errors.

    The second part teaches the deviation alone: as part of a likelihood the mean would
    be learned least where it is worst.
    """
    raw, spread = outputs["raw"], outputs["raw_deviation"]
    squares, logs = heads.regression(config, raw, batch)
    score = jnp.asarray(batch["score"]).astype(raw.dtype)
    known = jnp.asarray(batch["mask"]) & jnp.isfinite(score)
    target = (jnp.where(known, score, 0) - config.offset) / config.scale
    away = jnp.where(known, jax.lax.stop_gradient(raw) - target, 0)
    unlikely = jnp.where(known, jnp.log(spread) + jnp.square(away / spread) / 2, 0)
    unlikely = Sum(unlikely.sum(), squares.count)
    return Sum(squares.total + unlikely.total, squares.count), {
        **logs,
        "unlikely": unlikely,
    }


def prepare(
    config: Config, image: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    """Take a crop of the image, resized if so asked; without ``rng`` the middle one."""
    return views.prepared(config, image, rng, "bicubic")


def score(
    config: Config, variables: Variables, image: Array, extent: Extent | None = None
) -> Array:
    """Score a whole image ``[H, W, C]``, or average over a fixed grid of crops."""
    crops, within = views.of_image(config, image, extent, "bicubic")
    return MODEL.apply(config, variables, crops, extent=within)[0]["score"].mean()


def min_side(config: Config) -> int:
    """The smallest side that leaves a sample of every map."""
    taps = backbones.taps(config.backbone, config.levels)
    return views.min_side(config, (backbones.of(config), taps))


MODEL = Model(
    info=Info(
        name="quality",
        title="Quality of photographs and how sure it is, from features of many depths",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=1,
        colour="rgb",
        citation=(
            "jiqa's own. Features of several levels: Liu, van de Weijer, Bagdanov: "
            "Learning from rankings with multi-level features; network: Tan, Le: "
            "EfficientNet. ICML 2019. arXiv:1905.11946"
        ),
        fidelity="reconstruction",
        fidelity_note=(
            "no published model: scripts/recipes/train_quality.py measures what it is "
            "worth"
        ),
    ),
    config_class=Config,
    init=init,
    bias="head.score.bias",
    backbone=backbones.of,
    features=backbones.level_rows,
    head=head,
    loss=loss,
    prepare=prepare,
    score=score,
    min_side=min_side,
    any_size=views.any_size,
)

"""NIMA: the distribution of subjective scores, not only their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected
from jiqa.core.metric import Info
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, resample, views
from jiqa.models.parts.losses import earth_movers
from jiqa.models.parts.maximum_entropy import histograms
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import safe_sqrt


@dataclass(frozen=True)
class Config:
    """The network and its scale.

    Constants without a word on them are the paper's.

    Attributes:
        backbone: ``"mobilenet_v1"``, ``"vgg16"``, ``"bn_inception"`` (Inception v2), or
            another key of ``jiqa.models.parts.backbones.TAPS``.
        levels: which layers the scores are predicted from. ``"classifier"``, what the
            class scores were made from, is the paper's; ``"multi"`` and ``"last"`` are
            those of ``jiqa.models.rank``.
        pooling: of maps, ``"mean"`` or ``"mean-deviation"``.
        normalise: of the joined features, ``"none"``, ``"batch"`` or ``"layer"``;
            those of several levels need one.
        bins: how many scores an observer can choose from.
        low: the lowest score; AVA has 1 to 10, TID2013 0 to 9.
        high: the highest one. Scores in between are evenly spread, so any scale of
            scores does.
        dropout: rate before the dense layer; of VGG-16 on fc6 too, where the paper
            says nothing and the network was trained with 0.5.
        target: ``"histogram"``: the votes of the data set; ``"mean"`` and
            ``"mean-deviation"``: the distribution of largest entropy with these.
            idealo takes the mean alone for TID2013; the paper both.
        r: of the loss, see ``jiqa.models.parts.losses.earth_movers``.
        root: whether its root is taken, as idealo does.
        crop: side of the training crops.
        resize: square that images are first brought to.
        flip: whether crops are mirrored half of the time.
        view: what is scored: ``"squash"``: the whole image resized to a square of
            ``crop``; ``"middle"``: the middle crop of the resized one.
        resampling: how an image is resized to be scored; idealo's is ``"nearest"``.
        padding: of MobileNet v1; idealo's is ``"around"``.
        batch_statistics: whether the backbone's batch normalisation takes those of the
            batch in training.
    """

    backbone: str = "mobilenet_v1"
    levels: backbones.Levels = "classifier"
    pooling: backbones.Pooling = "mean"
    normalise: Literal["none", "batch", "layer"] = "none"
    bins: int = 10
    low: float = 1.0
    high: float = 10.0
    dropout: float = 0.75
    target: Literal["histogram", "mean", "mean-deviation"] = "histogram"
    r: int = 2
    root: bool = True
    crop: int = 224
    resize: int = 256
    flip: bool = True
    view: Literal["squash", "middle"] = "squash"
    resampling: resample.Resampling = "bilinear"
    padding: Literal["end", "around"] = "end"
    batch_statistics: bool = True

    @property
    def values(self) -> np.ndarray:
        """The scores of the bins, ``[bins]``, float64."""
        return np.linspace(self.low, self.high, self.bins)


#: idealo's MobileNet, trained on AVA; its arrays are the set ``nima-mobilenet``.
IDEALO = Config(resampling="nearest", padding="around")


def init(key: Array, config: Config) -> Variables:
    """Random arrays: the backbone's, ``head.norm`` and ``head.bins``."""
    net, taps = backbones.of(config), backbones.taps(config.backbone, config.levels)
    width = backbones.width(net, taps, config.pooling)
    shapes = {
        **backbones.needed(net, taps),
        **heads.norm_shapes(width, config.normalise),
        **heads.dense_shapes("bins", width, config.bins),
    }
    return heads.draw(key, shapes, outputs=["bins"])


def published(folder: Path | str | None = None) -> tuple[Config, Variables]:
    """Return the network that idealo published: its settings and its arrays.

    Args:
        folder: where to look first for the weights, see ``jiqa.weights.load``.

    Raises:
        jiqa.weights.WeightsNotFound: they are nowhere; says where to get them.
    """
    from jiqa import weights

    arrays = weights.load("nima-mobilenet", folder).params
    return IDEALO, from_weights(arrays)


def from_weights(arrays: Mapping[str, Any]) -> Variables:
    """Return the set ``nima-mobilenet`` under the model's keys."""
    return heads.split(
        {
            k.replace("nima.", "head.bins.")
            if k.startswith("nima.")
            else f"{backbones.OPENING}{k}": jnp.asarray(v)
            for k, v in arrays.items()
        }
    )


def head(
    config: Config,
    variables: Variables,
    features: Mapping[str, Array],
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """``probabilities`` ``[B, bins]``, their mean as ``score`` and ``deviation``."""
    x, state = heads.normalise(
        variables,
        backbones.joined(config, features),
        config.normalise,
        train=train,
        axis=axis,
    )
    x = heads.dropout(key, x, config.dropout, train)
    p = jax.nn.softmax(heads.dense(variables.params, "bins", x))
    values = jnp.asarray(config.values, p.dtype)
    mean = (p * values).sum(-1)
    spread = safe_sqrt((p * jnp.square(values - mean[:, None])).sum(-1))
    return {"score": mean, "deviation": spread, "probabilities": p}, state


def targets(config: Config, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch with ``histogram`` ``[B, bins]`` as ``target`` says; NaN if unknown.

    Votes are divided by their number. Means outside the scale, which rounding may
    leave, count as its ends.

    Raises:
        ValueError: a data set without votes, or with another number of bins; it says
            what to ask for instead.
    """
    if config.target == "histogram":
        votes = np.asarray(batch["histogram"], np.float64)
        if votes.shape[-1] != config.bins:
            raise ValueError(
                expected(
                    "histogram",
                    f"{config.bins} bins",
                    f"{votes.shape[-1]}",
                    'target="mean" or "mean-deviation" makes them from the scores',
                )
            )
        found = votes / votes.sum(-1, keepdims=True)
    else:
        mean = np.clip(np.asarray(batch["score"], float), config.low, config.high)
        both = config.target == "mean-deviation"
        deviation = batch["deviation"] if both else None
        found = histograms(config.values, mean, deviation)
    return {**batch, "histogram": found.astype(np.float32)}


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the earth mover's distance, also with r = 1 as ``emd``."""
    p = outputs["probabilities"]
    q = jnp.asarray(batch["histogram"]).astype(p.dtype)
    known = jnp.asarray(batch["mask"]) & jnp.isfinite(q).all(-1)
    q = jnp.where(known[:, None], q, p)
    count = known.sum(dtype=jnp.int32).astype(p.dtype)

    def over(r: int) -> Array:
        away = earth_movers(p, q, r, root=config.root)
        return jnp.where(known, away, 0).sum()

    mean = (q * jnp.asarray(config.values, p.dtype)).sum(-1)
    error = jnp.where(known, jnp.abs(outputs["score"] - mean), 0).sum()
    logs = {"emd": Sum(over(1), count), "error": Sum(error, count)}
    return Sum(over(config.r), count), logs


def prepare(
    config: Config, image: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    """Crop the resized image at random; without ``rng`` as ``score`` does."""
    image = resample.coloured(image)
    if rng is None and config.view == "squash":
        return resample.resized_host(image, config.crop, config.crop, config.resampling)
    return views.prepared(config, image, rng)


def score(
    config: Config, variables: Variables, image: Array, extent: Extent | None = None
) -> Array:
    """Return the mean of the distribution for one image ``[H, W, C]``."""
    return distribution(config, variables, image, extent)["score"]


def distribution(
    config: Config, variables: Variables, image: Array, extent: Extent | None = None
) -> dict[str, Array]:
    """Return ``score``, ``deviation`` and ``probabilities`` ``[bins]`` of one image.

    ``extent`` says what of the array is the image, where that is not all.
    """
    squash = config.view == "squash"
    side = config.crop if squash else config.resize
    whole = resample.resized(image, side, side, config.resampling, extent)
    crops = whole[None] if squash else views.grid(whole, config.crop, 1)
    outputs, _ = MODEL.apply(config, variables, crops)
    return {key: value[0] for key, value in outputs.items()}


def min_side(config: Config) -> int:
    """The smallest side: any, since images are resized."""
    return 1


MODEL = Model(
    info=Info(
        name="nima",
        title="Neural image assessment",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=1,
        colour="rgb",
        citation=(
            "Talebi, Milanfar: NIMA: Neural image assessment. IEEE TIP 27(8), 2018. "
            "doi:10.1109/TIP.2018.2831899"
        ),
        fidelity="paper",
        fidelity_note=(
            "the authors published no code. With idealo's MobileNet it gives idealo's "
            "scores (scripts/checks/nima_idealo.py)"
        ),
    ),
    config_class=Config,
    init=init,
    backbone=backbones.of,
    features=backbones.level_rows,
    head=head,
    loss=loss,
    prepare=prepare,
    score=score,
    min_side=min_side,
    any_size=lambda config: config.resampling == "bilinear",
    targets=targets,
    span=lambda config: (config.low, config.high),
)

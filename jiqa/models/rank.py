"""RankIQA, and rankings learned from features of several depths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import Info
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, losses, views
from jiqa.ops.extent import Extent


@dataclass(frozen=True)
class Config:
    """Settings of the network and the step of its training.

    Constants without a word on them are those of RankIQA's released code; it trains
    the ranks of LIVE, whose scores are DMOS, with the other sign. What the
    abstract of the multi-level paper leaves open is a guess: ``levels`` (which maps),
    ``pooling``, ``normalise``, ``hidden`` and where the dropout stands.

    Attributes:
        step: ``"rank"``: pairs of a synthetic ladder (the Siamese network of step one);
            ``"score"``: subjective scores (step two). Both have the same arrays.
        backbone: a key of ``jiqa.models.parts.backbones.TAPS``.
        levels: ``"multi"``, ``"last"`` (the ablation) or, as RankIQA has it,
            ``"classifier"``; see ``jiqa.models.parts.backbones.Levels``.
        pooling: of the maps, ``"mean"`` or ``"mean-deviation"``.
        normalise: of the joined features: ``"batch"``, since means of early and late
            maps differ by orders of magnitude, ``"layer"`` or ``"none"`` (RankIQA).
        hidden: width of a rectified layer before the score; 0 for none.
        dropout: rate before each dense layer, on the backbone's fc6 too.
        pairs: loss of a pair, see ``jiqa.models.parts.losses``.
        margin: lead of the better image that is enough.
        average: divide the ranking loss by the ``"images"`` or by the ``"pairs"``.
        loss: of step two: ``"mse"`` or ``"mae"``.
        offset: what is added to a score.
        scale: what the network's number is multiplied by before; step two compares
            with (score - offset) / scale. With the mean and the deviation of the
            scores the head starts where it has to end.
        crop: side of the training crops.
        resize: square that images are first resized to; ``None`` for none.
        flip: whether crops are mirrored half of the time; the authors do not say.
        grid: crops along each side when an image is scored, 0 for the whole image. The
            authors average 30 random crops of 224; a grid of 5 is that without chance.
        padding: of MobileNet v1.
        batch_statistics: whether the backbone's batch normalisation takes those of the
            batch in training.
    """

    step: Literal["rank", "score"] = "rank"
    backbone: str = "vgg16"
    levels: backbones.Levels = "multi"
    pooling: backbones.Pooling = "mean"
    normalise: Literal["batch", "layer", "none"] = "batch"
    hidden: int = 0
    dropout: float = 0.5
    pairs: Literal["hinge", "logistic", "fidelity"] = "hinge"
    margin: float = 10.0
    average: Literal["images", "pairs"] = "images"
    loss: Literal["mse", "mae"] = "mse"
    offset: float = 0.0
    scale: float = 1.0
    crop: int = 224
    resize: int | None = None
    flip: bool = True
    grid: int = 0
    padding: Literal["end", "around"] = "end"
    batch_statistics: bool = True


#: The network of the ICCV paper: VGG-16 whose last layer says one number.
RANKIQA = Config(levels="classifier", normalise="none", flip=False, grid=5)


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
    return heads.draw(key, shapes, quiet=["score"])


def head(
    config: Config,
    variables: Variables,
    features: Mapping[str, Array],
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Return ``score`` and ``raw`` ``[B]`` from the features of all levels, joined."""
    x, state = heads.hidden(
        config,
        variables,
        backbones.joined(config, features),
        train=train,
        key=key,
        axis=axis,
    )
    return heads.scored(config, heads.dense(variables.params, "score", x)[:, 0]), state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the loss of pairs or of scores, as the step says."""
    one_of("step", config.step, "rank", "score")
    if config.step == "score":
        return heads.regression(config, outputs["raw"], batch, config.loss)
    return losses.ranking(
        outputs["raw"],
        batch,
        kind=config.pairs,
        margin=config.margin,
        average=config.average,
    )


def score(
    config: Config, variables: Variables, image: Array, extent: Extent | None = None
) -> Array:
    """Score a whole image ``[H, W, C]``, or average over a fixed grid of crops."""
    crops, within = views.of_image(config, image, extent)
    return MODEL.apply(config, variables, crops, extent=within)[0]["score"].mean()


def any_size(config: Config) -> bool:
    """Whether ``score`` takes an ``extent``: a classifier needs maps of one size."""
    resized = config.resize is not None
    return views.any_size(config) and (resized or config.levels != "classifier")


def min_side(config: Config) -> int:
    """The smallest side that leaves a sample of every map."""
    taps = backbones.taps(config.backbone, config.levels)
    return views.min_side(config, (backbones.of(config), taps))


MODEL = Model(
    info=Info(
        name="rank",
        title="Learning from rankings with features of several levels",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=16,
        colour="rgb",
        citation=(
            "Liu, van de Weijer, Bagdanov: RankIQA: Learning from rankings for "
            "no-reference image quality assessment. ICCV 2017. "
            "doi:10.1109/ICCV.2017.118; and: Learning from rankings with multi-level "
            "features"
        ),
        fidelity="reconstruction",
        fidelity_note=(
            "the ranking loss equals the authors' (two loops over a batch, value and "
            "gradient); the network of several levels is built from the abstract, and "
            "what it leaves open is an argument; images are prepared as the backbone "
            "was trained, not as 0..255 without a mean subtracted"
        ),
    ),
    config_class=Config,
    init=init,
    bias="head.score.bias",
    backbone=backbones.of,
    features=backbones.level_rows,
    head=head,
    loss=loss,
    prepare=views.prepared,
    score=score,
    min_side=min_side,
    any_size=any_size,
    stages={"ranks": {"step": "rank"}, "scores": {"step": "score"}},
)

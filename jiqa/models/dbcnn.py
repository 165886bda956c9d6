"""DBCNN: a network that knows objects and one that knows distortions, multiplied."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import Info
from jiqa.distortions.sets.dbcnn import class_table
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, patches, views
from jiqa.nn import NETWORKS, Network
from jiqa.nn.any_size import map_extents
from jiqa.nn.graph import Node, shapes
from jiqa.nn.operations import wide
from jiqa.ops.extent import Extent, keep
from jiqa.ops.padded_resize import padded_imresize

#: Opening of the keys of the network that knows distortions.
SCNN = "backbone.scnn."

#: (kind, level) of the authors' 39 classes, in the order of their S-CNN's logits.
CLASSES = class_table()


@dataclass(frozen=True)
class Config:
    """Settings of the network and of its training.

    The authors' second training has two stages: the dense layer alone (the backbone
    frozen; SGD, 1e-3, 50 epochs of batches of 8), then everything (Adam, 1e-5, 1e-6 for
    LIVE and CSIQ). A loop that freezes what begins with ``"backbone."`` does the first.

    Attributes:
        step: ``"distortion"``: the S-CNN alone learns to name distortions;
            ``"score"``: subjective scores. Both name the S-CNN's arrays alike.
        backbone: the network that knows objects, see
            ``jiqa.models.parts.backbones.TAPS``; its last map is taken.
        scnn: the network that knows distortions: ``"scnn"`` and ``"scnn_plain"`` of
            the authors' second release or ``"scnn_matconvnet"`` of the first.
        classes: (kind, level) of each class, the kind by name (what a data set says
            before a slash is not looked at), or all by position among those of the data
            set, from 0; images of none count nothing.
        loss: of subjective scores, ``"mse"`` or ``"mae"``.
        offset: what is added to a score.
        scale: what the network's number is multiplied by before.
        crop: side of the training crops; the authors take 448 for LIVE Challenge, 432
            for LIVE and whole images (384x512) for CSIQ and TID2013.
        resize: square that images are first resized to; ``None`` for none.
            The S-CNN is trained on 224 of 256.
        flip: whether crops are mirrored half of the time.
        grid: crops along each side when an image is scored; 0: the whole (authors').
        batch_statistics: whether batch normalisation takes those of the batch while
            scores are learned. A guess: with batches of 8 the statistics of the
            first training are the better ones. That one always takes the batch's.
    """

    step: Literal["distortion", "score"] = "score"
    backbone: str = "vgg16"
    scnn: Literal["scnn", "scnn_plain", "scnn_matconvnet"] = "scnn"
    classes: tuple[tuple[str | int, int], ...] = CLASSES
    loss: Literal["mse", "mae"] = "mse"
    offset: float = 0.0
    scale: float = 1.0
    crop: int = 448
    resize: int | None = None
    flip: bool = True
    grid: int = 0
    batch_statistics: bool = False


#: The training of the S-CNN.
DISTORTION = Config(step="distortion", crop=224, resize=256)


def backbone(config: Config) -> Network | None:
    """The network that knows objects; ``None`` while the S-CNN is trained."""
    one_of("step", config.step, "distortion", "score")
    return backbones.network(config.backbone) if config.step == "score" else None


def companions(config: Config) -> Mapping[str, str]:
    """The set of weights for the S-CNN; none while it is trained."""
    return {SCNN: config.scnn} if config.step == "score" else {}


def kinds(config: Config) -> tuple[str, ...]:
    """The classes of the S-CNN; empty where classes go by position."""
    found = dict.fromkeys(kind for kind, _ in config.classes)
    names = tuple(kind for kind in found if isinstance(kind, str))
    if names and len(names) < len(found):
        wanted = "either names or positions of kinds"
        raise ValueError(expected("classes", wanted, f"{(*found,)}"))
    return names if config.step == "distortion" else ()


def _scnn(config: Config) -> Network:
    one_of("scnn", config.scnn, "scnn", "scnn_plain", "scnn_matconvnet")
    return NETWORKS[config.scnn]


def _classifier(config: Config) -> tuple[Node, ...]:
    """The S-CNN's layers behind the mean of its last map, for these classes."""
    net = dataclasses.replace(_scnn(config), classes=len(config.classes))  # pyright: ignore
    nodes = net.layers()
    start = [node.name for node in nodes].index("avgpool") + 1
    return nodes[start:]


def init(key: Array, config: Config) -> Variables:
    """Random arrays: both networks', and ``head.score`` or the S-CNN's classifier."""
    net, scnn = backbone(config), _scnn(config)
    below = backbones.needed(scnn, [scnn.trunk], SCNN)
    if net is None:
        tail = shapes(_classifier(config), backbones.width(scnn, [scnn.trunk]))
        named = {f"{heads.OPENING}{key}": shape for key, shape in tail.items()}
        return heads.draw(key, {**below, **named}, outputs=["logits"])
    taps = backbones.taps(config.backbone, "last")
    width = backbones.width(net, taps) * backbones.width(scnn, [scnn.trunk])
    last = heads.dense_shapes("score", width, 1)
    needed = {**backbones.needed(net, taps), **below, **last}
    return heads.draw(key, needed, outputs=["score"])


def bilinear(
    first: Array,
    second: Array,
    within: tuple[Extent, Extent] | None = None,
) -> Array:
    """Products of two maps' channels, averaged over all positions, ``[B, c1 c2]``.

    Followed by the square root, with the authors' 1e-8 under it (maps behind a
    rectifier are not negative), and division by the row's length.

    Args:
        first: ``[B, h, w, c1]``, 0 or more.
        second: ``[B, h', w', c2]``, 0 or more; brought to h x w by bilinear
            interpolation where the sizes differ.
        within: what of either map counts, where that is not all.
    """
    height, width = first.shape[1:3]
    count: Any = height * width
    if within is not None:
        planes = padded_imresize(
            jnp.moveaxis(second, -1, 1),
            (height, width),
            "bilinear",
            source=within[1],
            target=within[0],
            border="cut",
            antialias=False,
        )
        # Outside both are 0, and add nothing.
        first, second = keep(first, within[0], axis=1), jnp.moveaxis(planes, 1, -1)
        count = within[0].count(first.dtype)
    elif second.shape[1:3] != (height, width):
        size = (second.shape[0], height, width, second.shape[-1])
        second = jax.image.resize(second, size, "linear", antialias=False)
    products = jnp.einsum(
        "bhwi,bhwj->bij", first, second, precision=lax.Precision.HIGHEST
    )
    rows = products.reshape(products.shape[0], -1) / count
    roots = jnp.sqrt(rows + 1e-8)
    return roots * lax.rsqrt(jnp.square(roots).sum(-1, keepdims=True))


def features(
    config: Config,
    variables: Variables,
    images: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
    extent: Extent | None = None,
) -> tuple[Array, Flat]:
    """Return ``bilinear`` of both networks' last maps; of the S-CNN alone its means."""
    net, scnn = backbone(config), _scnn(config)
    fresh = config.batch_statistics or net is None
    second, state = backbones.maps(
        scnn,
        [scnn.trunk],
        variables,
        images,
        opening=SCNN,
        train=train,
        batch_statistics=fresh,
        axis=axis,
        extent=extent,
    )
    if net is None:
        seen = extent and map_extents(scnn.layers(), [scnn.trunk], extent)
        return backbones.pooled(second, extents=seen), state
    (tap,) = backbones.taps(config.backbone, "last")
    first, state = backbones.maps(
        net,
        [tap],
        Variables(variables.params, state),
        images,
        train=train,
        batch_statistics=fresh,
        axis=axis,
        extent=extent,
    )
    single = wide(images.dtype)
    one, other = (v.astype(single) for v in (first[tap], second[scnn.trunk]))
    if extent is None:
        return bilinear(one, other), state
    within = (
        map_extents(net.layers(), [tap], extent)[tap],
        map_extents(scnn.layers(), [scnn.trunk], extent)[scnn.trunk],
    )
    return bilinear(one, other, within), state


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """``score`` and ``raw`` ``[B]``, or ``logits`` ``[B, classes]``.

    While distortions are learned ``score`` is the expected level, negative.
    """
    if config.step == "score":
        raw = heads.dense(variables.params, "score", features)[:, 0]
        return heads.scored(config, raw), variables.state
    found, state = patches.chained(
        _classifier(config),
        variables,
        features[:, None, None],
        ["logits"],
        train=train,
        axis=axis,
    )
    logits = found["logits"]
    levels = jnp.asarray([level for _, level in config.classes], logits.dtype)
    expected = (jax.nn.softmax(logits) * levels).sum(-1)
    return {"score": -expected, "logits": logits}, state


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the loss of the scores, or of the classes, with their ``accuracy``."""
    if config.step == "score":
        return heads.regression(config, outputs["raw"], batch, config.loss)
    logits = outputs["logits"]
    group, level, mask = (jnp.asarray(batch[k]) for k in ("group", "level", "mask"))
    named = {kind: number for number, kind in enumerate(kinds(config))}
    classes = [(named.get(str(kind), kind), level) for kind, level in config.classes]
    groups, levels = jnp.asarray(classes, jnp.int32).T
    true = (group[:, None] == groups) & (level[:, None] == levels)
    known = mask & true.any(-1)
    each = -jnp.where(true, jax.nn.log_softmax(logits), 0).sum(-1)
    right = known & (logits.argmax(-1) == true.argmax(-1))
    count, hits = (x.sum(dtype=jnp.int32).astype(logits.dtype) for x in (known, right))
    total = jnp.where(known, each, 0).sum()
    return Sum(total, count), {"accuracy": Sum(hits, count)}


def score(
    config: Config, variables: Variables, image: Array, extent: Extent | None = None
) -> Array:
    """Score a whole image ``[H, W, C]``, or average over a fixed grid of crops."""
    crops, within = views.of_image(config, image, extent)
    return MODEL.apply(config, variables, crops, extent=within)[0]["score"].mean()


def min_side(config: Config) -> int:
    """The smallest side that leaves a sample of both last maps."""
    scnn, net = _scnn(config), backbone(config)
    parts: list[tuple[Network, tuple[str, ...]]] = [(scnn, (scnn.trunk,))]
    if net is not None:
        parts.append((net, backbones.taps(config.backbone, "last")))
    return views.min_side(config, *parts)


MODEL = Model(
    info=Info(
        name="dbcnn",
        title="Deep bilinear convolutional neural network",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=16,
        colour="rgb",
        citation=(
            "Zhang, Ma, Yan, Deng, Wang: Blind image quality assessment using a deep "
            "bilinear convolutional neural network. IEEE TCSVT 30(1), 2020. "
            "doi:10.1109/TCSVT.2018.2886771"
        ),
        fidelity="paper",
        fidelity_note=(
            "networks, products, root and norm as the authors' PyTorch release has "
            "them; its S-CNN loads, but no trained DBCNN of theirs was available"
        ),
    ),
    config_class=Config,
    init=init,
    bias="head.score.bias",
    backbone=backbone,
    features=features,
    head=head,
    loss=loss,
    prepare=views.prepared,
    score=score,
    min_side=min_side,
    any_size=views.any_size,
    stages={"kinds": {"step": "distortion"}, "scores": {"step": "score"}},
    companions=companions,
    kinds=kinds,
)

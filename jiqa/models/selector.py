"""Choosing, image by image, the metric that is most likely right on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import Info
from jiqa.models.model import Flat, Model, Sum, Variables
from jiqa.models.parts import backbones, heads, views
from jiqa.models.parts import method_losses as method_errors
from jiqa.models.parts.method_choice import Recipe
from jiqa.models.parts.method_table import (
    beside,
    best_first,
    errors_of,
    read_method_table,
    recipes_beside,
    recorded,
)
from jiqa.nn import Network


@dataclass(frozen=True)
class Config:
    """Settings of the network and the metrics that it chooses among.

    Constants without a word on them are those of the poster, which trained for 10
    epochs of batches of 64 with one rate of 1e-4. How images are cut, and the
    rectifiers in the heads, it leaves open.

    Attributes:
        kind: ``"errors"``: one head a method predicts how much too high it is, and the
            one whose error is nearest 0 is chosen; ``"best"``: one layer tells the
            methods apart, as classes, of which the one with the smallest error is true.
        methods: the table of methods' scores, see ``jiqa.models.parts.method_table``:
            of every image that is trained, validated or tested on.
        names: the methods among its columns; empty for all, which the run records.
        backbone: a key of ``jiqa.models.parts.backbones.TAPS``.
        hidden: widths of the two rectified layers of each head; of ``"errors"``.
        dropout: rates behind them.
        loss: of the predicted errors, ``"mse"`` (a guess) or ``"mae"``.
        scale: what the network's numbers are multiplied by to be errors; 0 for the
            root of the mean square of all errors in the training images, which the run
            records. With it one rate serves all scales of scores.
        crop: side of the training crops.
        resize: square that images are first resized to; ``None`` for none.
        flip: whether crops are mirrored half of the time.
        grid: crops along each side when an image is judged, 0 for the whole image.
        batch_statistics: whether the backbone's batch normalisation takes those of the
            batch in training.
        recipes: how each method's score is computed, see
            ``jiqa.models.parts.method_choice``; what stands beside the table by
            default, which the run records. Without it trains all the same, and is no
            metric.
        digest: SHA-256 of the table, which the run records.
        order: indices of the methods by their mean absolute error on the training
            images, least first, which the run records.
    """

    kind: Literal["errors", "best"] = "errors"
    methods: str = ""
    names: tuple[str, ...] = ()
    backbone: str = "inception_resnet_v2"
    hidden: tuple[int, int] = (512, 256)
    dropout: tuple[float, float] = (0.25, 0.5)
    loss: Literal["mse", "mae"] = "mse"
    scale: float = 0.0
    crop: int = 299
    resize: int | None = None
    flip: bool = True
    grid: int = 0
    batch_statistics: bool = True
    recipes: tuple[Recipe, ...] = ()
    digest: str = ""
    order: tuple[int, ...] = ()


def backbone(config: Config) -> Network:
    """The network that all heads share."""
    return backbones.network(config.backbone)


def _taps(config: Config) -> tuple[str, ...]:
    return backbones.taps(config.backbone, "last")


def complete(config: Config, training: Sequence[Any], others: Sequence[Any]) -> Config:
    """Complete the configuration from the table of scores, see ``errors_of`` there.

    Raises:
        ValueError: no table, or one that does not fit the images.
    """
    if not config.methods:
        raise ValueError(
            expected("model.methods", "a table image,score,METHOD", "nothing")
        )
    table = read_method_table(config.methods, config.names)
    errors = errors_of(table, training, others)
    scale = config.scale or float(np.sqrt(np.nanmean(errors**2))) or 1.0
    scores = np.array([e.score for e in training], np.float64)
    order = best_first(errors + scores[:, None], scores)
    return dataclasses.replace(
        config,
        names=table.methods,
        scale=scale,
        recipes=config.recipes or recipes_beside(table),
        digest=table.digest,
        order=tuple(map(int, order)),
    )


def init(key: Array, config: Config) -> Variables:
    """Random arrays: the backbone's and ``head.best``, or ``head.K.*`` of method K.

    Raises:
        ValueError: fewer than two methods.
    """
    one_of("kind", config.kind, "errors", "best")
    if len(config.names) < 2 or not config.scale:
        raise ValueError(
            expected(
                "names, scale",
                "two or more methods and the unit of their errors",
                f"{config.names} and {config.scale}",
                "see complete",
            )
        )
    net, taps = backbone(config), _taps(config)
    width = backbones.width(net, taps)
    shapes = dict(backbones.needed(net, taps))
    if config.kind == "best":
        shapes |= heads.dense_shapes("best", width, len(config.names))
        return heads.draw(key, shapes, outputs=["best"])
    first, second = config.hidden
    count = range(len(config.names))
    for k in count:
        shapes |= heads.dense_shapes(f"{k}.first", width, first)
        shapes |= heads.dense_shapes(f"{k}.second", first, second)
        shapes |= heads.dense_shapes(f"{k}.error", second, 1)
    return heads.draw(key, shapes, outputs=[f"{k}.error" for k in count])


def features(
    config: Config,
    variables: Variables,
    images: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[Array, Flat]:
    """Means of the last maps ``[B, D]``."""
    found, state = backbones.maps(
        backbone(config),
        _taps(config),
        variables,
        images,
        train=train,
        batch_statistics=config.batch_statistics,
        key=key,
        axis=axis,
    )
    return backbones.pooled(found), state


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Return ``errors`` or ``logits`` ``[B, M]`` of the methods, and ``score`` ``[B]``.

    Errors are on the subjective scale, positive for a method that is too high.
    ``score`` is how sure the choice is: minus the size of the smallest predicted error,
    or the logarithm of the largest probability.
    """
    params = variables.params
    if config.kind == "best":
        return _outputs(config, heads.dense(params, "best", features)), variables.state
    keys = [None] * len(config.names)
    if key is not None:
        keys = list(jax.random.split(key, len(config.names)))
    found = []
    for k, own in enumerate(keys):
        two = (None, None) if own is None else jax.random.split(own)
        x = features
        for name, one, rate in zip(
            ("first", "second"), two, config.dropout, strict=True
        ):
            x = jax.nn.relu(heads.dense(params, f"{k}.{name}", x))
            x = heads.dropout(one, x, rate, train)
        found.append(heads.dense(params, f"{k}.error", x)[:, 0])
    errors = config.scale * jnp.stack(found, -1)
    return _outputs(config, errors), variables.state


def _outputs(config: Config, found: Array) -> dict[str, Array]:
    if config.kind == "best":
        sure = jax.nn.log_softmax(found).max(-1)
        return {"score": sure, "logits": found}
    return {"score": -jnp.abs(found).min(-1), "errors": found}


def targets(config: Config, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Add the methods' scores to the batch, see ``method_table.beside``."""
    return beside(recorded(config.methods, config.names, config.digest), batch)


def loss(
    config: Config, outputs: dict[str, Array], batch: Any
) -> tuple[Sum, dict[str, Sum]]:
    """Return the loss of the predicted errors or classes, see ``method_losses``."""
    one_of("loss", config.loss, "mse", "mae")
    if config.kind == "best":
        return method_errors.classes(outputs["logits"], batch)
    return method_errors.regression(
        outputs["errors"], batch, kind=config.loss, scale=config.scale
    )


def judged(config: Config, outputs: dict[str, Array], batch: Any) -> Array:
    """Scores ``[B]`` of the methods that are chosen among those that have one."""
    return method_errors.chosen_scores(_merits(outputs), batch)


def predicted(config: Config, variables: Variables, image: Array) -> dict[str, Array]:
    """Return ``head`` for one image ``[H, W, C]``, averaged over its crops."""
    outputs, _ = MODEL.apply(config, variables, views.of_image(config, image)[0])
    name = "logits" if config.kind == "best" else "errors"
    return _outputs(config, outputs[name].mean(0))


def score(config: Config, variables: Variables, image: Array) -> Array:
    """Return how sure the choice is, see ``head``, for one image ``[H, W, C]``."""
    return predicted(config, variables, image)["score"]


def choose(config: Config, variables: Variables, image: Array) -> Array:
    """Return the index in ``names`` of the method for an image ``[H, W, C]``, int32."""
    merits = _merits(predicted(config, variables, image))
    return merits.argmax(-1).astype(jnp.int32)


def _merits(outputs: Mapping[str, Array]) -> Array:
    """Return merits ``[..., M]``; the method with the largest is chosen."""
    errors = outputs.get("errors")
    return outputs["logits"] if errors is None else method_errors.nearness(errors)


def min_side(config: Config) -> int:
    """The smallest side that leaves a sample of the last map."""
    return views.min_side(config, (backbone(config), _taps(config)))


MODEL = Model(
    info=Info(
        name="selector",
        title="Selection of the best metric for each image",
        kind="no-reference",
        direction="higher",
        range=(float("-inf"), float("inf")),
        identity=None,
        symmetric=False,
        min_side=75,
        colour="rgb",
        citation=(
            "Wagner, Lin, Li, Saupe: Algorithm selection for image quality assessment. "
            "COSEAL 2019. arXiv:1908.06911"
        ),
        fidelity="reconstruction",
        fidelity_note=(
            "built from the poster, which gives backbone, heads, dropout, rate, batch "
            "and epochs; no code was published, and no figure of these two selectors"
        ),
    ),
    config_class=Config,
    init=init,
    backbone=backbone,
    features=features,
    head=head,
    loss=loss,
    prepare=views.prepared,
    score=score,
    min_side=min_side,
    targets=targets,
    stages={"methods": {}},
    complete=complete,
    judged=judged,
    choose=choose,
)

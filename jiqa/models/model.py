"""The interface of a trainable model: the functions that training and scoring call.

Most are trained by gradients, some are fitted in one pass over all images (``fit``). A
model of the first kind is two pure steps, ``features`` (the backbone, which may stay
frozen) and ``head`` (what is always trained), so that a frozen backbone's features can
be computed once and kept on disk. All arrays that it learns stand in flat dictionaries
by dotted keys, ``"backbone."`` before those of the backbone and ``"head."`` before the
others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
from jax import Array

from jiqa.checks import hashable
from jiqa.core.metric import Info
from jiqa.ops.extent import Extent

#: Arrays by dotted key.
Flat = Mapping[str, Any]


class Variables(NamedTuple):
    """All arrays of a model.

    Attributes:
        params: what gradients change.
        state: running statistics of batch normalisation, and other constants.
    """

    params: Flat
    state: Flat


class Sum(NamedTuple):
    """A loss as a sum and a count, which several devices can add up.

    Attributes:
        total: sum over images or pairs.
        count: of how many; the loss is ``total / count`` after both have been added.
    """

    total: Array
    count: Array


def _without_gradients(*_: Any, **__: Any) -> Any:
    """List the functions of a model that is fitted in one pass."""
    raise TypeError("expected a model that gradients train, got one that is fitted")


def _by_gradients(*_: Any, **__: Any) -> Any:
    """List the functions of a model that is trained by gradients."""
    raise TypeError("expected a model that is fitted, got one that gradients train")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as its file declares it.

    ``images`` are ``[B, H, W, 3]``, float, in [0, 1]; of a full-reference model
    (``info.kind``) ``[B, H, W, 6]``, each image's channels and then its reference's,
    and so for ``prepare`` and ``score``. ``config`` is an instance of
    ``config_class``. ``key`` is of JAX's random numbers, for dropout; ``None`` when
    not training. ``axis`` names the devices' axis over which batch statistics are
    shared in training, ``None`` outside such an axis. ``params`` and ``images`` may
    both be bfloat16; ``state`` is float32 all the same, and so is what is returned
    for it.

    Attributes:
        info: what is known of it; ``info.weights`` is empty, since runs bring theirs.
        config_class: frozen dataclass of plain values (numbers, strings, tuples), with
            the paper's defaults; all that the other functions depend on.
        init: ``(key, config) -> Variables``: random, backbone included.
        backbone: ``(config)``: the network of ``jiqa.nn`` whose published weights may
            replace the ``"backbone."`` arrays (and whose name is
            ``config.backbone``), or ``None``.
        features: ``(config, variables, images, *, train, key, axis) ->
            (features, state)``: a tree of arrays, rows first, and the new statistics.
        head: ``(config, variables, features, *, train, key, axis) ->
            (outputs, state)``: a dictionary of arrays, rows first; ``"score"`` ``[B]``
            is always among them.
        loss: ``(config, outputs, batch) -> (Sum, logs)``: ``batch`` as
            ``jiqa.data.loader`` makes it (``score``, ``deviation``, ``histogram``,
            ``level``, ``reference``, ``mask``, ``group``, no text); rows whose mask is
            False count nothing. ``score`` and ``deviation`` come on the scale of
            ``span``, higher is better. ``group`` int32 ``[B]`` is the index of the
            image's distortion among ``kinds``, or else those of the data set, -1 for
            none. In batches to rank in it numbers the groups instead: all levels of one
            distortion of one reference, the reference itself (level 0) among them,
            whose rows stand together. ``logs`` holds other ``Sum`` by name.
        prepare: ``(config, image, rng) -> array``: on the host, one decoded image
            ``[H, W, C]`` (uint8) to the training crop ``[h, w, 3]`` of the same dtype;
            without ``rng`` (``None``) the fixed one, for features that are kept.
        score: ``(config, variables, image) -> scalar``: one image ``[H, W, C]`` in
            [0, 1]; whole, or by a fixed grid of crops; no randomness.
        min_side: ``(config)``: the smallest shorter side that ``score`` takes.
        any_size: ``(config)``: whether ``score`` takes ``extent`` too: what of a padded
            array is the image (``jiqa.ops.extent``).
        targets: ``(config, batch) -> batch``: what ``loss`` needs made from what the
            data set gives (a histogram from a mean), on the host, where ``name`` and
            ``distortion`` str ``[B]`` are still there; or ``None``.
        companions: ``(config)``: published weights beside the backbone's, as opening
            of keys (``"backbone.scnn."``) to name of a set of ``jiqa.weights``.
        span: ``(config)``: lowest and highest score, which the scale of a data set is
            mapped to.
        kinds: ``(config)``: names of distortions that it tells apart, without their
            set's; none if it goes by their positions in the data set.
        bias: key of the array that is added last to what becomes ``raw``, if there is
            one; drawn at random, it begins at the mean of the scores.
        stages: what it can learn from, ``"scores"``, ``"ranks"``, ``"kinds"`` of
            distortions, ``"methods"`` (their errors) or good ``"photographs"``, with
            the options that it then has by default.
        complete: ``(config, training, others) -> config``: with the options filled in
            that follow from files which it names and from the images (each with
            ``name`` and ``score``); the run records them. Or ``None``.
        judged: ``(config, outputs, batch) -> [B]``: what validation compares with
            ``score``; ``None`` for ``outputs["score"]``.
        statistics: ``(config, image) -> (statistics, figures)``: on the host, what
            ``fit`` needs of one decoded image ``[H, W, C]``, and what the run's table
            of images says of it. ``ValueError`` for an image that is of no use.
        fit: ``(config, statistics) -> (variables, figures)``: the model of all images'
            statistics, without gradients, and what the run says of it. A model that
            has it needs none of ``features``, ``head``, ``loss`` and ``prepare``. Or
            ``None``.
        choose: ``(config, variables, image) -> index``: of a model that chooses among
            metrics, the index in ``config.names`` of the one for an image as ``score``
            takes it. How the run's metric computes that one, ``config.recipes`` say.
            Or ``None``.
    """

    info: Info
    config_class: type
    init: Callable[..., Variables]
    score: Callable[..., Array]
    min_side: Callable[[Any], int]
    any_size: Callable[[Any], bool] = lambda _: False
    backbone: Callable[..., Any] = lambda _: None
    features: Callable[..., tuple[Any, Flat]] = _without_gradients
    head: Callable[..., tuple[dict[str, Array], Flat]] = _without_gradients
    loss: Callable[..., tuple[Sum, dict[str, Sum]]] = _without_gradients
    prepare: Callable[..., Any] = _without_gradients
    statistics: Callable[..., tuple[Any, Mapping[str, Any]]] = _by_gradients
    fit: Callable[..., tuple[Variables, Mapping[str, Any]]] | None = None
    targets: Callable[..., Any] | None = None
    companions: Callable[[Any], Mapping[str, str]] = lambda _: {}
    span: Callable[[Any], tuple[float, float]] = lambda _: (0.0, 1.0)
    kinds: Callable[[Any], Sequence[str]] = lambda _: ()
    bias: str | None = None
    stages: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"scores": {}}
    )
    complete: Callable[..., Any] | None = None
    judged: Callable[..., Array] | None = None
    choose: Callable[..., Array] | None = None

    def options(self, stage: str, given: Mapping[str, Any]) -> Any:
        """Return the configuration for learning from what ``stage`` names.

        Raises:
            ValueError: it cannot learn from that, or has no such option.
        """
        if stage not in self.stages:
            raise ValueError(
                f"{self.info.name} learns from {' or '.join(self.stages)}, not {stage}"
            )
        chosen = {k: hashable(v) for k, v in {**self.stages[stage], **given}.items()}
        try:
            return self.config_class(**chosen)
        except TypeError as error:
            raise ValueError(f"{self.info.name}: {error}") from None

    def apply(
        self,
        config: Any,
        variables: Variables,
        images: Array,
        *,
        train: bool = False,
        key: Array | None = None,
        axis: str | None = None,
        extent: Extent | None = None,
    ) -> tuple[dict[str, Array], Flat]:
        """``head`` after ``features``: the outputs and the new statistics.

        ``extent`` says what of the images counts, where that is not all; of a model
        whose ``features`` take it.
        """
        keys = (None, None) if key is None else tuple(jax.random.split(key))
        padded = {} if extent is None else {"extent": extent}
        found, state = self.features(
            config, variables, images, train=train, key=keys[0], axis=axis, **padded
        )
        seen = Variables(variables.params, state)
        return self.head(config, seen, found, train=train, key=keys[1], axis=axis)

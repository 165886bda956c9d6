"""QODCNN with a reference: one chain for both images, joined before the regression."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jax import Array

from jiqa.models import qodcnn
from jiqa.models.model import Flat, Variables
from jiqa.models.parts import patches
from jiqa.models.qodcnn import Config


def init(key: Array, config: Config) -> Variables:
    """Random arrays of one chain for both images, and of the dense layers."""
    return qodcnn.arrays(key, config, 6)


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Score rows (r, d, r - d), r of the reference and d of the image.

    Both pass through the chain together, so that batch normalisation treats them alike.
    The weights come from the image alone.
    """
    image, reference = features[..., :3], features[..., 3:]
    both = jnp.concatenate([image, reference], 1)
    rows, state = qodcnn.described(config, variables, both, train=train, axis=axis)
    d, r = jnp.split(rows, 2, axis=1)
    joined = jnp.concatenate([r, d, r - d], -1)
    outputs = qodcnn.judged(config, variables, joined, image, train=train, key=key)
    return outputs, state


MODEL = patches.model(
    dataclasses.replace(
        qodcnn.MODEL.info,
        name="qodcnn_fr",
        title="Quadratic optimised deep network for screen content, with a reference",
        kind="full-reference",
    ),
    config_class=Config,
    init=init,
    bias="head.fc2.bias",
    head=head,
    loss=qodcnn.loss,
)

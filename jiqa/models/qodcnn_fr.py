"""QODCNN with a reference: one chain for both images, joined before the regression."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.models import patches, qodcnn
from jiqa.models.model import Flat, Model, Variables
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
    """Of rows (r, d, r - d), r of the reference and d of the image.

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


def prepare(
    config: Config, image: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    """A column of patches of the image and its reference at the same places."""
    return patches.prepared(config, image, rng, channels=6)


def score(config: Config, variables: Variables, image: Array) -> Array:
    """Over all patches that do not overlap, of ``[H, W, 6]``."""
    found, _ = head(config, variables, patches.all_patches(image))
    return found["score"][0]


MODEL = Model(
    info=dataclasses.replace(
        qodcnn.MODEL.info,
        name="qodcnn_fr",
        title="Quadratic optimised deep network for screen content, with a reference",
        kind="full-reference",
    ),
    config_class=Config,
    init=init,
    backbone=lambda _: None,
    features=patches.of_crops,
    head=head,
    loss=qodcnn.loss,
    prepare=prepare,
    score=score,
    min_side=qodcnn.min_side,
)

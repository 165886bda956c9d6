"""WaDIQaM and DIQaM with a reference: features of both, and their difference."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.models import patches, wadiqam
from jiqa.models.model import Flat, Model, Variables
from jiqa.models.wadiqam import Config


def init(key: Array, config: Config) -> Variables:
    """Random arrays of one chain for both images, and of the two branches."""
    return wadiqam.arrays(key, config, 3)


def head(
    config: Config,
    variables: Variables,
    features: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Of rows (d - r, d, r), d of the image and r of its reference."""
    both = (features[..., :3], features[..., 3:])
    d, r = (wadiqam.described(config, variables, x, train) for x in both)
    rows = jnp.concatenate([d - r, d, r], -1)
    outputs = wadiqam.judged(config, variables, rows, train=train, key=key)
    return outputs, variables.state


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
        wadiqam.MODEL.info,
        name="wadiqam_fr",
        title="Weighted average deep image quality measure, with a reference",
        kind="full-reference",
    ),
    config_class=Config,
    init=init,
    backbone=lambda _: None,
    features=patches.of_crops,
    head=head,
    loss=wadiqam.loss,
    prepare=prepare,
    score=score,
    min_side=wadiqam.min_side,
)

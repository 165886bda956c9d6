"""WaDIQaM and DIQaM with a reference: features of both, and their difference."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jax import Array

from jiqa.models import wadiqam
from jiqa.models.model import Flat, Variables
from jiqa.models.parts import patches
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
    """Score rows (d - r, d, r), d of the image and r of its reference."""
    both = (features[..., :3], features[..., 3:])
    d, r = (wadiqam.described(config, variables, x, train) for x in both)
    rows = jnp.concatenate([d - r, d, r], -1)
    outputs = wadiqam.judged(config, variables, rows, train=train, key=key)
    return outputs, variables.state


MODEL = patches.model(
    dataclasses.replace(
        wadiqam.MODEL.info,
        name="wadiqam_fr",
        title="Weighted average deep image quality measure, with a reference",
        kind="full-reference",
    ),
    config_class=Config,
    init=init,
    bias="head.fc2.bias",
    head=head,
    loss=wadiqam.loss,
)

"""The optimiser of a run: rates, schedule, decay and clipping as Optax takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import optax

from jiqa.training.config import TrainingConfig

#: What the keys of the two parts of a model begin with.
BACKBONE, HEAD = "backbone.", "head."


def trained(params: Mapping[str, Any], frozen: bool) -> dict[str, Any]:
    """Return the parameters that gradients change: all, or all but the backbone's."""
    return {k: v for k, v in params.items() if not (frozen and k.startswith(BACKBONE))}


def optimiser(
    config: TrainingConfig, steps_per_epoch: int, steps: int
) -> optax.GradientTransformation:
    """Make the transformation of gradients into updates.

    Clipping comes first and takes all gradients together; then backbone and head go
    separate ways, each with its rate on one schedule.

    Args:
        config: the run's settings.
        steps_per_epoch: updates in an epoch.
        steps: updates in all.
    """

    def part(rate: float) -> optax.GradientTransformation:
        return _rule(config, _schedule(config, rate, steps_per_epoch, steps))

    parts: dict[Any, optax.GradientTransformation] = {
        BACKBONE: part(config.backbone_rate),
        HEAD: part(config.head_rate),
    }

    def labels(params: Mapping[str, Any]) -> dict[str, str]:
        return {k: BACKBONE if k.startswith(BACKBONE) else HEAD for k in params}

    clip = optax.clip_by_global_norm(config.clip) if config.clip else optax.identity()
    return optax.chain(clip, optax.multi_transform(parts, labels))


def _schedule(
    config: TrainingConfig, rate: float, steps_per_epoch: int, steps: int
) -> optax.Schedule:
    if config.schedule == "constant":
        return optax.constant_schedule(rate)
    if config.schedule == "cosine":
        return optax.cosine_decay_schedule(rate, steps)
    return optax.exponential_decay(
        rate,
        max(1, round(config.decay_every * steps_per_epoch)),
        config.decay,
        staircase=config.schedule == "step",
    )


def _rule(config: TrainingConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    if config.optimiser == "adamw":
        return optax.adamw(rate, weight_decay=config.weight_decay, mask=_kernels)
    decay = optax.add_decayed_weights(config.weight_decay, mask=_kernels)
    if config.optimiser == "sgd":
        return optax.chain(decay, optax.sgd(rate, momentum=config.momentum or None))
    return optax.chain(decay, optax.adam(rate))


def _kernels(params: Any) -> Any:
    """Mark kernels: no biases, and no scales of batch normalisation."""
    return jax.tree.map(lambda value: value.ndim > 1, params)

"""Targets of explanations: numbers that a network or a metric gives for images.

A target is a function of images ``[B, H, W, C]`` in [0, 1] that returns ``[B, K]``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.core.loaded import Loaded
from jiqa.nn import Network

Target = Callable[[Any], Array]


def of_maps(
    network: Network,
    params: Any,
    maps: Sequence[tuple[str, int]],
    *,
    unit: tuple[int, int] | None = None,
) -> Target:
    """Return the mean over positions of each map, or one unit of each.

    The network is computed as deep as the deepest of the layers.

    Args:
        network: of ``jiqa.nn.NETWORKS``.
        params: its parameters, flat.
        maps: layer and number of each.
        unit: row and column of a unit instead of the mean.
    """
    return functools.partial(_of_maps, network, tuple(maps), unit, params)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _of_maps(
    network: Network,
    maps: tuple[tuple[str, int], ...],
    unit: tuple[int, int] | None,
    params: Any,
    images: Array,
) -> Array:
    layers = list(dict.fromkeys(layer for layer, _ in maps))
    found = network.apply(params, network.preprocess(images), layers)
    columns = []
    for layer, number in maps:
        activation = found[layer][..., number]
        columns.append(
            activation.mean((1, 2)) if unit is None else activation[:, unit[0], unit[1]]
        )
    return jnp.stack(columns, -1)


def whole_maps(
    network: Network, params: Any, layer: str, numbers: Sequence[int]
) -> Callable[[Any], Array]:
    """Return some maps of one layer as they are: images to ``[B, h, w, maps]``."""
    return functools.partial(_whole_maps, network, layer, tuple(numbers), params)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _whole_maps(
    network: Network, layer: str, numbers: tuple[int, ...], params: Any, images: Array
) -> Array:
    found = network.apply(params, network.preprocess(images), [layer])[layer]
    return found[..., jnp.asarray(numbers)]


def of_score(metric: Loaded, reference: Any = None) -> Target:
    """Return a metric's score of each image, beside one reference if it compares.

    Args:
        metric: one metric of ``jiqa.load``.
        reference: ``[H, W, C]``, for a full-reference metric.
    """
    if metric.info.kind == "full-reference":
        prepared = metric.prepare(reference)
        return lambda images: prepared(images)[:, None]
    return lambda images: metric(images)[:, None]

"""Backbones under a model: the layers that stand for each depth, and pooling.

A model's ``Variables`` hold a backbone's arrays under ``"backbone."``; what batch
normalisation learns by gradients is in ``params``, its statistics in ``state``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.models.model import Flat, Variables
from jiqa.nn import NETWORKS, Network
from jiqa.nn.any_size import channel_means, map_extents, run_within
from jiqa.nn.graph import min_side, run, shapes, until
from jiqa.nn.networks import efficientnet_lite, mobilenet_v1
from jiqa.nn.operations import wide
from jiqa.nn.train_mode import run_training
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import safe_sqrt

OPENING = "backbone."

#: Layers by depth: ``"multi"`` the last map of each size that the network goes through,
#: ``"last"`` the deepest of them, ``"classifier"`` the layer before the class scores.
#: ``"many"``, of the EfficientNets alone, also the wide maps inside the stages.
Levels = Literal["multi", "many", "last", "classifier"]
#: What is kept of each channel's map.
Pooling = Literal["mean", "mean-deviation"]


#: The last map of each stage, that is, before the map is halved again.
TAPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "alexnet": ("relu1", "relu2", "relu5"),
        "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
        "resnet18": ("relu1", *(f"layer{k}_1_relu" for k in range(1, 5))),
        "resnet50": (
            "relu1",
            *(f"layer{k}_{last}_relu" for k, last in enumerate((2, 3, 5, 2), start=1)),
        ),
        "squeezenet1_1": ("relu1", "fire3", "fire5", "fire9"),
        "mobilenet_v1": tuple(f"conv_pw_{k}_relu" for k in (1, 3, 5, 11, 13)),
        "mobilenet_v2": (
            "block1_project_bn",
            "block3_add",
            "block6_add",
            "block13_add",
            "conv18_relu",
        ),
        "efficientnet_lite0": (
            "block1_project_bn",
            "block3_add",
            "block5_add",
            "block11_add",
            "head_relu",
        ),
        "efficientnet_lite1": (
            "block1_project_bn",
            "block4_add",
            "block7_add",
            "block15_add",
            "head_relu",
        ),
        "efficientnet_lite2": (
            "block1_project_bn",
            "block4_add",
            "block7_add",
            "block15_add",
            "head_relu",
        ),
        "bn_inception": (
            "conv1_7x7_s2_relu",
            "conv2_3x3_relu",
            "inception_3b",
            "inception_4d",
            "inception_5b",
        ),
        "inception_v3": (
            "conv2d_2b_3x3_relu",
            "conv2d_4a_3x3_relu",
            "mixed_5d",
            "mixed_6e",
            "mixed_7c",
        ),
        "inception_resnet_v2": (
            "conv2d_2b_relu",
            "conv2d_4a_relu",
            "block35_10_relu",
            "block17_20_relu",
            "conv2d_7b_relu",
        ),
    }
)
#: What ``"many"`` taps: of each stage the first wide map, rectified, and the last one.
_MANY = {name: net.stage_maps() for name, net in efficientnet_lite.NETWORKS.items()}
#: What ``"classifier"`` taps; in all other networks the mean of the last map.
_CLASSIFIERS = {"alexnet": "relu7", "vgg16": "relu7"}


def network(name: str, *, padding: str = "end") -> Network:
    """Look up a backbone by name.

    Args:
        name: a key of ``TAPS``.
        padding: of MobileNet v1, see ``jiqa.nn.networks.mobilenet_v1.Config``.

    Raises:
        ValueError: none of that name that a model can be built on.
    """
    one_of("backbone", name, *TAPS)
    if name == "mobilenet_v1":
        one_of("padding", padding, "end", "around")
        return mobilenet_v1.Config(padding=padding)  # pyright: ignore
    return NETWORKS[name]


def taps(name: str, levels: str) -> tuple[str, ...]:
    """Return the names of the layers whose maps are pooled."""
    one_of("levels", levels, "multi", "many", "last", "classifier")
    if levels == "many":
        one_of("backbone of levels='many'", name, *_MANY)
        return _MANY[name]
    if levels == "classifier" and name in _CLASSIFIERS:
        return (_CLASSIFIERS[name],)
    return TAPS[name] if levels == "multi" else TAPS[name][-1:]


def width(net: Network, wanted: Sequence[str], pooling: str = "mean") -> int:
    """Return how many numbers ``pooled`` gives for an image."""
    one_of("pooling", pooling, "mean", "mean-deviation")
    widths = _widths(net, wanted)
    return sum(widths) * (2 if pooling == "mean-deviation" else 1)


def _widths(net: Network, wanted: Sequence[str]) -> list[int]:
    found, came = {}, 3
    for node in until(net.layers(), wanted):
        came = node.op.channels(*(found.get(name, 3) for name in node.inputs))
        found[node.name] = came
    return [found[tap] for tap in wanted]


def smallest(net: Network, wanted: Sequence[str]) -> int:
    """Return the smallest side of an image that leaves a sample at every tap."""
    return min_side(net.layers(), wanted)


def multiple(name: str) -> int:
    """Return what both sides of an image must be a multiple of.

    The branches of BN-Inception halve a map in two ways, which agree on even maps only.
    """
    return 32 if name == "bn_inception" else 1


def needed(
    net: Network, wanted: Sequence[str], opening: str = OPENING
) -> dict[str, tuple[int, ...]]:
    """Return keys and shapes of the arrays of all nodes that the taps need."""
    found = shapes(until(net.layers(), wanted))
    return {f"{opening}{key}": shape for key, shape in found.items()}


def under(opening: str, variables: Variables) -> dict[str, Any]:
    """Return all arrays whose keys have a prefix, without it."""
    size = len(opening)
    arrays = {**variables.params, **variables.state}
    return {k[size:]: v for k, v in arrays.items() if k.startswith(opening)}


def maps(
    net: Network,
    wanted: Sequence[str],
    variables: Variables,
    images: Array,
    *,
    opening: str = OPENING,
    train: bool = False,
    batch_statistics: bool = True,
    key: Array | None = None,
    dropout: Mapping[str, float] | None = None,
    axis: str | None = None,
    extent: Extent | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Maps of images ``[B, H, W, 3]`` in [0, 1] by tap, and the model's new state.

    Args:
        net: the network.
        wanted: names of nodes.
        variables: the model's.
        images: in [0, 1]; the network's preprocessing is done here.
        opening: of the network's keys among the model's.
        train: whether batch statistics and dropout may act.
        batch_statistics: see ``jiqa.nn.train_mode.run_training``.
        key: random numbers of the dropout.
        dropout: rates by node.
        axis: of the devices that share statistics.
        extent: what of the images counts, where that is not all; not in training.
    """
    params = under(opening, variables)
    x = net.preprocess(images)
    if extent is not None:
        return run_within(net.layers(), params, x, wanted, extent), variables.state
    if not train:
        return run(net.layers(), params, x, wanted), variables.state
    found, new = run_training(
        net.layers(),
        params,
        x,
        wanted,
        axis=axis,
        batch_statistics=batch_statistics,
        key=key,
        dropout=dropout,
    )
    return found, {**variables.state, **{f"{opening}{k}": v for k, v in new.items()}}


def pooled(
    found: Mapping[str, Array],
    pooling: str = "mean",
    extents: Mapping[str, Extent] | None = None,
) -> Array:
    """Pool all maps ``[B, h, w, c]`` to one row of channel means an image, ``[B, C]``.

    Vectors ``[B, c]`` stay as they are. With ``"mean-deviation"`` each tap's means are
    followed by its standard deviations. Float32 at least. ``extents`` say what of each
    map counts, where that is not all.

    Raises:
        ValueError: the deviation of what is no map.
    """
    one_of("pooling", pooling, "mean", "mean-deviation")
    parts = []
    for tap, value in found.items():
        x = value.astype(wide(value.dtype))
        if x.ndim == 2:
            if pooling != "mean":
                raise ValueError(
                    f"pooling={pooling!r}: {tap!r} is a vector, not a feature map"
                )
            parts.append(x)
            continue
        within = None if extents is None else extents[tap]
        average = functools.partial(channel_means, extent=within)
        mean = average(x)
        parts.append(mean)
        if pooling == "mean-deviation":
            away = jnp.square(x - mean[:, None, None])
            parts.append(safe_sqrt(average(away)))
    return jnp.concatenate(parts, -1)


def of(config: Any) -> Network:
    """Return the network of a model with the options ``backbone`` and ``padding``."""
    return network(config.backbone, padding=config.padding)


def level_rows(
    config: Any,
    variables: Variables,
    images: Array,
    *,
    train: bool = False,
    key: Array | None = None,
    axis: str | None = None,
    extent: Extent | None = None,
) -> tuple[dict[str, Array], Flat]:
    """Return the ``features`` of a model with ``levels`` and ``pooling``: a row a tap.

    Rows ``[B, D]`` stand apart, so that what is kept of them serves other levels, too.
    """
    net, wanted = of(config), taps(config.backbone, config.levels)
    found, state = maps(
        net,
        wanted,
        variables,
        images,
        train=train,
        batch_statistics=config.batch_statistics,
        key=key,
        dropout={"relu6": config.dropout},
        axis=axis,
        extent=extent,
    )
    extents = extent and map_extents(net.layers(), wanted, extent)
    rows = {tap: pooled({tap: v}, config.pooling, extents) for tap, v in found.items()}
    return rows, state


def joined(config: Any, rows: Mapping[str, Array]) -> Array:
    """Join the rows of all levels from ``level_rows``, ``[B, D]``."""
    wanted = taps(config.backbone, config.levels)
    return jnp.concatenate([rows[tap] for tap in wanted], -1)

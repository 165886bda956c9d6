"""DeepSim: structural similarity of the feature maps of VGG-16."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Maps, Options, Params
from jiqa.core.tile_reduction import (
    Extents,
    Mean,
    Step,
    Tile,
    TileReduction,
    over_whole_maps,
)
from jiqa.metrics.parts.feature_maps import (
    REACH,
    SIMILARITY_WORK,
    largest,
    peaks,
    structural_similarity,
    unit_similarity,
)
from jiqa.nn import NETWORKS
from jiqa.nn.graph import Node
from jiqa.nn.operations import Softmax
from jiqa.ops.extent import Extent, keep
from jiqa.ops.numerics import safe_sqrt

_NET = (*NETWORKS["vgg16"].layers(), Node("prob", Softmax()))
#: Every layer of the convolutional part, as the authors tap them.
_ALL = tuple(
    layer.name for layer in _NET if re.match(r"(conv|relu|pool)[1-5]", layer.name)
)
#: The fully connected layers, of which each output is one number.
_CLASSIFIER = ("fc6", "relu6", "fc7", "relu7", "logits", "prob")
#: The side of the images that these are made for.
_SIDE = 224
_SORTED = tuple(f"p{n}" for n in range(10, 100, 10))
_POOLS = ("avg", "sd", "mad", "fd", *_SORTED, "p100")


def _spec(options: Options) -> FeatureSpec:
    for name in ("pool_map", "pool_channel", "pool_layer"):
        one_of(name, getattr(options, name), *_POOLS)
    one_of("classifier", options.classifier, False, True)
    one_of("preset", options.preset, None, "official_demo")
    one_of("output", options.output, "score", "layers", "maps")
    resize = options.resize
    if resize is not None and resize < 32:
        raise ValueError(
            expected("resize", "at least 32 pixels, or None", repr(resize))
        )
    vectors = _vectors(options)
    if vectors and resize != _SIDE:
        wanted = f"{_SIDE}, the side that {', '.join(vectors)} were trained for"
        raise ValueError(expected("resize", wanted, repr(resize)))
    taps = (*_maps(options), *vectors)
    return tapped(("vgg16",), _NET, taps, resize=resize, whole=bool(vectors))


def _maps(options: Options) -> tuple[str, ...]:
    """The layers that are maps."""
    return tuple(name for name in options.layers if name not in _CLASSIFIER)


def _vectors(options: Options) -> tuple[str, ...]:
    """The layers that are vectors."""
    if options.classifier:
        return _CLASSIFIER
    return tuple(name for name in options.layers if name in _CLASSIFIER)


def _pools(options: Options) -> tuple[str, str, str]:
    """Within a map, over the maps, over the layers."""
    if options.preset == "official_demo":
        return "avg", "sd", "avg"
    return options.pool_map, options.pool_channel, options.pool_layer


def _tiles(options: Options) -> TileReduction:
    how = _pools(options)[0]
    if how in _SORTED:
        raise ValueError(f"pool_map={how!r} sorts whole feature maps")
    return TileReduction(_steps(how), _score, halo=REACH, work=SIMILARITY_WORK)


def _steps(how: str) -> tuple[Step, ...]:
    usual = (Step(_peaks, largest), Step(_means))
    return usual if how in ("avg", "p100") else (*usual, Step(_deviations))


def _peaks(params: Params, options: Options, tile: Tile) -> list[Array]:
    return [
        peaks(*tile.pair(name), least=1.0, extent=tile.extent(name))
        for name in _maps(options)
    ]


def _local(options: Options, tile: Tile) -> Iterator[tuple[str, Array]]:
    """Each layer's similarity at every position of every map."""
    for name, top in zip(_maps(options), tile.known[0], strict=True):
        yield (
            name,
            structural_similarity(*tile.pair(name), top, "zero", tile.extent(name)),
        )


def _means(params: Params, options: Options, tile: Tile) -> list[Mean]:
    return [tile.mean(name, local) for name, local in _local(options, tile)]


def _deviations(params: Params, options: Options, tile: Tile) -> list[Any]:
    """Means of the squared and of the absolute deviations, of every map."""
    found = []
    for (name, local), mean in zip(_local(options, tile), tile.known[1], strict=True):
        off = local - mean
        unbiased = off * off * _correction(tile, name)
        found.append((tile.mean(name, unbiased), tile.mean(name, jnp.abs(off))))
    return found


def _correction(tile: Tile, name: str) -> Any:
    """N / (N - 1) of the N samples of the whole map; 1 of one sample."""
    extent = tile.extent(name)
    if extent is None:
        count = math.prod(tile.positions[name].size)
        return count / max(count - 1, 1)
    count = extent.count(tile.reference[name].dtype)
    return count / jnp.maximum(count - 1, 1)


def _by_map(params: Params, options: Options, *known: list[Any]) -> list[Array]:
    """The score of each map, by layer, from peaks, means and deviations."""
    how = _pools(options)[0]
    if how in ("avg", "p100"):
        return known[1]
    return [_spread(how, *of_maps) for of_maps in known[2]]


def _score(params: Params, options: Options, *known: list[Any]) -> Array:
    return _pooled(options, _by_map(params, options, *known))


def _spread(how: str, variance: Array, absolute: Array) -> Array:
    """``"sd"``, ``"mad"``, or ``"fd"``, which is the mean of the two."""
    deviation = safe_sqrt(variance)
    return {"sd": deviation, "mad": absolute, "fd": (deviation + absolute) / 2}[how]


def _pooled(
    options: Options, by_map: list[Array], by_vector: Sequence[Array] = ()
) -> Array:
    """The scores of every layer's maps, pooled over them, and over the layers."""
    _, pool_channel, pool_layer = _pools(options)
    if options.output == "maps":
        return jnp.concatenate([*by_map, *(score[None] for score in by_vector)])
    by_layer = [_pool(scores, pool_channel) for scores in by_map]
    found = jnp.stack([*by_layer, *by_vector])
    return found if options.output == "layers" else _pool(found, pool_layer)


def _pool(x: Array, how: str) -> Array:
    """Pool the first axis."""
    if how == "avg":
        return x.mean(0)
    if how.startswith("p"):
        return jnp.sort(x, axis=0)[: _lowest(x.shape[0], how)].mean(0)
    off = x - x[0]  # exactly 0 for values that are all one
    off = off - off.mean(0)
    variance = jnp.square(off).sum(0) / max(x.shape[0] - 1, 1)
    return _spread(how, variance, jnp.abs(off).mean(0))


def _compare(
    params: Params,
    options: Options,
    reference: Maps,
    distorted: Maps,
    extents: Extents = MappingProxyType({}),
) -> Array:
    how = _pools(options)[0]
    x, y = ({name: v[name] for name in _maps(options)} for v in (reference, distorted))
    if how in _SORTED:
        by_map = [_sorted(x[name], y[name], how, extents.get(name)) for name in x]
    else:
        tiles = TileReduction(_steps(how), _by_map)
        by_map = over_whole_maps(tiles, params, options, x, y, extents)
    by_vector = [
        _of_units(reference[name], distorted[name], how) for name in _vectors(options)
    ]
    return _pooled(options, by_map, by_vector)


def _sorted(x: Array, y: Array, how: str, extent: Extent | None) -> Array:
    """The score of each map where the lowest values count."""
    top = peaks(x, y, least=1.0, extent=extent)
    local = structural_similarity(x, y, top, "zero", extent)
    if extent is None:
        return _pool(local.reshape(-1, local.shape[-1]), how)
    flat = keep(local, extent, jnp.inf, axis=0).reshape(-1, local.shape[-1])
    count = _lowest(extent.rows * extent.cols, how)
    counts = jnp.arange(flat.shape[0], dtype=jnp.int32)[:, None] < count
    lowest = jnp.where(counts, jnp.sort(flat, axis=0), 0)
    return lowest.sum(0) / count.astype(flat.dtype)


def _lowest(count: Any, how: str) -> Any:
    """How many of ``count`` values are the lowest share; a fraction counts as one."""
    share = int(how[1:])
    # Hundreds first: 32 bits hold no hundredfold of a large image.
    return count // 100 * share - (-(count % 100) * share // 100)


def _of_units(x: Array, y: Array, how: str) -> Array:
    """The score of a vector, whose units are pooled like the positions of a map."""
    top = peaks(x[:, None, None], y[:, None, None], least=1.0)
    return _pool(unit_similarity(x, y, top), how)


@deep_metric(
    title="DeepSim",
    direction="higher",
    range=(-1.0, 1.0),
    identity=1.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "F. Gao, Y. Wang, P. Li, M. Tan, J. Yu and Y. Zhu, 'DeepSim: deep similarity "
        "for image quality assessment', Neurocomputing 257, 2017, "
        "doi:10.1016/j.neucom.2017.01.054"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "the steps of the authors' code on torchvision's VGG-16 in place of "
        "MatConvNet's; by default without its fully connected layers, which an option "
        "adds"
    ),
    tiles=_tiles,
    compare=_compare,
    any_size=lambda options: True,
    spec=_spec,
)
def deepsim(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    layers: tuple[str, ...] = _ALL,
    classifier: bool = False,
    pool_map: str = "avg",
    pool_channel: str = "avg",
    pool_layer: str = "avg",
    preset: str | None = None,
    resize: int | None = None,
    output: str = "score",
) -> Array:
    """Local structural similarity of every feature map of VGG-16 (Gao et al. 2017).

    SSIM (Gaussian of 11, sigma 1.5, zeros outside, K = .01 and .03, the dynamic range
    the larger of 1 and the map's largest magnitude in either image) at every position
    of every map after every layer; pooled within the map, over the maps of a layer, and
    over the layers.

    Args:
        params: flat; the set of weights ``vgg16``.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        layers: names of layers. By default every convolution, rectifier and pooling.
        classifier: go on through fc6, relu6, fc7, relu7, logits and prob, the softmax,
            as the authors do; needs ``resize=224`` and weights that have them
            (``jiqa weights fetch vgg16``). A vector's units are compared one by one
            and pooled by ``pool_map``: in the authors' code the row that should run
            along the vector lies across it.
        pool_map: within a map: ``"avg"``; ``"sd"``, the standard deviation; ``"mad"``,
            the mean absolute one; ``"fd"``, the mean of the two; ``"p10"`` to
            ``"p100"``, the mean of the lowest 10 to 100 %, rounded up.
        pool_channel: over the maps of a layer: the same choice, by default ``"avg"``.
        pool_layer: over the layers: the same choice, by default ``"avg"``.
        preset: ``"official_demo"`` pools as the authors' demonstration ends up doing:
            the mean within a map, the standard deviation over the maps, the mean over
            the layers. A deviation is 0 for identical images and lower is better.
        resize: side of the square to which images are resized first (bicubic); the
            authors offer 224. By default they keep their size.
        output: ``"score"``, ``"layers"`` for each layer's or ``"maps"`` for each map's
            (a fully connected layer counts as one).

    Returns:
        ``[...]``, 1 for identical images, higher is better (with the default pooling);
        ``[..., layers]`` or ``[..., maps]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

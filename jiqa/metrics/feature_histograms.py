"""Pyramids of feature histograms: where which feature responds, and how much."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.feature_maps import pooled_layers
from jiqa.learned import learned_reference, tapped
from jiqa.nn import NETWORKS
from jiqa.numerics import product, safe_divide
from jiqa.options import one_of
from jiqa.wiring import Maps, Options, Params, Wiring

_BLOCKS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
_LAYERS = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "vgg16": _BLOCKS,
    "vgg19": _BLOCKS,
}
_LEVELS = (0, 1, 2, 3)


def _wiring(options: Options) -> Wiring:
    one_of("net", options.net, *_LAYERS)
    one_of("level_weights", options.level_weights, "reciprocal", "uniform")
    one_of("pool_layer", options.pool_layer, "geometric", "mean")
    one_of("output", options.output, "score", "layers")
    levels = options.levels
    if not levels or any(not 0 <= level <= 6 for level in levels):
        raise ValueError(f"levels={levels!r}; needed are whole numbers from 0 to 6")
    return tapped((options.net,), NETWORKS[options.net].layers(), _layers(options))


def _layers(options: Options) -> tuple[str, ...]:
    return options.layers or _LAYERS[options.net]


def _compare(
    params: Params, options: Options, reference: Maps, distorted: Maps
) -> Array:
    scores = []
    for name in _layers(options):
        total, weights = jnp.zeros((), reference[name].dtype), 0.0
        for level in options.levels:
            weight = 1 / (level + 1) if options.level_weights == "reciprocal" else 1.0
            x, y = (_histograms(f[name], level) for f in (reference, distorted))
            total, weights = (
                total + weight * _intersection(x, y).mean(),
                weights + weight,
            )
        scores.append(total / weights)
    return pooled_layers(scores, options.pool_layer, options.output)


def _histograms(features: Array, level: int) -> Array:
    """Share of each map in the response of each cell, ``[4^level, maps]``.

    Negative responses count as none.
    """
    h, w, maps = features.shape
    rows, cols = _cells(h, 2**level), _cells(w, 2**level)
    by_row = product(rows, jnp.maximum(features, 0).reshape(h, -1))
    by_row = jnp.moveaxis(by_row.reshape(len(rows), w, maps), 1, 0).reshape(w, -1)
    sums = product(cols, by_row).reshape(-1, maps)
    return safe_divide(sums, sums.sum(-1, keepdims=True))


def _cells(length: int, count: int) -> np.ndarray:
    """Which samples lie in which cell, ``[count, length]``.

    Cells overlap by a sample where their number does not divide the length, and share
    samples where there are fewer than cells: none is empty.
    """
    index = np.arange(count)[:, None]
    start, stop = index * length // count, -(-(index + 1) * length // count)
    place = np.arange(length)
    return ((place >= start) & (place < stop)).astype(float)


def _intersection(x: Array, y: Array) -> Array:
    """Sum of the smaller shares: 1 - |x - y| / 2, exactly 1 for equal histograms."""
    x_empty, y_empty = (jnp.all(v == 0, -1) for v in (x, y))
    apart = jnp.abs(x - y).sum(-1) / 2
    # An empty cell beside a full one shares nothing with it.
    return 1 - apart - 0.5 * (x_empty != y_empty).astype(x.dtype)


@learned_reference(
    title="Similarity of CNN feature histograms",
    direction="higher",
    range=(0.0, 1.0),
    identity=1.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "S. A. Amirshahi, M. Pedersen and S. X. Yu, 'Image quality assessment by "
        "comparing CNN features between images', Journal of Imaging Science and "
        "Technology 60(6), 2016, doi:10.2352/J.ImagingSci.Technol.2016.60.6.060410"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "after the abstract and the authors' earlier pyramids of histograms; what is "
        "open is an argument"
    ),
    compare=_compare,
    wiring=_wiring,
)
def cnn_histogram(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    net: str = "alexnet",
    layers: tuple[str, ...] | None = None,
    levels: tuple[int, ...] = _LEVELS,
    level_weights: str = "reciprocal",
    pool_layer: str = "geometric",
    output: str = "score",
) -> Array:
    """Intersection of pyramids of feature histograms (after Amirshahi et al. 2016).

    At level l a layer's maps are cut into 2^l x 2^l cells. The histogram of a cell has
    one bin for each map: its share in the response of all maps there. Two images agree
    in a cell by the sum of the smaller shares; that is averaged over the cells, then
    over the levels by weight, then over the layers. A cell without any response agrees
    fully with another such, and not at all with others.

    Args:
        params: flat; the set of weights that ``net`` names.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        net: ``"alexnet"`` (the authors'), ``"vgg16"`` or ``"vgg19"``.
        layers: names of layers; by default the rectified convolutions of AlexNet, or
            the last of each block of VGG: shares need responses that are not negative
            (negative ones count as 0).
        levels: of the pyramid. The authors' pyramids of other features have four.
        level_weights: ``"reciprocal"``, 1 / (l + 1), which trusts coarse cells more, as
            their earlier work does; or ``"uniform"``.
        pool_layer: ``"geometric"`` mean over the layers, as in their later metric, or
            ``"mean"``.
        output: ``"score"``, or ``"layers"`` for each layer's.

    Returns:
        ``[...]``, 1 for identical images, higher is better; or ``[..., layers]``.

    Raises:
        ValueError: an unknown option or layer, parameters that do not fit, or an image
            too small to reach the deepest layer.
    """
    ...

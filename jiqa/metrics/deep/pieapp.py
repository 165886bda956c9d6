"""PieAPP: perceptual error of patches, learned from pairwise preferences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.core.tile_reduction import Mean, Step, Tile, TileReduction
from jiqa.nn import pieapp as network
from jiqa.nn.graph import Node
from jiqa.nn.pieapp import NODE
from jiqa.ops.numerics import product, safe_divide

_NET = network.Config()
#: What is added to every patch's weight.
_LEAST = 1e-6


def _spec(options: Options) -> FeatureSpec:
    stride = options.stride
    if type(stride) is not int or stride < 1:
        raise ValueError(expected("stride", "a whole number of pixels", repr(stride)))
    return tapped(
        ("pieapp",),
        [Node(NODE, _NET.by_patch(stride))],
        (NODE,),
        heads=_NET.head(),
        preprocess=network.preprocess,
    )


def _tiles(options: Options) -> TileReduction:
    return TileReduction((Step(_means),), _ratio)


def _means(params: Params, options: Options, tile: Tile) -> tuple[Mean, Mean]:
    """Means of the patches' weighted errors, and of their weights."""
    x, y = tile.pair(NODE)
    errors, weights = judged(params, x - y)
    return tile.mean(NODE, errors * weights), tile.mean(NODE, weights)


def _ratio(params: Params, options: Options, means: tuple[Array, Array]) -> Array:
    return safe_divide(*means)


def judged(params: Params, apart: Array) -> tuple[Array, Array]:
    """Errors of patches, and their weights.

    Args:
        params: flat dictionary of parameters.
        apart: the reference's features less the distorted image's, ``[..., features]``.

    Returns:
        Two arrays ``[...]``.
    """
    coarse = apart[..., -params[f"{NODE}.fc1_weight.kernel"].shape[0] :]
    error = 0.01 * _two_layers(params, "score", apart)
    weight = _two_layers(params, "weight", coarse) + _LEAST
    return _dense(params, "ref_score_subtract", error)[..., 0], weight[..., 0]


def _two_layers(params: Params, name: str, x: Array) -> Array:
    hidden = jax.nn.relu(_dense(params, f"fc1_{name}", x))
    return _dense(params, f"fc2_{name}", hidden)


def _dense(params: Params, name: str, x: Array) -> Array:
    kernel, bias = (
        jnp.asarray(params[f"{NODE}.{name}.{part}"]).astype(x.dtype)
        for part in ("kernel", "bias")
    )
    return product(x.reshape(-1, x.shape[-1]), kernel).reshape(*x.shape[:-1], -1) + bias


@deep_metric(
    title="Perceptual image-error assessment through pairwise preference",
    direction="lower",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    colour="rgb",
    citation=(
        "E. Prashnani, H. Cai, Y. Mostofi and P. Sen, 'PieAPP: perceptual image-error "
        "assessment through pairwise preference', CVPR 2018, "
        "doi:10.1109/CVPR.2018.00194"
    ),
    fidelity="paper",
    fidelity_note=(
        "the authors' network and weights (0.1); a PyTorch network of that description "
        "gives the same with random weights to 1e-9; no value of theirs is available"
    ),
    tiles=_tiles,
    spec=_spec,
)
def pieapp(
    params: Params, reference: Array, distorted: Array, *, stride: int = 27
) -> Array:
    """Perceptual image error learned from preferences (Prashnani et al. 2018).

    A network takes patches of 64 x 64 pixels of both images, one by one. From the
    differences of its features at five depths two layers compute the patch's error,
    from those at the last depth two others its weight; the score is the weighted mean
    of the errors.

    Identical images have the same score whatever they show, one that follows from the
    weights; the authors trained it to be near 0.

    Args:
        params: flat; the set of weights ``pieapp``.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        stride: pixels between patches: 27 is the authors' sparse sampling, for speed;
            6 their dense one, which they compare metrics by. Patches that would end
            outside the image are left out; the authors' demonstration adds some at the
            edges where the number of patches is one more than a multiple of ten.

    Returns:
        ``[...]``, lower is better.

    Raises:
        ValueError: an invalid stride, parameters that do not fit, or an image below 64
            pixels.
    """
    ...

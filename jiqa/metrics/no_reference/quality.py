"""Quality of a photograph, and how sure that is, from a model that jiqa ships."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Options, Params
from jiqa.nn import quality as network
from jiqa.nn.any_size import channel_means
from jiqa.ops.extent import Extent, inside
from jiqa.ops.numerics import product, safe_sqrt

#: What is in the columns of ``output="all"``.
COLUMNS = ("score", "deviation", "low", "high", "flat")
#: The smallest shorter side: anything less is no photograph.
_LEAST = 32
#: Beyond these an image is unlike the photographs that the model has learned from.
_FLAT, _SMALL = 0.65, 160


def _spec(options: Options) -> FeatureSpec:
    one_of("output", options.output, *COLUMNS, "all")
    if options.coverage not in network.COVERAGES:
        wanted = f"one of {', '.join(map(str, network.COVERAGES))}"
        raise ValueError(expected("coverage", wanted, repr(options.coverage)))
    return tapped(
        ("quality",),
        network.NETWORK.layers(),
        network.TAPS,
        heads=network.head(),
        min_side=_LEAST,
        preprocess=network.NETWORK.preprocess,
        resize=network.RESIZE,
    )


def _compare(
    params: Params, options: Options, found: Any, extents: Any = None
) -> Array:
    extents = extents or {}
    if options.output == "flat":
        return flat_share(found["image"], extents.get("image"))
    rows = []
    for tap in network.TAPS:
        rows += pooled(found[tap], extents.get(tap))
    x = jnp.concatenate(rows)
    x = x * _of(params, "norm.factor", x) + _of(params, "norm.summand", x)
    hidden = jax.nn.relu(_dense(params, "hidden", x))
    score = _dense(params, "score", hidden)[0]
    log = jnp.clip(_dense(params, "deviation", hidden)[0], *network.LOGARITHMS)
    spread = _of(params, "scale", x)[0] * jnp.exp(log)
    reach = _of(params, "reach", x)[network.COVERAGES.index(options.coverage)] * spread
    columns = {
        "score": score,
        "deviation": spread,
        "low": score - reach,
        "high": score + reach,
    }
    if options.output != "all":
        return columns[options.output]
    columns["flat"] = flat_share(found["image"], extents.get("image"))
    return jnp.stack([columns[name] for name in COLUMNS])


def pooled(x: Array, extent: Extent | None) -> list[Array]:
    """Means and deviations of the channels of a map ``[h, w, C]``."""
    middle = channel_means(x, extent)
    return [middle, safe_sqrt(channel_means(jnp.square(x - middle), extent))]


def flat_share(image: Array, extent: Extent | None) -> Array:
    """The share of an image that equals its neighbours to the right and below.

    Drawings and screens are made of such areas; photographs hardly have any.
    """
    same = (image[:-1, :-1] == image[:-1, 1:]) & (image[:-1, :-1] == image[1:, :-1])
    same = same.all(-1)
    if extent is None:
        return same.mean(dtype=image.dtype)
    within = extent.map(lambda n: n - 1)
    same = same & inside(within, same.shape)
    return same.sum(dtype=image.dtype) / within.count(image.dtype)


def doubt(flat: float, height: int, width: int) -> str:
    """Why an image is nothing that the model was made for; empty for a photograph.

    Args:
        flat: its ``output="flat"``.
        height: of the image.
        width: likewise.
    """
    if min(height, width) < _SMALL:
        return f"only {width}x{height} pixels"
    if flat > _FLAT:
        return f"a drawing or a screen? {flat:.0%} of it is flat"
    return ""


def _dense(params: Params, name: str, x: Array) -> Array:
    kernel, bias = (_of(params, f"{name}.{part}", x) for part in ("kernel", "bias"))
    return product(x[None], kernel)[0] + bias


def _of(params: Params, name: str, x: Array) -> Array:
    return jnp.asarray(params[f"quality.{name}"]).astype(x.dtype)


@deep_metric(
    kind="no-reference",
    title="Quality of a photograph, with a deviation and an interval",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=None,
    symmetric=False,
    colour="rgb",
    citation=(
        "Ahmed, Asif: BIQ2021: a large-scale blind image "
        "quality assessment database. Journal of Electronic Imaging 31(5), 2022. "
        "doi:10.1117/1.JEI.31.5.053010"
    ),
    fidelity="reconstruction",
    fidelity_note="jiqa's own model, no authors' code",
    spec=_spec,
    compare=_compare,
    any_size=lambda options: True,
)
def quality(
    params: Params, image: Array, *, output: str = "score", coverage: float = 0.9
) -> Array:
    """Quality of a photograph as a group of people would rate it, with its deviation.

    EfficientNet-Lite0, as it was trained on ImageNet, sees the photograph resized to
    256x256; means and deviations of 14 of its maps go through one layer that was
    trained on the MOS of 1,300 photographs of BIQ2021's official training split. The
    score is on the scale of that MOS, 0 to 1; nine of ten photographs of the test split
    have 0.34 to 0.82.

    On BIQ2021's official test split, 2,000 photographs, its SRCC is .821 (95 %
    interval .803 to .836), where ``niqe`` has .396, ``brisque`` .340 and ``piqe`` .212;
    the mean error is 0.084. Intervals asked to hold 90 % of the photographs hold 86.6 %
    (50: 45.9, 80: 75.6, 95: 94.4); they were set on 300 others. Nothing was
    measured on photographs of other data sets, where they may hold fewer. It was
    not made for drawings, screens and tiny images, and it does not see the finest
    detail of a large photograph.

    The network is under Apache-2.0. BIQ2021 is "freely available for use and
    benchmarking", which leaves open what holds for a model that was trained on it.

    Args:
        params: flat; the set of weights ``quality``, which jiqa ships.
        image: photograph ``[..., H, W, C]`` in [0, 1], of any size.
        output: ``"score"``, the usual number; ``"deviation"``, how far off it is
            expected to be; ``"low"`` and ``"high"``, the ends of an interval;
            ``"flat"``, the share of the image that equals its neighbours to the bit,
            large where it is no photograph; ``"all"``, these five along a last axis.
        coverage: the share of photographs whose rating lies in their interval: 0.5,
            0.8, 0.9 (what most intervals are stated for) or 0.95.

    Returns:
        ``[...]``, higher is better.

    Raises:
        ValueError: another output or coverage, parameters that do not fit, or an image
            with a side under 32 pixels.
    """
    ...


quality.outputs = COLUMNS

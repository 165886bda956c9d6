"""DeepWSD: Wasserstein distances between the features of two images."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.deep_metric import deep_metric, tapped, tapped_features
from jiqa.core.feature_spec import FeatureSpec, Maps, Options, Params
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.networks import vgg
from jiqa.nn.preprocessing import Preprocessing, colour
from jiqa.ops.numerics import added

_LAYERS = vgg.Config(vgg.VGG16.depths, pool="l2").layers()
_TAPS = ("scaled", *LPIPS_TAPS["vgg"].channels)
_AS_IT_IS = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def _spec(options: Options) -> FeatureSpec:
    one_of("output", options.output, "score", "layers", "loss")
    # Of three samples the deepest maps make one block; two round to none.
    return tapped(("vgg16",), _LAYERS, _TAPS[1:], min_side=33, preprocess=_AS_IT_IS)


def _factor(size: tuple[int, ...]) -> int:
    return max(1, round(max(size) / 256))


def _features(params: Params, options: Options, image: Array) -> dict[str, Array]:
    """The maps of the image, averaged over squares if it is large."""
    factor = _factor(image.shape[:2])
    rows, columns = (n // factor for n in image.shape[:2])
    scaled = image[: rows * factor, : columns * factor]
    scaled = scaled.reshape(rows, factor, columns, factor, -1).mean(3).mean(1)
    found = tapped_features(_spec(options), params, scaled)
    return found | {"image": image, "scaled": colour(scaled)}


def _compare(
    params: Params, options: Options, reference: Maps, distorted: Maps
) -> Array:
    size = reference["image"].shape[:2]
    factor = _factor(size)
    side = 16 if factor >= 5 else 4
    layers = [
        _distance(*(_columns(v[tap], side, size) for v in (reference, distorted)))
        for tap in _TAPS
    ]
    if options.output == "layers":
        return jnp.stack(layers) / len(layers)
    loss = added(layers) / len(layers)
    if options.output == "loss":
        return loss
    score = jnp.log1p(loss)
    return score if factor == 1 else score * score


def _columns(x: Array, side: int, size: tuple[int, ...]) -> Array:
    """Maps ``[h, w, maps]`` cut into ``side * side`` rows of equal length.

    Zeros are put before the first column and after the last row, or samples taken
    away, until both sides are multiples. The authors mean blocks of the maps; what
    their order of the numbers gives are stretches of the row of all maps.
    """
    more = [round(n / side) * side - n for n in x.shape[:2]]
    if any(n + extra < side for n, extra in zip(x.shape[:2], more, strict=True)):
        wanted = f"a shorter side that leaves {side // 2 + 1} samples at every depth"
        raise ValueError(expected("images", wanted, f"{size[0]}x{size[1]}"))
    x = lax.pad(
        jnp.moveaxis(x, -1, 0),
        jnp.zeros((), x.dtype),
        ((0, 0, 0), (0, more[0], 0), (more[1], 0, 0)),
    )
    return x.reshape(side * side, -1)


def _distance(x: Array, y: Array) -> Array:
    """The distance of one depth, added over the columns ``[place, column]``."""
    u, v = (running(x * x / (x.sum() + 1e-6)) for x in (x, y))
    far = moved(u, v)
    weight = jnp.exp(0.5 / (far + 10)) / jnp.square(far + 10)
    return (far + jnp.square(x - y).sum(0) * weight).sum()


def running(x: Array) -> Array:
    """Sums from the first place on but for the last, one after the other: they rise."""

    def step(total: Array, row: Array) -> tuple[Array, Array]:
        total = total + row
        return total, total

    return lax.scan(step, jnp.zeros_like(x[0]), x[:-1])[1]


def moved(u: Array, v: Array) -> Array:
    """Squared 2-Wasserstein distance of each column, from its running sums.

    The squared distance of two places counts the pairs (a, b) of steps between them.
    What of the mass is at or before a in one distribution and beyond b in the other, is
    the positive part of the difference of their running sums. Masses that differ need
    nothing more: what one has too much of lies at the other's last place.
    """
    count = u.shape[0]
    places = jnp.arange(count, dtype=jnp.int32)[:, None]

    def step(apart: Array, total: Array) -> Array:
        ahead = places + apart < count
        far_u, far_v = (jnp.roll(k, -apart, 0) for k in (u, v))
        mass = jax.nn.relu(v - far_u) + jax.nn.relu(u - far_v)
        times = jnp.where(apart == 0, 1, 2).astype(u.dtype)
        return total + times * jnp.where(ahead, mass, 0).sum(0)

    def one(total: Array, apart: Array) -> tuple[Array, None]:
        return step(apart, total), None

    offsets = jnp.arange(count, dtype=jnp.int32)
    return lax.scan(jax.checkpoint(one), jnp.zeros_like(u[0]), offsets)[0]


@deep_metric(
    title="Wasserstein distance of deep features",
    direction="lower",
    range=(0.0, math.inf),
    identity=0.0,
    symmetric=True,
    colour="rgb",
    citation=(
        "X. Liao, B. Chen, H. Zhu, S. Wang, M. Zhou and S. Kwong, 'DeepWSD: projecting "
        "degradations in perceptual space to Wasserstein distance in deep feature "
        "space', ACM Multimedia 2022, doi:10.1145/3503161.3548193"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "the authors' code, DeepWSD.py, without resizing, on 10 pairs: 1e-6 relative "
        "in float64, 1e-4 in float32"
    ),
    compare=_compare,
    features=_features,
    spec=_spec,
)
def deepwsd(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    output: str = "score",
) -> Array:
    """Wasserstein distance of deep features.

    Of the image and of five depths of VGG-16 with smooth pooling, each taken without a
    normalisation of colours, the numbers are cut into 16 stretches; what the same
    places of all stretches hold is compared as a distribution over the stretches, by
    the squared 2-Wasserstein distance, and by the squared difference with a weight that
    falls with that distance. Images are first averaged over squares of
    round(longer side / 256); from 5 on there are 256 stretches.

    The authors' script also resizes images with a longer side of 513 to 999 pixels to
    256x256; do that before where their published correlations are to be met.

    Args:
        params: flat; the set of weights ``vgg16``.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        output: ``"score"``, log(1 + loss), and its square for images that were
            averaged, as the authors report it; ``"loss"``, which they descend;
            ``"layers"``, the terms of the loss.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or terms ``[..., 6]``.

    Raises:
        ValueError: an unknown option, parameters that do not fit, an image below 33
            pixels, or one so long that averaging leaves too little of its shorter side.
    """
    ...

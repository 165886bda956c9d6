"""A-DISTS: DISTS of windows, structure where the image has some, texture elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import one_of
from jiqa.core.deep_metric import deep_metric, tapped
from jiqa.core.feature_spec import FeatureSpec, Maps, Options, Params
from jiqa.metrics.parts.feature_maps import directions_apart
from jiqa.nn.lpips_taps import DISTS_CHANNELS, LPIPS_TAPS
from jiqa.nn.networks import vgg
from jiqa.nn.preprocessing import colour
from jiqa.ops.filters import gaussian_taps, shifted_sum
from jiqa.ops.numerics import added, safe_divide, safe_sqrt

_LAYERS = vgg.Config(vgg.VGG16.depths, pool="l2").layers()
#: The authors' window is rounded to float32 and then sums to a little less than 1, of
#: which a flat map's variance, and its index of dispersion, consists.
_TAPS = gaussian_taps(21, 7.0) * np.sqrt(1 - 2.3748725652694702e-08)
#: Of the two similarities, and of the authors' quotients.
_C, _TINY = 1e-6, 1e-12
#: Maps that are filtered at a time: of all at once the fields would fill the memory.
_BLOCK = 16


def _spec(options: Options) -> FeatureSpec:
    one_of("output", options.output, "score", "layers")
    taps = tuple(LPIPS_TAPS["vgg"].channels)
    return tapped(("vgg16",), _LAYERS, taps, min_side=16)


class _Fields(NamedTuple):
    """What is known of each window ``[h, w]``, from all maps of a depth.

    Attributes:
        dispersion: variance by mean of the reference, added over the maps.
        texture: one minus the similarity of means, by the maps' weights.
        structure: one minus that of variances and covariance.
    """

    dispersion: Array
    texture: Array
    structure: Array


class _Moments(NamedTuple):
    """Of the unit maps of a pair in each window: means, and mean squares about them."""

    mean_x: Array
    mean_apart: Array
    x: Array
    y: Array
    apart: Array


def _compare(
    params: Params, options: Options, reference: Maps, distorted: Maps
) -> Array:
    pairs = {
        tap: tuple(colour(v[tap]) for v in (reference, distorted))
        if tap == "image"
        else (reference[tap], distorted[tap])
        for tap in DISTS_CHANNELS
    }
    weights = _channel_weights([x for x, _ in pairs.values()])
    share = jnp.ones((1, 1), reference["image"].dtype)
    terms = []
    for (x, y), weight in reversed(list(zip(pairs.values(), weights, strict=True))):
        local = min(x.shape[:2]) >= len(_TAPS)
        fields = (_windows if local else _whole)(x, y, weight)
        share = _structure_share(fields.dispersion / x.shape[-1], share, local)
        terms.append(
            ((1 - share) * fields.texture + share * fields.structure).mean(0).mean(0)
        )
    terms.reverse()
    return jnp.stack(terms) if options.output == "layers" else added(terms)


def _channel_weights(maps: list[Array]) -> list[Array]:
    """Shares of all maps ``[maps]`` of each depth: the entropy of where they respond.

    Divided by their mean of the depth, and no farther from the mean of all than half
    their deviation.
    """
    found = []
    for x in maps:
        x = jax.nn.relu(x)
        place = safe_divide(x, x.sum((0, 1)))
        entropy = -(place * jnp.log2(place + _TINY)).sum(0).sum(0)
        found.append(entropy / (entropy.mean() + _TINY))
    shares = jnp.concatenate(found)
    shares = shares / shares.sum()
    centre = shares.mean()
    reach = 0.5 * safe_sqrt(jnp.square(shares - centre).mean())
    shares = jnp.clip(shares, centre - reach, centre + reach)
    ends = np.cumsum([x.shape[-1] for x in maps])[:-1]
    return jnp.split(shares / shares.sum(), ends)


def _structure_share(dispersion: Array, deeper: Array, local: bool) -> Array:
    """The probability that each window is structure, in [0, 1].

    Args:
        dispersion: of each window, the mean of the maps'.
        deeper: the probabilities of the next deeper maps.
        local: whether there are windows; otherwise the map is one.
    """
    if not local:
        return jax.nn.sigmoid(dispersion) * deeper[:1, :1]
    apart = dispersion - dispersion.mean()
    # Where only one window fits it has no deviation, which the authors leave undefined.
    count = max(dispersion.size - 1, 1)
    spread = safe_sqrt(jnp.square(apart).sum() / count)
    share = _stretched(jax.nn.sigmoid(apart / (spread + _TINY)))
    return _stretched(share * _enlarged(deeper, dispersion.shape))


def _stretched(x: Array) -> Array:
    low = x.min()
    return (x - low) / (x.max() - low + _TINY)


def _enlarged(x: Array, size: tuple[int, ...]) -> Array:
    """Bilinear, the corners' samples on the corners."""
    for axis, wanted in enumerate(size):
        n = x.shape[axis]
        place = np.arange(wanted) * ((n - 1) / max(wanted - 1, 1))
        first = np.minimum(place.astype(np.int32), max(n - 2, 0))
        second = np.minimum(first + 1, n - 1)
        share = (place - first).reshape((-1, 1) if axis == 0 else (1, -1))
        share = jnp.asarray(share, x.dtype)
        a, b = (jnp.take(x, k, axis) for k in (first, second))
        x = a + (b - a) * share
    return x


def _windows(x: Array, y: Array, weight: Array) -> _Fields:
    """The fields of a Gaussian window, block by block of the maps."""
    count = max(x.shape[-1] // _BLOCK, 1)

    def blocks(v: Array) -> Array:
        return jnp.moveaxis(v.reshape(*v.shape[:-1], count, -1), -2, 0)

    def step(total: _Fields, block: tuple[Array, Array, Array]) -> tuple[_Fields, None]:
        x, y, weight = block
        nx, ny, unit, apart = _unit(x, y)
        other = y * (1 / (ny + 1e-10))
        # One loop over an array of all five compiles sooner than five.
        fields = jnp.stack([unit, apart, unit * unit, other * other, apart * apart])
        mx, ma, xx, yy, aa = shifted_sum(shifted_sum(fields, _TAPS, 1), _TAPS, 2)
        my = mx - ma
        moments = _Moments(mx, ma, xx - mx * mx, yy - my * my, aa - ma * ma)
        return jax.tree.map(jnp.add, total, _summed(moments, nx, weight)), None

    # Made of a map, so that they lie on the same devices.
    rows, columns = (n - len(_TAPS) + 1 for n in x.shape[:2])
    zeros = jnp.zeros_like(x[:rows, :columns, 0])
    start = _Fields(zeros, zeros, zeros)
    return lax.scan(step, start, (blocks(x), blocks(y), blocks(weight)))[0]


def _whole(x: Array, y: Array, weight: Array) -> _Fields:
    """The same of one window that is the whole map, ``[1, 1]``."""
    nx, ny, unit, apart = _unit(x, y)
    other = y * (1 / (ny + 1e-10))
    mx, my, ma = (v.mean((0, 1), keepdims=True) for v in (unit, other, apart))
    moments = _Moments(
        mx,
        ma,
        *(
            jnp.square(v - m).mean((0, 1), keepdims=True)
            for v, m in ((unit, mx), (other, my), (apart, ma))
        ),
    )
    return _summed(moments, nx, weight)


def _unit(x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Norms of the maps, the reference's unit maps, and how far the others are away."""
    xx, yy = ((v * v).sum(0).sum(0) for v in (x, y))
    nx, ny = safe_sqrt(xx), safe_sqrt(yy)
    return nx, ny, x * (1 / (nx + 1e-10)), directions_apart(x, y, xx, yy)


def _summed(m: _Moments, norm: Array, weight: Array) -> _Fields:
    """Added over the maps.

    One minus each similarity, written on the difference of the two maps: exactly 0 for
    identical images.
    """
    dispersion = m.x * norm * norm / (m.mean_x * norm + _TINY)
    mean_y = m.mean_x - m.mean_apart
    texture = m.mean_apart**2 / (m.mean_x**2 + mean_y**2 + _C)
    structure = m.apart / (m.x + m.y + _C)
    return _Fields(
        dispersion.sum(-1), (weight * texture).sum(-1), (weight * structure).sum(-1)
    )


@deep_metric(
    title="Locally adaptive structure and texture similarity",
    direction="lower",
    # Texture's distances are at most 1, structure's 2.
    range=(0.0, 2.0),
    identity=0.0,
    symmetric=False,
    colour="rgb",
    citation=(
        "K. Ding, Y. Liu, X. Zou, S. Wang and K. Ma, 'Locally adaptive structure and "
        "texture similarity for image quality assessment', ACM Multimedia 2021, "
        "doi:10.1145/3474085.3475419"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "the authors' code, A-DISTS.py, without resizing, on 7 pairs: 1e-6 relative in "
        "float64, 1e-4 in float32"
    ),
    compare=_compare,
    spec=_spec,
)
def adists(
    params: Params,
    reference: Array,
    distorted: Array,
    *,
    output: str = "score",
) -> Array:
    """Locally adaptive structure and texture similarity, as a distance.

    As in ``dists`` the image and five depths of VGG-16 with smooth pooling are
    compared, but nothing is learned from opinions, and the comparison is local. In
    every window (Gaussian of 21, sigma 7) each map of unit length has a similarity of
    means (texture), and one of variances and covariance (structure). How much either
    counts in a window follows from the reference's index of dispersion there, variance
    by mean, of this depth and of the deeper ones; how much a map counts, from the
    entropy of the places where it responds. Maps below 21 samples are one window.

    The image is taken as it is. The authors' demonstration first resizes a shorter
    side above 256 pixels to 256; do that before where their published correlations are
    to be met.

    Args:
        params: flat; the set of weights ``vgg16``.
        reference: image ``[..., H, W, C]`` in [0, 1].
        distorted: image of the same shape.
        output: ``"score"``, or ``"layers"``: the terms of the image and of each depth.

    Returns:
        ``[...]``, 0 for identical images, lower is better; or terms ``[..., 6]`` that
        add up to it.

    Raises:
        ValueError: an unknown option, parameters that do not fit, or an image below
            16 pixels.
    """
    ...

"""Colour difference: CIE 1976, CIE 1994 and CIEDE2000 in CIELAB."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour import Planes, lab_axes, lab_responses
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import mean
from jiqa.ops.once import once_backwards

Factors = tuple[float, float, float]

#: Below the square of any chroma but 0, and not lost in float32.
_TINY = 1e-32
#: Decides ties and nothing else.
_NUDGE = 1e-15


def cie1976(lab: Planes, step: Planes, factors: Factors = (1.0, 1.0, 1.0)) -> Array:
    """Euclidean distance of the colours L*, a*, b* and ``lab + step``."""
    light, a, b = (d / k for d, k in zip(step, factors, strict=True))
    return _root(light**2 + a**2 + b**2)


def cie1994(lab: Planes, step: Planes, factors: Factors = (1.0, 1.0, 1.0)) -> Array:
    """CIE 1994 difference of ``lab`` and ``lab + step``, graphic arts' constants.

    Chroma and hue differences count less the more chroma ``lab`` has; so the two
    colours may not be swapped.
    """
    chroma = _length(*lab[1:])
    across, along = _polar_steps(lab, step)
    lightness = step[0] / factors[0]
    across = across / (factors[1] * (1 + 0.045 * chroma))
    along = along / (factors[2] * (1 + 0.015 * chroma))
    return _root(lightness**2 + across**2 + along**2)


def ciede2000(lab: Planes, step: Planes, factors: Factors = (1.0, 1.0, 1.0)) -> Array:
    """CIEDE2000 difference of ``lab`` and ``lab + step`` (Sharma et al. 2005).

    Hues enter as directions, not as angles, so nothing jumps at 0 and 360 degrees;
    only two exactly opposite hues need the rule of their half angle.
    """
    # Marked where much that follows uses a plane: without, 19 times the time.
    light, a, b = lab = _marked(lab)
    step = _marked(step)
    chroma = 0.5 * (_length(a, b) + _length(a + step[1], b + step[2]))
    stretch = 1.5 - 0.5 * _saturation(chroma)
    lab = _marked((light, stretch * a, b))
    step = _marked((step[0], stretch * step[1], step[2]))
    _, a, b = lab
    other = (once_backwards(a + step[1]), once_backwards(b + step[2]))
    first, second = _length(a, b), _length(*other)
    across, along = _polar_steps(lab, step)
    chroma = 0.5 * (first + second)
    cos, sin = map(once_backwards, _mean_hue((a, b), other, first, second))
    offset = (light + 0.5 * step[0] - 50) ** 2
    lightness = step[0] / factors[0] / (1 + 0.015 * offset / jnp.sqrt(20 + offset))
    across = across / (factors[1] * (1 + 0.045 * chroma))
    along = along / (factors[2] * (1 + 0.015 * chroma * _hue_weight(cos, sin)))
    rotation = -2 * _saturation(chroma) * _rotation(cos, sin)
    return _root(lightness**2 + across**2 + along**2 + rotation * (across * along))


def _marked(planes: Planes) -> Planes:
    one, two, three = map(once_backwards, planes)
    return one, two, three


_FORMULAS = {"ciede2000": ciede2000, "cie1994": cie1994, "cie1976": cie1976}


def _root(x: Array) -> Array:
    """Square root, exactly 0 and with gradient 0 at 0.

    Not as a choice between two values: on the CPU the compiler makes a branch of
    that, which in the loop over a batch costs ten times the rest.
    """
    least = np.asarray(_TINY, x.dtype)
    return jnp.sqrt(jnp.maximum(x, least)) - np.sqrt(least)


def _length(*parts: Array) -> Array:
    return jnp.sqrt(jnp.maximum(sum((p**2 for p in parts[1:]), parts[0] ** 2), _TINY))


def _saturation(chroma: Array) -> Array:
    """sqrt(C^7 / (C^7 + 25^7))."""
    ratio = chroma / 25
    cube = ratio**3
    return cube * jnp.sqrt(ratio) / jnp.sqrt(1 + cube * cube * ratio)


def _polar_steps(lab: Planes, step: Planes) -> tuple[Array, Array]:
    """Difference of chroma and of hue, 2 sqrt(C1 C2) sin(half the hue angle).

    Products with the step keep their digits where the colours are close, and are
    exactly 0 where they are equal.
    """
    (_, a, b), (_, da, db) = lab, step
    first, second = _length(a, b), _length(a + da, b + db)
    across = (da * (2 * a + da) + db * (2 * b + db)) / (first + second)
    # From the sine of the angle where that is below 60 degrees, from the cosine where
    # it is above 120, from both between: each is exact there.
    product, dot = first * second, a * (a + da) + b * (b + db)
    # Next to a grey the rounding of a large step would exceed the product.
    turn = jnp.clip(a * db - b * da, -product, product)
    near = math.sqrt(2) * turn / jnp.sqrt(jnp.maximum(product + dot, _TINY))
    # Exactly opposite hues count from the smaller to the larger.
    far = _sign(turn + _NUDGE * _sign(b + _NUDGE * a)) * _root(2 * (product - dot))
    share = lax.stop_gradient(jnp.clip(0.5 - dot / product, 0, 1))
    return across, (1 - share) * near + share * far


def _sign(x: Array) -> Array:
    return lax.stop_gradient(x / jnp.maximum(jnp.abs(x), _TINY))


def _mean_hue(
    one: tuple[Array, Array], two: tuple[Array, Array], first: Array, second: Array
) -> tuple[Array, Array]:
    """Cosine and sine of the hue half way between two colours.

    A grey has no direction and takes the other colour's; half way between exactly
    opposite hues is 90 degrees on from the smaller.
    """
    cos, sin = one[0] / first, one[1] / first
    ahead = _NUDGE * _sign(one[1] + _NUDGE * one[0])
    x = cos + two[0] / second - ahead * sin
    y = sin + two[1] / second + ahead * cos
    size = _length(x, y)
    return x / size, y / size


def _hue_weight(cos: Array, sin: Array) -> Array:
    """T = 1 - .17 cos(h - 30) + .24 cos 2h + .32 cos(3h + 6) - .2 cos(4h - 63)."""
    cos2, sin2 = 2 * cos**2 - 1, 2 * sin * cos
    harmonics = (
        (cos, sin, -0.17, -30),
        (cos2, sin2, 0.24, 0),
        (cos2 * cos - sin2 * sin, sin2 * cos + cos2 * sin, 0.32, 6),
        (2 * cos2**2 - 1, 2 * sin2 * cos2, -0.20, -63),
    )
    terms = (
        (weight * math.cos(math.radians(phase))) * c
        - (weight * math.sin(math.radians(phase))) * s
        for c, s, weight, phase in harmonics
    )
    return sum(terms, jnp.ones_like(cos))


def _rotation(cos: Array, sin: Array) -> Array:
    """sin(60 degrees exp(-((h - 275) / 25)^2)), h in [0, 360) degrees.

    By power series in the squared sine of an eighth of the angle: the compiler's
    arc tangent and sine take twenty times as long on the CPU.
    """
    blue = math.radians(275)
    half = 0.5 + 0.5 * (cos * math.cos(blue) + sin * math.sin(blue))
    quarter = 0.5 + 0.5 * _root(half)
    eighth = 0.5 + 0.5 * jnp.sqrt(quarter)
    ratio = (1 - half) / (16 * quarter * eighth)
    squared = _series(ratio, _SQUARED_ARCSINE) * (64 / math.radians(25) ** 2)
    # Hues up to 95 degrees are counted from 0, which is farther than 85 from 275.
    far = ((sin >= 0) & (cos > 0)).astype(cos.dtype)
    spread = jnp.exp(-squared - 100 * far)
    turn = math.radians(60) * spread
    return turn * (1 + _series(turn**2, _SINE))


def _series(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Sum of ``coefficients[n] x^(n + 1)``."""
    total = jnp.zeros_like(x)
    for c in reversed(coefficients):
        total = x * (c + total)
    return total


#: arcsin(sqrt(x))^2, and sin(sqrt(x)) / sqrt(x) - 1.
_SQUARED_ARCSINE = tuple(4**n / (2 * n**2 * math.comb(2 * n, n)) for n in range(1, 12))
_SINE = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(1, 8))


@full_reference(
    title="Colour difference",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=True,
    min_side=1,
    colour="rgb",
    maps="difference",
    citation=(
        "CIE 142:2001; Sharma, Wu, Dalal: The CIEDE2000 color-difference formula: "
        "implementation notes, supplementary test data, and mathematical "
        "observations. Color Research and Application 30(1), 2005. "
        "doi:10.1002/col.20070"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "CIEDE2000: 1e-6 relative (x64) of deltaE2000.m (G. Sharma) and its 34 "
        "published pairs; CIE 1976 and 1994: 1e-8 of scikit-image"
    ),
)
def delta_e(
    reference: Array,
    distorted: Array,
    *,
    formula: str = "ciede2000",
    factors: Factors = (1.0, 1.0, 1.0),
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Mean colour difference of all pixels in CIELAB.

    sRGB is taken to linear light, XYZ and CIELAB with white D65. Each pixel's
    difference is the length of (dL*, da*, db*), or of lightness, chroma and hue
    differences that are weighted by their visibility there. About 1 is just noticeable
    on large, plain patches.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        formula: ``"ciede2000"``; ``"cie1976"``, the Euclidean distance; or
            ``"cie1994"`` with the constants of graphic arts, which weights by the
            reference's chroma and so is not symmetric.
        factors: kL, kC, kH of the viewing conditions, which divide lightness,
            chroma and hue differences (for ``"cie1976"`` L*, a* and b*).
        output: ``"score"``, or ``"map"`` for the difference of each pixel,
            ``[..., H, W]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 for identical images, lower is better. The gradient at equal
        colours is 0.

    Raises:
        ValueError: unknown formula or output, or factors that are not three positive
            numbers.
    """
    one_of("formula", formula, *_FORMULAS)
    one_of("output", output, "score", "map")
    if len(factors) != 3 or min(factors) <= 0:
        raise ValueError(expected("factors", "three positive numbers", repr(factors)))
    one, two = lab_responses(reference), lab_responses(distorted)
    light, a, b = lab_axes(one)
    fx, fy, fz = (q - p for p, q in zip(one, two, strict=True))
    step = lab_axes((fx, fy, fz))
    difference = _FORMULAS[formula]((light - 16, a, b), step, factors)
    return difference if output == "map" else mean(difference, extent)

"""PU21: absolute light as numbers whose steps are seen alike (Mantiuk & Azimi 2021).

Metrics of sRGB images may look at the result as at samples on 0..255: what a display
of 100 cd/m2 shows lies between 0 and 256, and brighter light above.
"""

from __future__ import annotations

from types import MappingProxyType

import jax.numpy as jnp
from jax import Array

#: Of the four fits of Mantiuk & Azimi (2021): p1 to p7 of
#: p7 (((p1 + p2 L^p4) / (1 + p3 L^p4))^p5 - p6).
_FITS = MappingProxyType(
    {
        "banding": (
            *(1.070275272, 0.4088273932, 0.153224308, 0.2520326168),
            *(1.063512885, 1.14115047, 521.4527484),
        ),
        "banding_glare": (
            *(0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627),
            *(0.09150303166, 0.9099517204, 596.3148142),
        ),
        "peaks": (
            *(1.043882782, 0.6459495343, 0.3194584211, 0.374025247),
            *(1.114783422, 1.095360363, 384.9217577),
        ),
        "peaks_glare": (
            *(816.885024, 1479.463946, 0.001253215609, 0.9329636822),
            *(0.06746643971, 1.573435413, 419.6006374),
        ),
    }
)

#: What the fits are made for: of whose thresholds, with or without glare in the eye.
PU21_FITS = tuple(_FITS)

#: Light that is told apart, in cd/m2.
DARKEST, BRIGHTEST = 0.005, 10000.0


def pu21(light: Array, fit: str = "banding_glare") -> Array:
    """The code of light in cd/m2, of luminance or of red, green and blue.

    About 0 at 0.005 cd/m2 and 256 at 100; what is darker, or brighter than 10000,
    counts as that, with gradient 0.
    """
    p1, p2, p3, p4, p5, p6, p7 = _FITS[fit]
    power = jnp.clip(light, DARKEST, BRIGHTEST) ** p4
    return p7 * (((p1 + p2 * power) / (1 + p3 * power)) ** p5 - p6)


def pu21_distance(one: Array, other: Array, fit: str = "banding_glare") -> Array:
    """How far the codes of two lights are apart, to all digits where they are near.

    0 where both are equal. A difference of codes in single precision is rounding where
    it is under 1e-4.
    """
    p1, p2, p3, p4, p5, _, p7 = _FITS[fit]
    one, other = (jnp.clip(v, DARKEST, BRIGHTEST) for v in (one, other))
    less, more = jnp.minimum(one, other), jnp.maximum(one, other)

    def rise(base: Array, change: Array, exponent: float) -> Array:
        """(base + change)^exponent - base^exponent, change of 0 or more."""
        growth = jnp.expm1(exponent * jnp.log1p(change / base))
        return base**exponent * growth

    power, higher = less**p4, rise(less, more - less, p4)
    ratio, below = (p1 + p2 * power) / (1 + p3 * power), 1 + p3 * power
    change = (p2 - p1 * p3) * higher / (below * (below + p3 * higher))
    return p7 * rise(ratio, change, p5)

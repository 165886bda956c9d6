"""Contrast sensitivity for ColorVideoVDP: castleCSF at a frequency, by luminance.

Sensitivity to contrasts of luminance and of two opponent colours is tabled over 32
spatial frequencies and 32 luminances. A band of an image has one frequency, so that of
the table a curve for each band and channel is left, uniform in log luminance.
"""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.ops.shipped_tables import shipped_table

#: Decibels by which all sensitivities are corrected: ``sensitivity_correction`` of
#: ``cvvdp_parameters.json``.
_CORRECTION = -0.2797423303127289


@functools.cache
def curves(frequency: float) -> np.ndarray:
    """Log10 of the sensitivity at a frequency in cycles per degree, ``[3, 32]``.

    Linear between the table's frequencies and beyond them, on logarithmic axes.
    """
    table = shipped_table("cvvdp_csf")
    known, values = np.log10(table["frequency"]), table["sensitivity"]
    place = math.log10(frequency)
    index = int(np.clip(np.searchsorted(known, place) - 1, 0, len(known) - 2))
    share = (place - known[index]) / (known[index + 1] - known[index])
    lower, upper = values[..., index], values[..., index + 1]
    return lower + share * (upper - lower) + _CORRECTION / 20


def sensitivity(luminance: Array, curve: np.ndarray, band: Array | int = 0) -> Array:
    """Sensitivity ``[3, ...]`` at luminances of any shape in cd/m^2.

    Linear in logarithms, and constant beyond the table's .005 to 10000 cd/m^2.

    Args:
        luminance: of the background, above 0.
        curve: of one band or several, ``[bands, 3, 32]``.
        band: which of them each sample takes.
    """
    known = np.log(shipped_table("cvvdp_csf")["luminance"])
    count, dtype = len(known) - 1, luminance.dtype
    scale = count / (known[-1] - known[0])
    place = jnp.clip((jnp.log(luminance) - float(known[0])) * float(scale), 0, count)
    index = jnp.minimum(place.astype(jnp.int32), count - 1)
    share = place - index.astype(dtype)
    # The natural exponential is the cheaper power.
    natural = np.moveaxis(curve, 1, 0) * math.log(10)
    start = jnp.asarray(natural[..., :-1].reshape(3, -1), dtype)
    slope = jnp.asarray(np.diff(natural).reshape(3, -1), dtype)
    index = index + count * band
    return jnp.exp(start[:, index] + share * slope[:, index])

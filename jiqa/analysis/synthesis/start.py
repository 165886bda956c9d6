"""Where images start from: a distorted one, or noise, of the PSNR that is asked for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.analysis.synthesis.constraints import at_distance
from jiqa.analysis.synthesis.scores import psnr_of
from jiqa.checks import expected

#: In dB, where no distorted image says it: noise of this strength is seen.
DEFAULT_PSNR = 30.0
#: By how much a PSNR that cannot be reached is missed, in dB.
_MISSED = 0.05


def check_positive(**numbers: float) -> None:
    """Raise ``ValueError`` unless all are above 0."""
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(expected(name, "more than 0", f"{number}"))


def psnr_asked(psnr: float | None, reference: Array, *distorted: Array) -> float:
    """Return the PSNR that images shall have.

    Args:
        psnr: what was asked for, in dB.
        reference: an image.
        *distorted: an image whose own PSNR is the default; without one it is 30 dB.

    Raises:
        ValueError: no positive number, or an image that equals the reference.
    """
    if psnr is None:
        psnr = psnr_of(distorted[0], reference) if distorted else DEFAULT_PSNR
    if not 0 < psnr < np.inf:
        hint = "the distorted image equals the reference" if psnr == np.inf else ""
        raise ValueError(expected("psnr", "a number of dB above 0", f"{psnr:g}", hint))
    return psnr


def starting_point(
    reference: Array, squared: float, seed: int, distorted: Array | None = None
) -> Array:
    """Return an image at a distance from a reference.

    Args:
        reference: ``[H, W, C]`` in [0, 1].
        squared: the squared distance.
        seed: of noise, where there is no distorted image.
        distorted: an image whose difference from the reference is kept up to a factor.

    Raises:
        ValueError: the image equals the reference, or no factor gives the distance.
    """
    if distorted is None:
        noise = jax.random.normal(
            jax.random.key(seed), reference.shape, reference.dtype
        )
        image = reference + (squared / reference.size) ** 0.5 * noise
    else:
        image = distorted
    if not bool(jnp.any(image != reference)):
        wanted = "an image other than the reference"
        raise ValueError(expected("images", wanted, "an equal one"))
    start = at_distance(image, reference, jnp.asarray(squared, reference.dtype))
    asked = -10 * np.log10(squared / reference.size)
    if psnr_of(start, reference) > asked + _MISSED:
        limit = f"at least {psnr_of(start, reference):.3g} dB from this image"
        raise ValueError(expected("psnr", limit, f"{asked:.3g}"))
    return start

"""Most apparent distortion (MAD): what is detected, and how appearance changes."""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.mad_appearance import (
    CELL,
    appearance_change,
    block_moments,
    cell_moments,
    root_mean_square,
    scored_blocks,
    scored_cells,
    weighted,
)
from jiqa.ops.contrast_sensitivity import sensitivity_grid
from jiqa.ops.filters import box_sum
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import safe_power, safe_sqrt

#: Luminance of a display in perceived units: factor and exponent on 0..255.
_LUMINANCE, _GAMMA = 0.02874, 2.2 / 3
#: Darker blocks than this (perceived units) hide every distortion.
_DARK = 0.5
#: Log contrast under which the reference masks nothing.
_FLOOR = -5.0
#: Where the blend of both stages turns, and how steeply.
_TURN, _STEEPNESS = 2.55, 3.35
#: release: factor on the detection stage
_RELEASES = {"2011": 200.0, "2010": 1.0}


@functools.lru_cache(maxsize=8)
def _sensitivity(height: int, width: int) -> np.ndarray:
    """Contrast sensitivity of the eye, on ``rfft2``'s half spectrum.

    The authors keep the real part of an image filtered with a grid that is not
    symmetric about zero frequency: that is filtering with its symmetric part.
    """
    grid = np.fft.ifftshift(sensitivity_grid(height, width, 64 / width))
    kept = np.arange(width // 2 + 1)
    mirror = grid[-np.arange(height) % height][:, -kept % width]
    return (grid[:, kept] + mirror) / 2


def _perceived(level: Array) -> Array:
    return _LUMINANCE * safe_power(level, _GAMMA)


def _visible(reference: Array, error: Array) -> Array:
    """By how much log contrast of the error passes that of the reference, on cells."""
    height, width = reference.shape
    pair = scored_blocks(jnp.stack([error, reference]), (height, width))
    cells = cell_moments(pair, 2)
    mean, second = block_moments(cells)
    error_spread = safe_sqrt(second[0] / 255)
    quarter = safe_sqrt(block_moments(tuple(m[1] for m in cells), 2)[1] / 63)
    rows, cols = mean.shape[1:]
    texture = quarter[:rows, :cols]
    # The least busy of the block's four quarters, as far as the authors look.
    down, across = (_probed(n) for n in (height, width))
    for i, j in ((1, 0), (0, 1), (1, 1)):
        reach = (down if i else rows), (across if j else cols)
        other = quarter[i : i + reach[0], j : j + reach[1]]
        texture = texture.at[: reach[0], : reach[1]].min(other)
    bright = mean[1] >= _DARK
    level = jnp.where(bright, mean[1], 1)
    masker = jnp.maximum(texture, math.exp(_FLOOR) * level)
    ratio = jnp.maximum(error_spread / masker, 1)
    return jnp.where(bright, jnp.log(jnp.where(bright, ratio, 1)), 0)


def _probed(side: int) -> int:
    """How many scored cells have a next quarter that the authors' probe reaches."""
    count = scored_cells(side)[0]
    last = 16 + CELL * (count - 1)
    return count if last + 5 < side - 15 else count - 1


def _detection(reference: Array, distorted: Array, saturate: bool) -> Array:
    """RMS of local error times its visibility, before the release's factor."""
    shape = (reference.shape[0], reference.shape[1])
    x, y = (jnp.minimum(v, 254) if saturate else v for v in (reference, distorted))
    x, y = _perceived(x), _perceived(y)
    spectra = jnp.fft.rfft2(jnp.stack([x, y - x]))
    passed = jnp.asarray(_sensitivity(*shape), reference.dtype)
    seen = jnp.fft.irfft2(weighted(spectra, passed), s=shape)
    mask = _visible(seen[0], seen[1])
    error = box_sum(jnp.square(distorted - reference), 16) / 256
    # Window 9 is the one of pixel 16, the first that is scored.
    error = jnp.square(error[9 : shape[0] - 24, 9 : shape[1] - 24])
    after = [-n % CELL for n in error.shape]
    error = jnp.pad(error, [(0, n) for n in after])
    error = sum(error[i::CELL] for i in range(CELL))
    error = sum(error[:, j::CELL] for j in range(CELL))  # pyright: ignore
    pixels = (shape[0] - 33) * (shape[1] - 33)
    return safe_sqrt(jnp.sum(jnp.square(mask) * error) / pixels)


def _blend(detection: Array, appearance: Array) -> Array:
    """appearance^(1 - s) detection^s, s = 1 where little is detected."""
    slope = 1 / (math.log(10) * _STEEPNESS)
    share = 1 / (1 + math.exp(-_TURN / _STEEPNESS) * safe_power(detection, slope))
    both = (detection > 0) & (appearance > 0)
    log_detection = jnp.log(jnp.where(both, detection, 1))
    log_appearance = jnp.log(jnp.where(both, appearance, 1))
    blend = jnp.exp(log_appearance + share * (log_detection - log_appearance))
    return jnp.where(both, blend, 0)


@full_reference(
    title="Most apparent distortion",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=False,
    min_side=34,
    colour="luma",
    citation=(
        "Larson, Chandler: Most apparent distortion: full-reference image quality "
        "assessment and the role of strategy. Journal of Electronic Imaging 19(1), "
        "2010. doi:10.1117/1.3267105"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of MAD_index.m, April 2010 and 2011",
)
def mad(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    release: str = "2011",
    saturate: bool = False,
    output: str = "score",
) -> Array:
    """Most apparent distortion (Larson and Chandler 2010).

    ``A^(1 - s) D^s`` with ``s = 1 / (1 + b1 D^b2)``. D (detection) is the RMS of local
    squared error times the log contrast by which the error, seen through the eye's
    contrast sensitivity, passes the least busy quarter of the reference's block. A
    (appearance) is the RMS change of standard deviation, skewness and kurtosis of
    log-Gabor magnitudes. Both on 16 x 16 blocks, 4 pixels apart, without the outer 16
    pixels at the top and left and 17 at the bottom and right.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        release: the authors' code of ``"2011"``, with detection 200 times that of
            ``"2010"``.
        saturate: look level 255 up as 254, as their code does with uint8 images.
        output: ``"score"``; or one stage: ``"detection"`` or ``"appearance"``.

    Returns:
        ``[...]`` from 0, lower is better. Also 0 where only one stage is 0: where no
        error is detected, and where brightness alone differs.

    Raises:
        ValueError: unknown option value, or a side under 34 pixels.
    """
    one_of("release", release, *_RELEASES)
    one_of("output", output, "score", "detection", "appearance")
    one_of("saturate", saturate, True, False)
    x, y = luma255(reference, luma), luma255(distorted, luma)
    shape = (x.shape[0], x.shape[1])
    detection = appearance = jnp.zeros((), x.dtype)
    if output != "appearance":
        detection = _RELEASES[release] * _detection(x, y, saturate)
    if output != "detection":
        appearance = root_mean_square(appearance_change(x, y), shape)
    if output == "detection":
        return detection
    return appearance if output == "appearance" else _blend(detection, appearance)

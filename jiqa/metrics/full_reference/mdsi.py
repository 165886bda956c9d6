"""Mean deviation similarity index (MDSI)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import (
    BT601_FOUR_DIGITS,
    OPPONENT_CHROMA,
    Row,
    weighted,
)
from jiqa.ops.extent import Extent
from jiqa.ops.gradients import prewitt
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import mean, safe_power, safe_sqrt
from jiqa.ops.resize import average_decimate, factor_of
from jiqa.ops.similarity import dissimilarity


@full_reference(
    title="Mean deviation similarity index",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=False,
    min_side=1,
    colour="rgb",
    maps="similarity",
    decimates=True,
    citation=(
        "Ziaei Nafchi, Shahkolaei, Hedjam, Cheriet: Mean deviation similarity index: "
        "efficient and reliable full-reference image quality evaluator. IEEE Access 4, "
        "2016. doi:10.1109/ACCESS.2016.2604042"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of MDSI.m, sum and mult, with complex roots",
)
def mdsi(
    reference: Array,
    distorted: Array,
    *,
    combination: str = "sum",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Mean deviation similarity index (Ziaei Nafchi et al. 2016).

    After box average and decimation by round(min(H, W) / 256): a gradient similarity
    GS = S(x, y; 140) + S(y, f; 55) - S(x, f; 55), where f is the mean of the two
    luminances and S(a, b; c) = (2 a b + c) / (a^2 + b^2 + c) on Prewitt magnitudes; a
    chromaticity similarity CS of two opponent planes, with constant 550; their
    combination G; and the score (mean |q - mean q|)^(1/4) with q = G^(1/4).

    GS may leave [0, 1] and CS may be negative; as in the authors' MATLAB code, roots
    of negative numbers are the principal complex ones and |.| is the modulus.

    Args:
        reference: images ``[..., H, W, C]``; grey counts as three equal channels.
        distorted: images of the same shape.
        combination: ``"sum"``: G = 0.6 GS + 0.4 CS; ``"mult"``: G = GS^0.2 CS^0.1.
        output: ``"score"``, or ``"map"`` for G (its real part) at every sample of the
            decimated image, 1 where the images agree.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 or more; lower is better, 0 for identical images, also flat and
        black ones. The fourth root makes the score steep there: its gradient at
        identical images is 0, but large beside them.

    Raises:
        ValueError: unknown option value.
    """
    one_of("combination", combination, "sum", "mult")
    one_of("output", output, "score", "map")
    gradient_loss, chroma_loss = _losses(reference, distorted, extent)
    extent = extent and extent.over(extent.factor)
    if combination == "sum":
        parts = ((0.6 * gradient_loss + 0.4 * chroma_loss, 1.0),)
    else:
        parts = ((gradient_loss, 0.2), (chroma_loss, 0.1))
    if output == "map":
        real, _ = _root_loss(parts, 1.0)
        return 1 - real
    real, imaginary = _root_loss(parts, 0.25)
    real = real - mean(real, extent)
    imaginary = imaginary - mean(imaginary, extent)
    distance = safe_sqrt(real * real + imaginary * imaginary)
    return safe_power(mean(distance, extent), 0.25)


def _losses(
    reference: Array, distorted: Array, extent: Extent | None
) -> tuple[Array, Array]:
    """1 - GS and 1 - CS: exactly 0 where the images are equal."""
    factor = factor_of(reference.shape, extent)
    planes = [
        [average_decimate(c, factor, extent=extent) * 255 for c in rgb(image)]
        for image in (reference, distorted)
    ]
    small = extent and extent.over(factor)

    def mix(row: Row) -> list[Array]:
        return [weighted(row, of_image) for of_image in planes]

    (x_across, x_down), (y_across, y_down) = (
        prewitt(p, small) for p in mix(BT601_FOUR_DIGITS)
    )
    x, y, fused = (
        safe_sqrt(across * across + down * down)
        for across, down in (
            (x_across, x_down),
            (y_across, y_down),
            # The derivative of the mean is the mean of the derivatives.
            ((x_across + y_across) / 2, (x_down + y_down) / 2),
        )
    )
    gradient = dissimilarity(x, y, 140.0)
    gradient += dissimilarity(y, fused, 55.0) - dissimilarity(x, fused, 55.0)
    (xh, yh), (xm, ym) = map(mix, OPPONENT_CHROMA)
    power = xh * xh + yh * yh + xm * xm + ym * ym
    chroma = (jnp.square(xh - yh) + jnp.square(xm - ym)) / (power + 550.0)
    return gradient, chroma


def _root_loss(
    parts: tuple[tuple[Array, float], ...], root: float
) -> tuple[Array, Array]:
    """Real and imaginary part of 1 - prod_k (1 - loss_k)^(p_k root)."""
    size, angle = None, None
    for loss, power in parts:
        value = 1 - loss
        exponent = power * root
        modulus = safe_power(jnp.abs(value), exponent)
        half = jnp.asarray(exponent * np.pi, value.dtype)
        turn = jnp.where(value < 0, half, 0)
        size = modulus if size is None else size * modulus
        angle = turn if angle is None else angle + turn
    assert size is not None and angle is not None
    return 1 - size * jnp.cos(angle), -size * jnp.sin(angle)

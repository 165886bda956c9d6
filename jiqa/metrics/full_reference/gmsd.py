"""Gradient magnitude similarity deviation: GMSD and its multi-scale form MS-GMSD."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.ops.colour_constants import YIQ_CHROMA_FOUR_DIGITS, all_weighted
from jiqa.ops.extent import Extent
from jiqa.ops.gradients import prewitt_magnitude
from jiqa.ops.luma import luma255, rgb
from jiqa.ops.numerics import deviation, mean, safe_sqrt
from jiqa.ops.resize import average_decimate
from jiqa.ops.similarity import dissimilarity

# MS-GMSD: weights of the scales, masking and logistic constants of the paper, as in
# the defaults of piq 0.8.0 (Apache-2.0).
_SCALE_WEIGHTS = (0.096, 0.596, 0.289, 0.019)
_MASKING = 0.5
_CHROMA_WEIGHT, _LOGISTIC_SIZE, _LOGISTIC_RATE = 0.01, 0.32, 15.0


@full_reference(
    title="Gradient magnitude similarity deviation",
    direction="lower",
    range=(0.0, 0.58),
    identity=0.0,
    symmetric=True,
    min_side=3,
    colour="luma",
    maps="similarity",
    citation=(
        "Xue, Zhang, Mou, Bovik: Gradient magnitude similarity deviation: a highly "
        "efficient perceptual image quality index. IEEE TIP 23(2), 2014. "
        "doi:10.1109/TIP.2013.2293423"
    ),
    fidelity="authors-code",
    fidelity_note="1e-6 relative (x64) of GMSD.m on all pairs, odd sizes included",
)
def gmsd(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Gradient magnitude similarity deviation (Xue et al. 2014).

    The standard deviation (N - 1) of (2 a b + 170) / (a^2 + b^2 + 170), where a and b
    are the Prewitt gradient magnitudes of luma on 0..255 after a 2x2 average and
    decimation. As in the authors' code zeros lie outside the image, so the border has
    strong gradients and an odd side keeps a half-bright last row or column.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: how luma is computed: ``"bt601"``, or ``"matlab"`` (rounded).
        output: ``"score"``, or ``"map"`` for the similarity ``[..., H/2, W/2]``
            (rounded up; 1 where the gradients agree).
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 0.58), under 0.5 but for the smallest images; lower is better,
        0 for identical images. Flat images have border gradients only, and black
        against black gives 0.

    Raises:
        ValueError: unknown option value, or an image of under 3 pixels.
    """
    _check_output(output)
    half = extent and extent.over(2)
    x, y = (
        prewitt_magnitude(
            average_decimate(luma255(image, luma), 2, extent=extent), half
        )
        for image in (reference, distorted)
    )
    loss = dissimilarity(x, y, 170.0)
    return deviation(loss, half) if output == "score" else 1 - loss


@full_reference(
    title="Multi-scale gradient magnitude similarity deviation",
    direction="lower",
    range=(0.0, 2.0),
    identity=0.0,
    symmetric=True,
    min_side=17,
    colour="luma",
    citation=(
        "Zhang, Sander, Bermak: Gradient magnitude similarity deviation on multiple "
        "scales for color image quality assessment. IEEE ICASSP, 2017. "
        "doi:10.1109/ICASSP.2017.7952357"
    ),
    fidelity="reconstruction",
    fidelity_note=(
        "no authors' code is public; 1e-6 relative (x64) of piq 0.8.0 where both sides "
        "of every scale are even or both odd; elsewhere piq pads the even side too"
    ),
)
def ms_gmsd(
    reference: Array,
    distorted: Array,
    *,
    chromatic: bool = False,
    luma: str = "bt601",
    chroma_scale: int = 4,
    border: str = "zero",
    sample: bool = False,
    extent: Extent | None = None,
) -> Array:
    """Multi-scale GMSD, on luma or with chroma (MS-GMSD and MS-GMSDc).

    At four scales, from full size down by 2x2 averages, the variance v of
    (1.5 a b + 170) / (a^2 + b^2 - 0.5 a b + 170), with a and b the Prewitt gradient
    magnitudes; the score is s = sqrt(sum of w v), w = .096, .596, .289, .019. With
    chroma it is g s + (1 - g) 0.01 c, where c is the root of the summed mean squared
    errors of I and Q on 0..255 and g = 2 / (1 + 0.32 exp(-15 s)) - 1.

    The last three options are what the published description leaves open.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        chromatic: ``True`` for MS-GMSDc. A grey image has no chroma, so c is 0.
        luma: how luma is computed: ``"bt601"``, or ``"matlab"`` (rounded).
        chroma_scale: scale at which c is taken, 1 (full size) to 4 (the coarsest, as
            public ports do it: I and Q are averaged down along with luma).
        border: what a 2x2 window finds beyond an odd side: ``"zero"`` as in the
            authors' predecessor GMSD, or ``"symmetric"``, the edge pixel again.
        sample: ``True`` divides the variance by N - 1, as the code of GMSD does;
            ``False`` by N, as GMSD's published equation and public ports do.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 0.5] on luma and in [0, 2) with chroma; lower is better, 0 for
        identical images, flat and black ones included.

    Raises:
        ValueError: unknown option value, or an image of under 17 pixels.
    """
    one_of("chroma_scale", chroma_scale, 1, 2, 3, 4)
    one_of("border", border, "zero", "symmetric")
    x, y = luma255(reference, luma), luma255(distorted, luma)
    variance, size = jnp.zeros((), x.dtype), extent
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            x, y = (
                average_decimate(p, 2, border, size)  # pyright: ignore
                for p in (x, y)
            )
            size = size and size.over(2)
        loss = dissimilarity(
            prewitt_magnitude(x, size), prewitt_magnitude(y, size), 170.0, _MASKING
        )
        spread = mean(jnp.square(loss - mean(loss, size)), size)
        count = loss.size if size is None else size.count(x.dtype)
        unbiased = count / (count - 1) if sample else 1.0
        variance = variance + weight * unbiased * spread
    score = safe_sqrt(variance)
    if not chromatic:
        return score
    gate = 2 / (1 + _LOGISTIC_SIZE * jnp.exp(-_LOGISTIC_RATE * score)) - 1
    error = _chroma_error(reference - distorted, chroma_scale, border, extent)
    return gate * score + (1 - gate) * _CHROMA_WEIGHT * error


def _chroma_error(
    difference: Array, scale: int, border: str, extent: Extent | None
) -> Array:
    """Root of the summed mean squares of I and Q on 0..255; both are linear."""
    power = jnp.zeros((), difference.dtype)
    if difference.shape[-1] == 3:
        planes = [255 * c for c in rgb(difference)]
        for plane in all_weighted(YIQ_CHROMA_FOUR_DIGITS, planes):
            size = extent
            for _ in range(scale - 1):
                plane = average_decimate(plane, 2, border, size)  # pyright: ignore
                size = size and size.over(2)
            power = power + mean(plane * plane, size)
    return safe_sqrt(power)


def _check_output(output: str) -> None:
    one_of("output", output, "score", "map")

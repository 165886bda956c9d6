"""CIEDE2000 colour difference in decibels, as codec developers measure it."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.core.metric import full_reference
from jiqa.metrics.full_reference.delta_e import ciede2000
from jiqa.ops.colour import lab_axes, light_responses, to_linear
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import decibels, mean
from jiqa.ops.video_planes import Planes, enlarged_chroma, video_planes

#: kL, kC, kH of the program, and what a mean difference of 1 scores.
_FACTORS, _SCORE_OF_ONE = (0.65, 1.0, 4.0), 45.0
#: From chroma to what R, G and B have beside luma. The constants are BT.709's for U and
#: V, which the program takes for those of Cb and Cr.
_RED, _GREEN, _BLUE = 1.28033, (0.21482, 0.38059), 2.12798
_KNEE = 10 / 255


@full_reference(
    title="Colour difference in decibels",
    direction="higher",
    range=(float("-inf"), float("inf")),
    identity=float("inf"),
    symmetric=True,
    min_side=1,
    colour="rgb",
    citation=(
        "Yang, Ming, Yu: Color image quality assessment based on CIEDE2000. Advances "
        "in Multimedia 2012, 273723. doi:10.1155/2012/273723"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-5 dB (x64) of the authors' code, feature ciede2000 of libvmaf (August 2026)"
    ),
)
def ciede2000_db(
    reference: Array,
    distorted: Array,
    *,
    yuv: str = "bt709-limited-420",
    bits: int = 8,
    quantise: bool = True,
    extent: Extent | None = None,
) -> Array:
    """CIEDE2000 in decibels: libvmaf's feature ``ciede2000``, not ``delta_e``.

    45 - 20 log10(mean of CIEDE2000 over all pixels), with kL, kC, kH = .65, 1, 4, of
    colours that come from codes of Y', Cb and Cr. Chroma of half the size is repeated.
    As in the program, codes always count as those of ITU-R BT.709 with head-room, and
    its constants for U and V stand for those of Cb and Cr, so colours are not quite
    those of the image: this is for comparing with other people's numbers. ``delta_e``
    is the difference of the true colours.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        yuv: how codes are made of sRGB: ``"bt709-limited-420"``, ITU-R BT.709 with
            head-room and chroma of half the size, as most video has it; also
            ``"bt601-..."``, ``"...-full-..."`` and ``"...-444"``.
        bits: of a code: 8, as in most video, 10 or 12.
        quantise: whether codes are whole numbers, as in the program; ``False`` gives a
            function without steps, whose gradient is exact.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in dB, higher is better; infinity where all codes are equal, with
        gradient 0. The gradient passes through the rounding to codes.

    Raises:
        ValueError: unknown option value.
    """
    x, y = (
        video_planes(image, yuv, bits, quantise=quantise, extent=extent)
        for image in (reference, distorted)
    )
    return of_planes(x, y, bits, extent)


def of_planes(
    reference: Planes, distorted: Planes, bits: int, extent: Extent | None = None
) -> Array:
    """The score of two images that are given as codes."""
    one, two = (_responses(planes, bits) for planes in (reference, distorted))
    light, a, b = lab_axes(one)
    fx, fy, fz = (q - p for p, q in zip(one, two, strict=True))
    difference = ciede2000((light - 16, a, b), lab_axes((fx, fy, fz)), _FACTORS)
    error = mean(difference, extent)
    seen = error > 0
    score = _SCORE_OF_ONE + 2 * decibels(1.0, error, seen)
    return jnp.where(seen, score, jnp.inf)


def _responses(planes: Planes, bits: int) -> tuple[Array, Array, Array]:
    """What CIELAB is linear in, of an image's codes."""
    scale = 2 ** (bits - 8)
    y, cb, cr = (
        (plane - zero * scale) / (span * scale)
        for plane, zero, span in zip(
            enlarged_chroma(planes), (16, 128, 128), (219, 224, 224), strict=True
        )
    )
    red, blue = y + _RED * cr, y + _BLUE * cb
    green = y - _GREEN[0] * cb - _GREEN[1] * cr
    red, green, blue = (to_linear(c, _KNEE) for c in (red, green, blue))
    return light_responses((red, green, blue))

"""ColorVideoVDP for still images: visible differences on a display, in JOD."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of, unknown
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.cvvdp_bands import OFFSET, visible_differences
from jiqa.ops.burt_pyramid import expand_axis
from jiqa.ops.colour_constants import TO_XYZ, all_weighted
from jiqa.ops.display import INCH, Display
from jiqa.ops.luma import rgb

# XYZ to the cones' responses (CIE 2006) and on to the opponent colours Y, rg, yv that
# are 0 for the white D65 (display_model.py).
_XYZ_TO_LMS = np.array(
    [
        [0.187596268556126, 0.585168649077728, -0.026384263306304],
        [-0.133397430663221, 0.405505777260049, 0.034502127690364],
        [0.000244379021663, -0.000542995890619, 0.019406849066323],
    ]
)
_LMS_TO_DKL = np.array(
    [[1, 1, 0], [1, -2.311130179947035, 0], [-1, -1, 50.977571328718781]]
)
_TO_OPPONENT = _LMS_TO_DKL @ _XYZ_TO_LMS @ TO_XYZ

# cvvdp_parameters.json of version 0.5.7: weights of the base band of each channel, the
# one of still images, and JOD = 10 - a Q^e.
_BASE_WEIGHTS = np.array([0.0036334486212581396, 1.6627724170684814, 4.11874532699585])
_STILL = 0.577918291091919
_JOD_SCALE, _JOD_EXPONENT = 0.0439569391310215, 0.9302042722702026
#: Under this difference the curve is a line.
_JOD_LINE = 0.1


def _headset(peak: float, black: float) -> Display:
    """1440x1600 pixels an eye, 110 degrees along the diagonal, no light around."""
    away = math.hypot(1440, 1600) / (2 * math.tan(math.radians(110 / 2)))
    density = 1 / (2 * math.degrees(math.atan(0.5 / away)))
    return Display(
        peak=peak, contrast=peak / black, ambient=0, pixels_per_degree=density
    )


def _phone(peak: float, black: float, resolution: tuple[int, int]) -> Display:
    """6.1 inches, seen from 20."""
    return Display(
        peak=peak,
        contrast=peak / black,
        resolution=resolution,
        diagonal=6.1,
        distance=20 * INCH,
    )


def _television(peak: float, black: float) -> Display:
    return Display(
        peak=peak,
        contrast=peak / black,
        ambient=100,
        diagonal=64.5,
        distance=101 * INCH,
    )


#: Those of ``display_models.json`` of cvvdp 0.5.7 that show sRGB (MIT, see
#: ``weights/shipped/CVVDP.md``).
DISPLAYS = {
    "standard_4k": Display(),
    "standard_fhd": Display(resolution=(1920, 1080), diagonal=24, distance=0.6),
    "standard_phone": Display(
        peak=500, contrast=10000, resolution=(2400, 1080), diagonal=6, distance=0.4
    ),
    "standard_hmd": _headset(100, 0.1),
    "sdr_4k_30": Display(peak=100, distance=0.6),
    "sdr_fhd_24": Display(peak=100, resolution=(1920, 1080), diagonal=24, distance=0.6),
    "htc_vive_pro": _headset(133.3, 0.1),
    "iphone_12_pro": _phone(825, 0.0004, (2532, 1170)),
    "iphone_14_pro": _phone(1025, 0.0004, (2532, 1170)),
    "iphone_14_pro_vert": _phone(1025, 0.0004, (1170, 2532)),
    "ipad_pro_12_9": Display(
        peak=600,
        contrast=600 / 0.37,
        resolution=(2732, 2048),
        diagonal=12.9,
        distance=20 * INCH,
    ),
    "macbook_pro_16": Display(
        peak=500,
        contrast=500 / 0.37,
        resolution=(3072, 1920),
        diagonal=16,
        distance=25 * INCH,
    ),
    "lg_oled_2017_sdr": _television(272, 0.014),
    "lg_oled_2017_hdr": _television(754, 0.038),
    "eizo_CG3146": Display(
        peak=300,
        contrast=3000,
        ambient=0,
        resolution=(4096, 2160),
        diagonal=31.063,
        distance=0.73406,
    ),
}


@full_reference(
    title="ColorVideoVDP for still images",
    direction="higher",
    range=(float("-inf"), 10.0),
    identity=10.0,
    symmetric=False,
    min_side=4,
    colour="rgb",
    maps="difference",
    citation=(
        "Mantiuk, Hanji, Ashraf, Asano, Chapiro: ColorVideoVDP: A visual difference "
        "predictor for image, video and display distortions. ACM Transactions on "
        "Graphics 43(4), 2024. doi:10.1145/3658144"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "5e-6 JOD (x64 and float32) of the authors' package cvvdp 0.5.7 on 141 pairs "
        "and displays, its borders included"
    ),
)
def cvvdp(
    reference: Array,
    distorted: Array,
    *,
    display: str | Display = "standard_4k",
    output: str = "score",
) -> Array:
    """Visible differences between still images on a display (ColorVideoVDP, 2024).

    The light of both images on the display is split into a luminance and two opponent
    colours, and each into the bands of a Laplacian pyramid. Contrasts to the local
    background are multiplied by the eye's sensitivity (castleCSF) at the band's
    frequency and the reference's background. Differences are raised to a power,
    masked by the contrasts that both images share in all channels, and limited; then
    pooled over pixels (root mean square), bands and channels (4-norm each).

    A score is in just-objectionable differences (JOD). One JOD less than 10 means that
    75 % of observers would choose the reference over the distorted image. It holds for
    images that are shown pixel by pixel.

    The last column of a level is completed by the parity of the number of rows, as in
    the authors' package: proper borders would change scores by up to .1.

    Args:
        reference: images ``[..., H, W, C]``, sRGB; grey counts as three equal channels.
        distorted: images of the same shape.
        display: where the images are seen, a ``jiqa.ops.display.Display`` or the name
            of one of the authors': ``"standard_4k"`` (their default: 30 inches, 200
            cd/m^2, an office, two heights away), ``"standard_fhd"``,
            ``"standard_phone"``, ``"standard_hmd"`` and others of ``DISPLAYS``.
        output: ``"score"``, or ``"map"`` for the authors' heat map ``[..., H, W]``:
            (10 - JOD) / 10 at each pixel, 0 where nothing is seen.

    Returns:
        ``[...]``, up to 10; higher is better, 10 for identical images, flat and black
        ones included. Two flat greys score 10 as well, since contrasts are to each
        image's own background.

    Raises:
        ValueError: unknown display or output, or an image of under 4 pixels.
    """
    one_of("output", output, "score", "map")
    screen = _display(display)
    planes = jnp.stack([_opponent(x, screen) for x in (reference, distorted)])
    bands = visible_differences(planes, screen.density)
    weights = jnp.asarray(_BASE_WEIGHTS, planes.dtype)
    if output == "map":
        return _map([*bands[:-1], bands[-1] * weights[:, None, None]])
    pooled = [_pooled(band) for band in bands]
    channels = _norm(jnp.stack([*pooled[:-1], pooled[-1] * weights]))
    return 10 - _loss(_norm(channels) * _STILL)


def _display(display: str | Display) -> Display:
    if isinstance(display, Display):
        return display
    if not isinstance(display, str):
        wanted = "the name of a display or a Display"
        raise ValueError(expected("display", wanted, repr(display)))
    if display not in DISPLAYS:
        raise ValueError(unknown("display", display, DISPLAYS, ", ".join(DISPLAYS)))
    return DISPLAYS[display]


def _opponent(image: Array, display: Display) -> Array:
    """Y, rg, yv of an image's light in cd/m^2, ``[3, H, W]``."""
    light = [display.light(plane) for plane in rgb(image)]
    return jnp.stack(all_weighted(_TO_OPPONENT, light))


def _pooled(band: Array) -> Array:
    """Root mean square over the pixels of each channel, ``[3]``."""
    squares = jnp.square(band + OFFSET) - OFFSET**2
    return jnp.sqrt(squares.mean((1, 2)) + OFFSET) - math.sqrt(OFFSET)


def _norm(x: Array) -> Array:
    """Fourth root of the sum of fourth powers along the first axis."""
    total = jnp.sum((x + OFFSET) ** 4 - OFFSET**4, axis=0)
    return jnp.sqrt(jnp.sqrt(total + OFFSET)) - OFFSET**0.25


def _loss(difference: Array) -> Array:
    """How many JOD a difference takes from 10."""
    curved = _JOD_SCALE * jnp.maximum(difference, _JOD_LINE) ** _JOD_EXPONENT
    slope = _JOD_SCALE * _JOD_LINE ** (_JOD_EXPONENT - 1)
    return jnp.where(difference > _JOD_LINE, curved, slope * difference)


def _map(bands: Sequence[Array]) -> Array:
    """The bands' differences over the channels, put together as a pyramid's."""
    fields = [_norm(band * _STILL) for band in bands]
    total = fields[-1]
    for k in reversed(range(len(fields) - 1)):
        for axis in (0, 1):
            total = expand_axis(total, axis, fields[k].shape[axis])
        total = total + fields[k] / (2 if k else 1)
    return _loss(total) / 10

"""Butteraugli, the distance to which JPEG XL is encoded."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.butteraugli_bands import bands, opponent
from jiqa.metrics.parts.butteraugli_differences import Constants, visible
from jiqa.ops.colour import to_linear
from jiqa.ops.extent import Extent
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import added, most, safe_power, total
from jiqa.ops.resize import average_decimate

_PRESETS = {
    "libjxl": Constants((33.832837186260, 14.458268100570, 49.87984651440), 17.83, 1.0),
    "libjxl-0.7": Constants((32.2217497012, 13.7697791434, 47.504615728), 17.8, 0.8),
}
#: The smallest side of an image that is compared, and of one at half size.
_SIDE = 8


@full_reference(
    title="Butteraugli",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=False,
    min_side=_SIDE,
    colour="rgb",
    maps="difference",
    citation=(
        "Alakuijala, Obryk, Stoliarchuk, Szabadka, Vandevenne, Wassenberg: Guetzli: "
        "Perceptually guided JPEG encoder. arXiv:1703.04421, 2017"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "5e-5 relative (x64; 1e-6 at the median) of libjxl's release 0.7.0 and of its "
        "code of August 2026 on 47 pairs, the latter at 80 and at 250 nits"
    ),
)
def butteraugli(
    reference: Array,
    distorted: Array,
    *,
    pooling: str = "max",
    intensity_target: float = 80.0,
    hf_asymmetry: float | None = None,
    preset: str = "libjxl",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Butteraugli, a distance between images as people see them (Alakuijala et al.).

    Both images become opponent colours, of which luminance and red-green are split into
    four bands and blue into two. Differences count by band, more where they continue
    along a line, and less where the reference is busy. The same at half size is added.

    No paper has the equations of today's version; the source is libjxl's
    ``lib/jxl/butteraugli/butteraugli.cc``. Images are taken as sRGB.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        pooling: ``"max"`` of the map, which is what the authors call the distance and
            encoders are given; or ``"3-norm"``, which libjxl's tools print beside it
            and which depends less on the worst spot: the mean of the norms 3, 6 and 12.
        intensity_target: luminance of white in nits (cd/m^2). 80 is what libjxl's tools
            assume of sRGB; scores grow with it.
        hf_asymmetry: how much more detail that is lost counts than detail that is
            added; ``None`` takes the preset's.
        preset: ``"libjxl"`` for the releases from 0.8 on, with an asymmetry of 1; or
            ``"libjxl-0.7"`` for those before, whose tool has an asymmetry of 0.8.
        output: ``"score"``, or ``"map"`` for the distance at each sample
            ``[..., H, W]``, which is 0 where the images agree.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 or more; lower is better, 0 for identical images, flat and black
        ones included.

    Raises:
        ValueError: unknown option value, a luminance or an asymmetry that is not
            positive, or an image of under 8 pixels (which libjxl enlarges to 8).
    """
    one_of("pooling", pooling, "max", "3-norm")
    one_of("preset", preset, *_PRESETS)
    one_of("output", output, "score", "map")
    constants = _PRESETS[preset]
    asymmetry = constants.asymmetry if hf_asymmetry is None else hf_asymmetry
    _check_positive("intensity_target", intensity_target)
    _check_positive("hf_asymmetry", asymmetry)

    def compared(light: Array, extent: Extent | None) -> Array:
        seen = bands(opponent(light, intensity_target, extent), extent)
        return visible(seen, constants, asymmetry, extent)

    pairs = zip(rgb(reference), rgb(distorted), strict=True)
    light = to_linear(jnp.stack([jnp.stack(pair) for pair in pairs]))
    field = compared(light, extent)
    half = average_decimate(light, 2, "symmetric", extent)
    if min(half.shape[-2:]) >= _SIDE:
        coarse = compared(half, extent and extent.over(2))
        coarse = jnp.repeat(jnp.repeat(coarse, 2, -2), 2, -1)
        field = 0.85 * field + 0.5 * coarse[: field.shape[0], : field.shape[1]]
    if output == "map":
        return field
    worst = most(field, extent)
    return worst if pooling == "max" else _three_norm(field, worst, extent)


def _three_norm(field: Array, worst: Array, extent: Extent | None) -> Array:
    """The mean of three norms, relative to the largest value, whose power overflows."""
    unit = jnp.where(worst > 0, worst, 1)
    count = field.size if extent is None else extent.count(field.dtype)
    cube = (field / unit) ** 3
    powers = {3: cube, 6: cube * cube, 12: jnp.square(cube * cube)}
    means = {k: total(power, extent) / count for k, power in powers.items()}
    return unit * added(safe_power(m, 1 / k) for k, m in means.items()) / 3


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(expected(name, "a positive number", repr(value)))

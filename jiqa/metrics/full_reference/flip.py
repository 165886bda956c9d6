"""FLIP: the difference that is seen when one image is flipped for the other.

For images of low dynamic range, and for linear light of any.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.flip_exposures import (
    MOST_EXPOSURES,
    TONE_MAPPERS,
    automatic_exposures,
    exposed,
    tone_mapper_of,
)
from jiqa.metrics.parts.flip_map import error_map, per_degree
from jiqa.ops.colour import to_linear
from jiqa.ops.extent import Extent
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import mean, varying_as

#: The brightest light that HDR-FLIP tells apart, as in the authors' code.
_BRIGHTEST = 65536.0


@full_reference(
    title="FLIP, a difference evaluator for alternating images",
    direction="lower",
    range=(0.0, 1.0),
    identity=0.0,
    symmetric=True,
    min_side=1,
    colour="rgb",
    maps="difference",
    map_range=(0.0, 1.0),
    citation=(
        "Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild: FLIP: a "
        "difference evaluator for alternating images. Proceedings of the ACM on "
        "Computer Graphics and Interactive Techniques 3(2), 2020. doi:10.1145/3406183"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-12 (x64) of the authors' code in PyTorch with its smallest difference of "
        "lightness, 4e-5 (float32) of their package flip-evaluator 1.7, which has none"
    ),
)
def flip(
    reference: Array,
    distorted: Array,
    *,
    pixels_per_degree: float | None = None,
    distance: float | None = None,
    width: float | None = None,
    resolution: float | None = None,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """FLIP of images of low dynamic range (LDR-FLIP; Andersson et al. 2020, section 4).

    Luminance and two opponent colours are blurred as the eye blurs them at a viewing
    distance, and compared in L*a*b* by |dL*| + sqrt(da*^2 + db*^2), colours of dark
    pixels being less vivid. Where edges or points differ, too, the difference of
    colours c counts more: the error of a pixel is c^(1 - f), both in [0, 1]. The score
    is the mean, as the authors now advise.

    Args:
        reference: images ``[..., H, W, C]``; a grey image counts as R = G = B.
        distorted: images of the same shape.
        pixels_per_degree: of the visual field, 1 or more. By default it follows from
            the next three, and is 67.02 with theirs.
        distance: from the eye to the screen in metres; by default the authors' 0.7.
        width: of the screen in metres; by default the authors' 0.7.
        resolution: pixels in a row of the screen; by default the authors' 3840.
        output: ``"score"``, or ``"map"`` for the error of each pixel, ``[..., H, W]``,
            which the authors show in the colours of matplotlib's magma.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 1], lower is better, 0 for identical images, as in the authors'
        C++; their code for PyTorch gives 3.2e-7. The gradient at equal colours is 0.

    Raises:
        ValueError: unknown output, a number that is not positive, or
            ``pixels_per_degree`` beside what it is computed from.
    """
    one_of("output", output, "score", "map")
    density = per_degree(pixels_per_degree, distance, width, resolution)
    pair = zip(rgb(reference), rgb(distorted), strict=True)
    light = [to_linear(jnp.stack(planes)) for planes in pair]
    errors = error_map(light, density, extent)
    return errors if output == "map" else mean(errors, extent)


@full_reference(
    title="HDR-FLIP, for linear light of high dynamic range",
    direction="lower",
    range=(0.0, 1.0),
    identity=0.0,
    symmetric=False,
    min_side=1,
    colour="rgb",
    maps="difference",
    map_range=(0.0, 1.0),
    dynamic_range="high",
    citation=(
        "Andersson, Nilsson, Shirley, Akenine-Möller: Visualizing errors in rendered "
        "high dynamic range images. Eurographics short papers, 2021. "
        "doi:10.2312/egs.20211015"
    ),
    fidelity="authors-code",
    fidelity_note=(
        "1e-6 of the authors' code in PyTorch (x64) and of their package "
        "flip-evaluator 1.7 (float32), with all three tone mappers"
    ),
)
def hdrflip(
    reference: Array,
    distorted: Array,
    *,
    tone_mapper: str = "aces",
    start: float | None = None,
    stop: float | None = None,
    exposures: int | None = None,
    pixels_per_degree: float | None = None,
    distance: float | None = None,
    width: float | None = None,
    resolution: float | None = None,
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """FLIP of linear light of high dynamic range (HDR-FLIP; Andersson et al. 2021).

    Both images are shown at several exposures through a tone mapper, and each pixel
    has the largest error that ``flip`` sees in it at any of them. The first exposure
    shows the brightest luminance of the reference as .85, the last one its median;
    between them there is about one for every stop, and two at least.

    Args:
        reference: linear sRGB ``[..., H, W, C]``, 0 or more, 65536 counting as the
            brightest; no sRGB-encoded image, nor an 8-bit file unless it is linear.
        distorted: images of the same shape.
        tone_mapper: ``"aces"``, the authors' default, ``"hable"`` or ``"reinhard"``.
        start: the first exposure in stops; by default from the reference.
        stop: the last exposure, above ``start``; by default from the reference.
        exposures: their number, 2 or more; by default the stops between the two,
            rounded up, 32 at most.
        pixels_per_degree: of the visual field, 1 or more; as in ``flip``.
        distance: from the eye to the screen in metres; by default the authors' 0.7.
        width: of the screen in metres; by default the authors' 0.7.
        resolution: pixels in a row of the screen; by default the authors' 3840.
        output: ``"score"``, or ``"map"`` for the error of each pixel, ``[..., H, W]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]`` in [0, 1], lower is better, 0 for identical images. Where half of the
        reference or more is black, the median is that of the other pixels, and a black
        reference is exposed as if it were white; the authors' code is infinite there.

    Raises:
        ValueError: unknown tone mapper or output, exposures that are fewer than 2 or
            end before they start, viewing conditions that ``flip`` refuses.
    """
    one_of("output", output, "score", "map")
    one_of("tone_mapper", tone_mapper, *TONE_MAPPERS)
    density = per_degree(pixels_per_degree, distance, width, resolution)
    if exposures is not None and (exposures != int(exposures) or exposures < 2):
        raise ValueError(
            expected("exposures", "a whole number, 2 or more", repr(exposures))
        )
    if start is not None and stop is not None and not start < stop:
        raise ValueError(expected("stop", f"more than start={start}", repr(stop)))
    pair = zip(rgb(reference), rgb(distorted), strict=True)
    light = jnp.clip(jnp.stack([jnp.stack(planes) for planes in pair]), 0, _BRIGHTEST)
    first, last = start, stop
    if start is None or stop is None:
        found = automatic_exposures(light[:, 0], tone_mapper, extent)
        first = found[0] if start is None else start
        last = found[1] if stop is None else stop
    first, last = (jnp.asarray(v, light.dtype) for v in (first, last))
    shown = tone_mapper_of(tone_mapper)
    most = exposures or MOST_EXPOSURES
    if exposures is None and start is not None and stop is not None:
        most = exposures = max(2, math.ceil(stop - start))
    number = exposures or jnp.clip(jnp.ceil(last - first), 2, most)
    step = (last - first) / (number - 1)

    def look(worst: Array, turn: Array) -> Array:
        planes = shown(exposed(light, first + turn * step))
        return jnp.maximum(worst, error_map(list(planes), density, extent))

    # Only the map is kept for the derivative, and every exposure computed again.
    @jax.checkpoint
    def turned(worst: Array, turn: Array) -> tuple[Array, None]:
        if exposures is not None:
            return look(worst, turn), None
        seen = lax.cond(turn < number, look, lambda worst, _: worst, worst, turn)
        return seen, None

    turns = jnp.arange(most, dtype=light.dtype)
    none = varying_as(light, jnp.zeros_like(light[0, 0]))
    errors, _ = lax.scan(turned, none, turns)
    return errors if output == "map" else mean(errors, extent)

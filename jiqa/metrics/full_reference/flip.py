"""FLIP: the difference that is seen when one image is flipped for the other."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.checks import one_of
from jiqa.core.metric import full_reference
from jiqa.metrics.parts.flip_map import error_map, per_degree
from jiqa.ops.colour import to_linear
from jiqa.ops.extent import Extent
from jiqa.ops.luma import rgb
from jiqa.ops.numerics import mean


@full_reference(
    title="FLIP, a difference evaluator for alternating images",
    direction="lower",
    range=(0.0, 1.0),
    identity=0.0,
    symmetric=True,
    min_side=1,
    colour="rgb",
    maps="difference",
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

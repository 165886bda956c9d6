"""RankIQA's set for LIVE Multiply Distorted: blur, then JPEG or noise.

Three strengths of each give nine images of each pair. They have no one order, so that
each strength of the blur is a kind of its own, whose levels are those of what follows.
"""

from __future__ import annotations

from typing import Any

import jax

from jiqa.distortions.kinds import Kind
from jiqa.distortions.operations.blurs import gaussian_blur
from jiqa.distortions.operations.codecs import jpeg
from jiqa.distortions.operations.noises import gaussian_noise

SOURCE = (
    "X. Liu, J. van de Weijer, A. D. Bagdanov, RankIQA: Learning from rankings for "
    "no-reference image quality assessment, ICCV 2017, doi:10.1109/ICCV.2017.118; "
    "the three weakest levels of its set for LIVE (github.com/xialeiliu/RankIQA, MIT)"
)

#: Side of the kernel in pixels: standard deviations of 1.2, 2.5 and 6.5.
BLUR_SIZES = (7, 15, 39)
JPEG_QUALITIES = (43, 12, 7)
#: Variance on [0, 1]: .001, .006 and .022.
NOISE_VARIANCES = (2**-10, 2**-7.5, 2**-5.5)


@jax.jit
def _blurred(image: Any, size: Any) -> Any:
    return gaussian_blur(image, size, largest=BLUR_SIZES[-1])


def _blurred_jpeg(image: Any, parameter: tuple[int, int], key: Any) -> Any:
    """Blur with a kernel of the first size, then JPEG of the second's quality."""
    size, quality = parameter
    return jpeg(_blurred(image, size), quality)


def _blurred_noise(image: Any, parameter: tuple[Any, Any], key: Any) -> Any:
    """Blur with a kernel of the first size, then noise of the second's variance."""
    size, variance = parameter
    return gaussian_noise(_blurred(image, size), variance, key)


KINDS = (
    *(
        Kind(
            f"blur_{level}_jpeg",
            _blurred_jpeg,
            tuple((size, quality) for quality in JPEG_QUALITIES),
            where="codec",
        )
        for level, size in enumerate(BLUR_SIZES, start=1)
    ),
    *(
        Kind(
            f"blur_{level}_noise",
            _blurred_noise,
            tuple((size, variance) for variance in NOISE_VARIANCES),
            traced=True,
        )
        for level, size in enumerate(BLUR_SIZES, start=1)
    ),
)

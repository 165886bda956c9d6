"""RankIQA's set for LIVE and CSIQ: blur, noise, JPEG, JPEG 2000, five levels each.

DBCNN's generator has the same four, with the same strengths.
"""

from __future__ import annotations

from jiqa.distortions.kinds import Kind, without_key
from jiqa.distortions.operations.blurs import gaussian_blur
from jiqa.distortions.operations.codecs import jpeg, jpeg2000_at_rate
from jiqa.distortions.operations.noises import gaussian_noise

SOURCE = (
    "X. Liu, J. van de Weijer, A. D. Bagdanov, RankIQA: Learning from rankings for "
    "no-reference image quality assessment, ICCV 2017, doi:10.1109/ICCV.2017.118; "
    "strengths as in the authors' generator (github.com/xialeiliu/RankIQA, MIT)"
)

#: Side of the kernel in pixels; its standard deviation is a sixth of that.
BLUR_SIZES = (7, 15, 39, 91, 199)
#: Variance on [0, 1].
NOISE_VARIANCES = (2**-10, 2**-7.5, 2**-5.5, 2**-3.5, 1.0)
#: libjpeg's quality; the last, 0, counts as 1.
JPEG_QUALITIES = (43, 12, 7, 4, 0)
#: Bits per pixel of all channels together.
JPEG2000_RATES = (0.46, 0.16, 0.07, 0.04, 0.02)

KINDS = (
    Kind(
        "gaussian_blur",
        without_key(gaussian_blur, largest=BLUR_SIZES[-1]),
        BLUR_SIZES,
        number=1,
        traced=True,
    ),
    Kind("gaussian_noise", gaussian_noise, NOISE_VARIANCES, number=2, traced=True),
    Kind("jpeg", without_key(jpeg), JPEG_QUALITIES, where="codec", number=3),
    Kind(
        "jpeg2000",
        without_key(jpeg2000_at_rate),
        JPEG2000_RATES,
        where="codec",
        number=4,
        note="by OpenJPEG, where MATLAB has Kakadu",
    ),
)

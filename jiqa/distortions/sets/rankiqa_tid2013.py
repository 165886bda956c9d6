"""RankIQA's set for TID2013: 17 of its 24 types, four levels each.

Numbers are TID2013's. Mean shift and contrast go both ways, so that there are 19 kinds;
the authors' list of folders to train on has 18, all but the high-frequency noise.
Their programs have no kinds for TID2013's 3, 4, 12, 13, 20, 21 and 24.
"""

from __future__ import annotations

from jiqa.distortions.kinds import Kind, without_key
from jiqa.distortions.operations.blurs import gaussian_blur
from jiqa.distortions.operations.cbm3d import noise_after_cbm3d
from jiqa.distortions.operations.codecs import jpeg, jpeg2000_at_rate
from jiqa.distortions.operations.colours import chromatic_shift, saturation_ycbcr
from jiqa.distortions.operations.local import mean_colour_blocks, shifted_patches
from jiqa.distortions.operations.noises import (
    gaussian_noise,
    high_pass_noise,
    multiplicative_noise,
    salt_and_pepper,
    ycbcr_noise,
)
from jiqa.distortions.operations.palettes import dithered_palette
from jiqa.distortions.operations.quantisation import quantise
from jiqa.distortions.operations.tones import mean_shift, scaled_contrast

SOURCE = (
    "X. Liu, J. van de Weijer, A. D. Bagdanov, RankIQA: Learning from rankings for "
    "no-reference image quality assessment, ICCV 2017, doi:10.1109/ICCV.2017.118, "
    "supplement; strengths as in the authors' generator "
    "(github.com/xialeiliu/RankIQA, data/rank_tid2013, MIT)"
)

#: Variance on [0, 1].
NOISE_VARIANCES = (0.001, 0.005, 0.01, 0.05)
#: Side of the kernel in pixels; its standard deviation is a sixth of that.
BLUR_SIZES = (7, 15, 39, 91)

KINDS = (
    Kind("gaussian_noise", gaussian_noise, NOISE_VARIANCES, number=1, traced=True),
    Kind(
        "colour_noise",
        ycbcr_noise,
        (0.0140, 0.0198, 0.0343, 0.0524),
        number=2,
        traced=True,
    ),
    Kind(
        "high_frequency_noise",
        high_pass_noise,
        NOISE_VARIANCES,
        number=5,
        traced=True,
        note="the authors' high-pass filter does not shift the spectrum, so that it "
        "takes the finest detail away and not the coarsest",
    ),
    Kind(
        "impulse_noise",
        salt_and_pepper,
        (0.005, 0.01, 0.05, 0.1),
        number=6,
        traced=True,
    ),
    Kind(
        "quantisation",
        without_key(quantise, most=9),
        (9, 7, 5, 3),
        number=7,
        traced=True,
        note="255 / (27, 39, 55, 76) thresholds, rounded; at the best places, which "
        "MATLAB's multithresh may miss",
    ),
    Kind(
        "gaussian_blur",
        without_key(gaussian_blur, largest=BLUR_SIZES[-1]),
        BLUR_SIZES,
        number=8,
        traced=True,
    ),
    Kind(
        "denoising",
        noise_after_cbm3d,
        NOISE_VARIANCES,
        number=9,
        traced=True,
        note="CBM3D from its published description; the authors' second noise has one "
        "fixed seed, this one follows the key",
    ),
    Kind("jpeg", without_key(jpeg), (43, 12, 7, 4), where="codec", number=10),
    Kind(
        "jpeg2000",
        without_key(jpeg2000_at_rate),
        (0.46, 0.16, 0.07, 0.04),
        where="codec",
        number=11,
        note="by OpenJPEG, where MATLAB has Kakadu",
    ),
    Kind(
        "non_eccentricity",
        shifted_patches,
        (30, 70, 150, 300),
        number=14,
        traced=True,
    ),
    Kind(
        "colour_blocks",
        mean_colour_blocks,
        # How many, the factor on the mean of red, the levels added to it.
        ((2, 0, 0), (4, 1, 50), (8, 1, 30), (16, 1, 0)),
        number=15,
        traced=True,
        note="the more blocks, the nearer their colour is to the image's mean",
    ),
    Kind(
        "brighter",
        without_key(mean_shift),
        (15, 30, 45, 60),
        number=16,
        traced=True,
    ),
    Kind(
        "darker",
        without_key(mean_shift),
        (-15, -30, -45, -60),
        number=16,
        traced=True,
    ),
    Kind(
        "lower_contrast",
        without_key(scaled_contrast),
        (0.85, 0.7, 0.55, 0.4),
        number=17,
        traced=True,
        note="a factor on every sample, so that the image darkens too",
    ),
    Kind(
        "higher_contrast",
        without_key(scaled_contrast),
        (1.2, 1.4, 1.6, 1.8),
        number=17,
        traced=True,
        note="a factor on every sample, so that the image brightens too",
    ),
    Kind(
        "colour_saturation",
        without_key(saturation_ycbcr),
        (0.4, 0.0, -0.4, -0.8),
        number=18,
        traced=True,
    ),
    Kind(
        "multiplicative_noise",
        multiplicative_noise,
        (0.05, 0.09, 0.13, 0.2),
        number=19,
        traced=True,
    ),
    Kind(
        "dither",
        without_key(dithered_palette),
        (64, 32, 16, 8),
        where="codec",
        number=22,
        note="palette by Wu's minimum variance, error diffused by Pillow, where MATLAB "
        "has programs of its own",
    ),
    Kind(
        "chromatic_shift",
        without_key(chromatic_shift),
        (2, 6, 10, 14),
        number=23,
        traced=True,
    ),
)

#: The authors' folder of each kind that their training list has.
FOLDERS = {
    "GN": "gaussian_noise",
    "GNC": "colour_noise",
    "IN": "impulse_noise",
    "QN": "quantisation",
    "GB": "gaussian_blur",
    "ID": "denoising",
    "JPEG": "jpeg",
    "JP2K": "jpeg2000",
    "NEPN": "non_eccentricity",
    "BW": "colour_blocks",
    "MSH": "brighter",
    "MSL": "darker",
    "CCL": "lower_contrast",
    "CCH": "higher_contrast",
    "CS": "colour_saturation",
    "MGN": "multiplicative_noise",
    "CQD": "dither",
    "CA": "chromatic_shift",
}

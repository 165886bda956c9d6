"""DBCNN's set to train its S-CNN on: nine types of five levels, 39 classes of them."""

from __future__ import annotations

from jiqa.distortions.kinds import Kind, without_key
from jiqa.distortions.operations.noises import pink_noise
from jiqa.distortions.operations.palettes import dithered_palette
from jiqa.distortions.operations.tones import exposure, stretched_contrast
from jiqa.distortions.sets.rankiqa_live import KINDS as _SHARED

SOURCE = (
    "W. Zhang, K. Ma, J. Yan, D. Deng, Z. Wang, Blind image quality assessment using a "
    "deep bilinear convolutional neural network, IEEE TCSVT 30(1), 2020, "
    "doi:10.1109/TCSVT.2018.2886771; strengths as in the authors' generator "
    "(github.com/zwx8981/DBCNN, MIT)"
)

#: Shift of the samples on [0, 1].
_EXPOSURES = (0.15, 0.3, 0.45, 0.6, 0.75)

KINDS = (
    *_SHARED,
    Kind(
        "contrast",
        without_key(stretched_contrast),
        ((0.2, 0.8), (0.3, 0.7), (0.4, 0.6), (0.45, 0.55), (0.49, 0.51)),
        number=5,
        traced=True,
    ),
    Kind("pink_noise", pink_noise, (0.3, 0.7, 1.2, 2.0, 4.0), number=6, traced=True),
    Kind(
        "dither",
        without_key(dithered_palette),
        (64, 32, 16, 8, 4),
        where="codec",
        number=7,
        note="palette by Wu's minimum variance, error diffused by Pillow, where MATLAB "
        "has programs of its own",
    ),
    Kind(
        "overexposure",
        without_key(exposure),
        _EXPOSURES,
        number=8,
        traced=True,
        note="levels 3 and 5 are classes",
    ),
    Kind(
        "underexposure",
        without_key(exposure),
        tuple(-shift for shift in _EXPOSURES),
        number=9,
        traced=True,
        note="levels 3 and 5 are classes",
    ),
)

#: What the authors call the types in the names of their classes (``1-1``, ``10-5``,
#: ``11-3``, read from the weights that they publish). Which type a number is follows
#: from their network's answers for these kinds: of 24 photographs in 39 classes it
#: names 98 % of the types and 83 % of the classes (scripts/checks/dbcnn_classes.py).
_CLASS_TYPES = {
    "gaussian_blur": 1,
    "gaussian_noise": 2,
    "jpeg": 3,
    "jpeg2000": 4,
    "contrast": 5,
    "pink_noise": 6,
    "dither": 10,
    "overexposure": 11,
    "underexposure": 12,
}
_CLASS_LEVELS = {"overexposure": (3, 5), "underexposure": (3, 5)}


def class_table() -> tuple[tuple[str, int], ...]:
    """Kind and level of the classes 0 to 38 of the authors' S-CNN.

    The classes are folders sorted as text: type 10, 11 and 12 come between 1 and 2.
    """
    names = {
        f"{number}-{level}": (kind, level)
        for kind, number in _CLASS_TYPES.items()
        for level in _CLASS_LEVELS.get(kind, range(1, 6))
    }
    return tuple(names[name] for name in sorted(names))

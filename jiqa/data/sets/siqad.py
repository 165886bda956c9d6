"""SIQAD: 20 screen contents, 7 types of distortion, 7 levels, 980 rated images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from jiqa.checks import expected
from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import read_matlab
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

DISTORTIONS = (
    "Gaussian noise",
    "Gaussian blur",
    "motion blur",
    "contrast change",
    "JPEG compression",
    "JPEG2000 compression",
    "layer segmentation based coding",
)
REFERENCES, LEVELS = 20, 7

_EACH = len(DISTORTIONS) * LEVELS
#: What the name of a file or a variable with a part's scores has to hold.
_PARTS = {"text": ("text",), "picture": ("pict", "pic", "graph")}


def _scale(part: str) -> Scale:
    note = f"{part}; single stimulus, 11 categories; ends of the range not stated"
    return Scale("DMOS", "lower", 0.0, 100.0, note=note)


class Siqad(QualityDataset):
    """SIQAD with the scores of the whole image, or those of its text or pictures.

    ``DMOS_SIQAD.mat`` was not available. Public programs read a variable ``DMOS`` of 49
    rows (type by type, the weakest level first) and 20 columns (references), or the
    same as one column; 20 by 49 is read too. No public source names the variables with
    the scores of text and pictures: any array of 980 numbers counts if its name, or
    that of its file, contains ``text``, or ``pic`` or ``graph``.
    """

    INFO = Info(
        title="SIQAD",
        kind="full-reference",
        layout=(
            "references/cim1.bmp           references cim1 to cim20\n"
            "DistortedImages/cim1_1_1.bmp  reference, type, level\n"
            "DMOS_SIQAD.mat                980 scores, variable DMOS; those of text "
            "and\n"
            "    pictures in variables or .mat files that are named for them"
        ),
        citation=(
            "Yang, Fang, Lin: Perceptual quality assessment of screen content images. "
            "IEEE Transactions on Image Processing 24(11), 2015. "
            "doi:10.1109/TIP.2015.2465145"
        ),
        homepage="https://sites.google.com/site/subjectiveqa/",
        scales={
            "entire": _scale("the whole image"),
            "text": _scale("its textual regions"),
            "picture": _scale("its pictorial regions"),
        },
        images=980,
        references=REFERENCES,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the 980 images and the scores of this configuration."""
        folder = enter(root, "SIQAD")
        files = folder.images("", (".mat",))
        if not files:
            folder.need("DMOS_SIQAD.mat")
        found: list[tuple[Path, str, str, str, int]] = []
        references = {}
        for content in range(1, REFERENCES + 1):
            key = f"cim{content}"
            references[key] = folder.need(f"references/{key}.bmp")
            for kind, distortion in enumerate(DISTORTIONS, 1):
                for level in range(1, LEVELS + 1):
                    name = f"{key}_{kind}_{level}.bmp"
                    path = folder.need(f"DistortedImages/{name}")
                    found.append((path, name, key, distortion, level))
        folder.check(self.INFO.layout)
        scores = _scores(files, self.config, folder.root)
        records = [
            Record(
                image=path,
                name=name,
                reference=key,
                score=float(score),
                distortion=distortion,
                level=level,
            )
            for (path, name, key, distortion, level), score in zip(
                found, scores, strict=True
            )
        ]
        return Contents(records, references)


def _scores(files: list[Path], part: str, root: Path) -> np.ndarray:
    """The 980 scores of a part, reference by reference, type by type."""
    found = {
        f"{path.name}: {name}": array
        for path in files
        for name, array in _arrays(path).items()
    }
    wanted = [label for label in found if _part(label) == part]
    exact = [label for label in wanted if label.endswith(": DMOS")]
    chosen = wanted if len(wanted) == 1 else exact
    if len(chosen) != 1:
        raise LayoutError(
            expected(
                f"{root}",
                f"one array of 980 scores of {part}",
                f"{len(wanted)}",
                f"arrays: {', '.join(found) or 'none'}",
            )
        )
    scores = np.asarray(found[chosen[0]], np.float64)
    # MATLAB's matrix has a column a reference.
    return (scores.T if scores.shape == (_EACH, REFERENCES) else scores).ravel()


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The variables of a MATLAB file that hold 980 numbers."""
    import scipy.io

    read_matlab(path)  # says if it does not open
    names = [
        name
        for name, shape, kind in scipy.io.whosmat(str(path))
        if math.prod(shape) == REFERENCES * _EACH and kind not in ("cell", "char")
    ]
    return dict(zip(names, read_matlab(path, *names), strict=True))


def _part(label: str) -> str:
    for part, words in _PARTS.items():
        if any(word in label.lower() for word in words):
            return part
    return "entire"

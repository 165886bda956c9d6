"""SCID: 40 screen contents, 9 types of distortion, 5 levels, 1,800 rated images."""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import number
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text

DISTORTIONS = (
    "Gaussian noise",
    "Gaussian blur",
    "motion blur",
    "contrast change",
    "JPEG compression",
    "JPEG2000 compression",
    "color saturation change",
    "HEVC-SCC compression",
    "color quantization with dithering",
)

_NAME = re.compile(r"(SCI\d\d)_(\d)_(\d)", re.IGNORECASE)


class Scid(QualityDataset):
    """SCID, the Screen Content Image Database.

    ``MOS_SCID.txt`` was not available. Two public programs read it as three columns
    (reference, image, score), the names without an ending; names with one, and lines
    without the first column, are read too. The direction is that of the name.
    """

    INFO = Info(
        title="SCID",
        kind="full-reference",
        layout=(
            "ReferenceSCIs/SCI01.bmp      references SCI01 to SCI40\n"
            "DistortedSCIs/SCI01_1_1.bmp  reference, type, level\n"
            "MOS_SCID.txt                 reference, image, score, one line per image"
        ),
        citation=(
            "Ni, Ma, Zeng, Chen, Cai, Ma: ESIM: Edge similarity for screen content "
            "image quality assessment. IEEE Transactions on Image Processing 26(10), "
            "2017. doi:10.1109/TIP.2017.2718185"
        ),
        homepage="https://eezkni.github.io/publications/ESIM.html",
        scales={
            "": Scale(
                "MOS",
                "higher",
                0.0,
                100.0,
                note="double stimulus, 40 raters or more; ends of the range not stated",
            )
        },
        images=1800,
        references=40,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that ``MOS_SCID.txt`` names."""
        folder = enter(root, "SCID")
        labels = folder.need("MOS_SCID.txt")
        records, references = [], {}
        for line in read_text(labels).splitlines() if labels.is_file() else []:
            if not line.strip():
                continue
            *names, score = re.split(r"[\s,]+", line.strip())
            match = _NAME.match(names[-1]) if names else None
            kind = int(match[2]) if match else 0
            if not match or not 1 <= kind <= len(DISTORTIONS):
                wanted = (
                    "a name such as SCI01_1_1 with a type from 1 to "
                    f"{len(DISTORTIONS)}, and a score"
                )
                raise LayoutError(expected(f"{labels}", wanted, repr(line.strip())))
            key = match[1].upper()
            if key not in references:
                references[key] = folder.need(f"ReferenceSCIs/{key}.bmp")
            name = f"{key}_{kind}_{match[3]}.bmp"
            records.append(
                Record(
                    image=folder.need(f"DistortedSCIs/{name}"),
                    name=name,
                    reference=key,
                    score=number(score, f"{labels}, {name}"),
                    distortion=DISTORTIONS[kind - 1],
                    level=int(match[3]),
                )
            )
        folder.check(self.INFO.layout)
        return Contents(records, references)

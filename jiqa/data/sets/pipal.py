"""PIPAL: 200 public references, 116 distortions each, mostly of image restoration."""

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
from jiqa.io.walk import by_name

#: The second part of a file's name, 00 to 06, as the paper's sub-types.
DISTORTIONS = (
    "traditional",
    "traditional super-resolution",
    "PSNR-oriented super-resolution",
    "super-resolution with kernel mismatch",
    "GAN-based super-resolution",
    "denoising",
    "super-resolution and denoising",
)

_NAME = re.compile(r"(A\d{4})_(\d\d)_\d\d\.bmp", re.IGNORECASE)


class Pipal(QualityDataset):
    """The public training part of PIPAL; the scores of the rest are not published.

    The images come in four archives, and copies differ in how their folders are
    called (``Distortion_1`` to ``_4``, ``Train_Distort_1``, ``Dist_Imgs``), so they
    are looked for anywhere below the folder. The third part of a name counts the
    algorithms or settings of a sub-type and is no strength: levels are unknown.
    """

    INFO = Info(
        title="PIPAL",
        kind="full-reference",
        layout=(
            "Train_Ref/A0001.bmp           references\n"
            "Train_Label/A0001.txt         image,score, one line per image\n"
            "Distortion_1/A0001_00_00.bmp  reference, sub-type, number; in any folder"
        ),
        citation=(
            "Gu, Cai, Chen, Ye, Ren, Dong: PIPAL: a large-scale image quality "
            "assessment dataset for perceptual image restoration. ECCV 2020. "
            "doi:10.1007/978-3-030-58621-8_37"
        ),
        homepage="https://www.jasongt.com/projectpages/pipal.html",
        scales={
            "": Scale(
                "MOS",
                "higher",
                916.7,
                1836.0,
                note="Elo rating from choices between pairs; range of the data",
            )
        },
        images=23200,
        references=200,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the files in ``Train_Label`` name."""
        folder = enter(root, "PIPAL")
        labels = folder.images("Train_Label", (".txt",)) or folder.images(
            "Train_Label/Train_Label", (".txt",)
        )
        if not labels:
            folder.need("Train_Label/A0001.txt")
        images = by_name(folder.root, (".bmp",))
        records, references = [], {}
        for path in labels:
            for line in read_text(path).split():
                name, _, score = line.partition(",")
                match = _NAME.fullmatch(name)
                kind = int(match[2]) if match else len(DISTORTIONS)
                if not match or kind >= len(DISTORTIONS):
                    wanted = (
                        "a name such as A0001_00_00.bmp with a sub-type from 00 to 06, "
                        "a comma and a score"
                    )
                    raise LayoutError(expected(f"{path}", wanted, repr(line)))
                key = match[1].upper()
                if key not in references:
                    references[key] = folder.need(
                        f"Train_Ref/{key}.bmp", f"Train_Ref/Train_Ref/{key}.bmp"
                    )
                image = images.get(name.lower())
                if image is None:
                    image = folder.need(f"Distortion_1/{name}")
                records.append(
                    Record(
                        image=image,
                        name=name,
                        reference=key,
                        score=number(score, f"{path}, {name}"),
                        distortion=DISTORTIONS[kind],
                        split="train",
                    )
                )
        folder.check(self.INFO.layout)
        return Contents(records, references)

"""KADID-10k: 81 references, 25 types of distortion, 5 levels, 10,125 rated images.

The column ``dmos`` is misnamed: it is the mean of degradation category ratings, 5 for
no visible degradation, so higher is better. So is the column ``var``: it holds the
standard deviation (4.57 with .496 and 4.33 with .869 for the first two images are
possible for 30 whole ratings only if it is).
"""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import number, read_csv
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

DISTORTIONS = (
    "Gaussian blur",
    "lens blur",
    "motion blur",
    "colour diffusion",
    "colour shift",
    "colour quantization",
    "colour saturation in HSV",
    "colour saturation in Lab",
    "JPEG2000 compression",
    "JPEG compression",
    "white noise",
    "white noise in colour components",
    "impulse noise",
    "multiplicative noise",
    "denoising",
    "brightening",
    "darkening",
    "mean shift",
    "jitter",
    "non-eccentricity patch",
    "pixelation",
    "quantization",
    "colour blocks",
    "high sharpening",
    "contrast change",
)

_NAME = re.compile(r"i\d\d_(\d\d)_(\d\d)\.png", re.IGNORECASE)


class Kadid10k(QualityDataset):
    """KADID-10k as its archive unpacks."""

    INFO = Info(
        title="KADID-10k",
        kind="full-reference",
        layout="""\
dmos.csv                  dist_img, ref_img, dmos, var
images/I01.png            references, I01 to I81
images/I01_01_01.png      reference, type, level""",
        citation=(
            "Lin, Hosu, Saupe: KADID-10k: a large-scale artificially distorted IQA "
            "database. QoMEX 2019. doi:10.1109/QoMEX.2019.8743252"
        ),
        homepage="https://database.mmsp-kn.de/kadid-10k-database.html",
        scales={
            "": Scale(
                "MOS",
                "higher",
                1.0,
                5.0,
                deviation="ratings",
                note="degradation category ratings; its authors write dmos",
            )
        },
        images=10125,
        references=81,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that ``dmos.csv`` names."""
        folder = enter(root, "kadid10k")
        labels = folder.need("dmos.csv")
        columns = ("dist_img", "ref_img", "dmos")
        rows = read_csv(labels, columns) if labels.is_file() else []
        records = []
        references: dict[str, Path] = {}
        for row in rows:
            name = row["dist_img"]
            match = _NAME.fullmatch(name)
            kind = int(match[1]) if match else 0
            if not match or not 1 <= kind <= len(DISTORTIONS):
                raise LayoutError(
                    f"{labels}: {name} does not name a reference, a type from 1 to "
                    f"{len(DISTORTIONS)} and a level"
                )
            key = Path(row["ref_img"]).stem
            if key not in references:
                references[key] = folder.need(f"images/{row['ref_img']}")
            spread = row.get("var")
            records.append(
                Record(
                    image=folder.need(f"images/{name}"),
                    name=name,
                    reference=key,
                    score=number(row["dmos"], f"{labels}, {name}"),
                    deviation=number(spread, f"{labels}, {name}") if spread else None,
                    distortion=DISTORTIONS[kind - 1],
                    level=int(match[2]),
                )
            )
        folder.check(self.INFO.layout)
        return Contents(records, references)

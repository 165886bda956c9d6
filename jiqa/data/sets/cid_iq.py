"""CID:IQ: 23 references, 6 types of distortion, 5 levels, rated at two distances.

Scores are a plain list: type by type, within a type reference by reference, within a
reference level by level.
"""

from __future__ import annotations

from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import numbers, read_matlab
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError

#: Folder by number of type from 1, and what was done.
_TYPES = (
    ("1_JPEG2000_Compression", "JPEG2000 compression"),
    ("2_JPEG_Compression", "JPEG compression"),
    ("3_Poisson_Noise", "Poisson noise"),
    ("4_Gaussian_Blur", "Gaussian blur"),
    ("5_SGCK_Gamut_Mapping", "SGCK gamut mapping"),
    ("6_DeltaE_Gamut_Mapping", "ΔE gamut mapping"),
)
_LEVELS = 5
_SCALES = {"50cm": "MOS50", "100cm": "MOS100"}


class CidIq(QualityDataset):
    """CID:IQ as its archive unpacks."""

    INFO = Info(
        title="CID:IQ",
        kind="full-reference",
        layout="""\
Images/Original/final01.bmp  references
Images/Reproduction/1_JPEG2000_Compression/final01_d1_l1.bmp  type, level; likewise
  2_JPEG_Compression, 3_Poisson_Noise, 4_Gaussian_Blur, 5_SGCK_Gamut_Mapping,
  6_DeltaE_Gamut_Mapping
MOS50.mat                 scores at 50 cm, for the configuration 50cm
MOS100.mat                scores at 100 cm, for the configuration 100cm""",
        citation=(
            "Liu, Pedersen, Hardeberg: CID:IQ, a new image quality database. ICISP "
            "2014, LNCS 8509. doi:10.1007/978-3-319-07998-1_22"
        ),
        homepage="https://www.ntnu.edu/web/colourlab/software",
        scales={
            config: Scale("MOS", "higher", 1.0, 9.0, note=f"seen from {distance} cm")
            for config, distance in (("50cm", 50), ("100cm", 100))
        },
        images=690,
        references=23,
        distortions=tuple(what for _, what in _TYPES),
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the list of scores counts."""
        folder = enter(root, "CIDIQ", "CIDIQ_Database")
        variable = _SCALES[self.config]
        labels = folder.need(f"{variable}.mat")
        scores = numbers(*read_matlab(labels, variable)) if labels.is_file() else []
        each, rest = divmod(len(scores), len(_TYPES) * _LEVELS)
        if rest:
            wanted = f"{len(_TYPES) * _LEVELS} scores per reference"
            raise LayoutError(expected(f"{labels}", wanted, f"{len(scores)}"))
        keys = [f"final{number:02}" for number in range(1, each + 1)]
        references = {k: folder.need(f"Images/Original/{k}.bmp") for k in keys}
        names = [
            (place, what, key, f"{key}_d{kind}_l{level}.bmp", level)
            for kind, (place, what) in enumerate(_TYPES, 1)
            for key in keys
            for level in range(1, _LEVELS + 1)
        ]
        records = [
            Record(
                image=folder.need(f"Images/Reproduction/{place}/{name}"),
                name=name,
                reference=key,
                score=score,
                distortion=what,
                level=level,
            )
            for (place, what, key, name, level), score in zip(
                names, scores, strict=True
            )
        ]
        folder.check(self.INFO.layout)
        return Contents(records, references)

"""TID2008: 25 references, 17 types of distortion, 4 levels, 1,700 rated images.

Its references are TID2013's; 24 of them derive from Kodak's photographs, as do many of
LIVE's. What is trained on one of these sets has seen the others' contents.
"""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import enter
from jiqa.data.archives.tid_labels import DISTORTIONS, LAYOUT, read_tampere
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Scale


class Tid2008(QualityDataset):
    """TID2008 as its archive unpacks."""

    INFO = Info(
        title="TID2008",
        kind="full-reference",
        layout=LAYOUT,
        citation=(
            "Ponomarenko et al.: TID2008, a database for evaluation of full-reference "
            "visual quality assessment metrics. Advances of Modern Radioelectronics "
            "10, 2009."
        ),
        homepage="https://www.ponomarenko.info/tid2008.htm",
        scales={"": Scale("MOS", "higher", 0.0, 9.0, deviation="mean")},
        images=1700,
        references=25,
        distortions=DISTORTIONS[:17],
    )

    def read(self, root: Path) -> Contents:
        """Find the images that ``mos_with_names.txt`` names."""
        return read_tampere(enter(root, "tid2008"), self.INFO)

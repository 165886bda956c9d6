"""TID2013: 25 references, 24 types of distortion, 5 levels, 3,000 rated images."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import enter
from jiqa.data.archives.tid_labels import DISTORTIONS, LAYOUT, read_tampere
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Scale


class Tid2013(QualityDataset):
    """TID2013 as its archive unpacks."""

    INFO = Info(
        title="TID2013",
        kind="full-reference",
        layout=LAYOUT,
        citation=(
            "Ponomarenko et al.: Image database TID2013: Peculiarities, results and "
            "perspectives. Signal Processing: Image Communication 30, 2015. "
            "doi:10.1016/j.image.2014.10.009"
        ),
        homepage="https://www.ponomarenko.info/tid2013.htm",
        scales={"": Scale("MOS", "higher", 0.0, 9.0, deviation="mean")},
        images=3000,
        references=25,
        distortions=DISTORTIONS,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that ``mos_with_names.txt`` names."""
        return read_tampere(enter(root, "tid2013"), self.INFO)

"""BIQ2021: 12,000 photographs with authentic distortions, rated in a laboratory."""

from __future__ import annotations

from pathlib import Path

from jiqa.data.archives.folder import enter
from jiqa.data.archives.label_files import number, read_csv
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale

_TABLES = {"train": "Train (Images and MOS).csv", "test": "Test (Images and MOS).csv"}


class Biq2021(QualityDataset):
    """BIQ2021 as its public repository lays it out, with the official split.

    The training table has two columns without a name, both empty, and one of its
    images another case than the file (``ss02 (1014).JPG``). The standard deviations
    that the paper speaks of are not published.
    """

    INFO = Info(
        title="BIQ2021",
        kind="authentic",
        layout=(
            "Images/ss01 (1).jpg         photographs of the subsets ss01, ss02, ss03\n"
            "Train (Images and MOS).csv  columns Image Name and MOS\n"
            "Test (Images and MOS).csv   likewise"
        ),
        citation=(
            "Ahmed, Asif: BIQ2021: a large-scale blind image quality assessment "
            "database. Journal of Electronic Imaging 31(5), 2022. "
            "doi:10.1117/1.JEI.31.5.053010"
        ),
        homepage="https://github.com/nisarahmedrana/BIQ2021",
        scales={"": Scale("MOS", "higher", 0.0, 1.0, note="30 raters per image")},
        images=12000,
    )

    def read(self, root: Path) -> Contents:
        """Find the images that the two tables name."""
        folder = enter(root, "BIQ2021")
        records = []
        for split, table in _TABLES.items():
            path = folder.need(table)
            if not path.is_file():
                continue
            for row in read_csv(path, ("Image Name", "MOS")):
                name = row["Image Name"]
                records.append(
                    Record(
                        image=folder.need(f"Images/{name}"),
                        name=name,
                        score=number(row["MOS"], f"{path}, {name}"),
                        split=split,
                    )
                )
        folder.check(self.INFO.layout)
        return Contents(records)
